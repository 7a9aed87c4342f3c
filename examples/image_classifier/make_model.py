"""Train a small network on scikit-learn's digits; write its weights and one picture that it has not seen."""

import torch
from model import Digits
from PIL import Image
from sklearn.datasets import load_digits

torch.manual_seed(0)
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(digits.target)
model = Digits()
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for _ in range(8):
    for batch in torch.randperm(1700).split(64):
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(model(images[batch]), labels[batch]).backward()
        optimizer.step()
torch.save(model.state_dict(), "digits.pth")

unseen = Image.fromarray((digits.images[-1] * 255 / 16).astype("uint8"))
unseen.resize((64, 64), Image.Resampling.NEAREST).save("sample.png")
