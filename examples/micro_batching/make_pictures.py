"""Three pictures to ask about."""

from PIL import Image

for name, colour in (("red", (180, 40, 30)), ("green", (40, 150, 60)), ("blue", (30, 50, 190))):
    Image.new("RGB", (320, 240), colour).save(f"{name}.png")
