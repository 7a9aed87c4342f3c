"""Which digit is it? The default image classifier with pictures prepared another way, and shorter answers."""

import numpy as np
import torch
from PIL import Image
from ts.torch_handler.image_classifier import ImageClassifier


class DigitClassifier(ImageClassifier):
    topk = 1

    def image_processing(self, image):
        """A picture of any size to one grey channel of 8 x 8 numbers from 0 to 1."""
        small = image.convert("L").resize((8, 8), Image.Resampling.BOX)
        return torch.from_numpy(np.asarray(small, dtype=np.float32) / 255).unsqueeze(0)

    def postprocess(self, data):
        """``{digit: probability}`` of the likeliest digit, with one decimal."""
        return [{digit: round(p, 1) for digit, p in row.items()} for row in super().postprocess(data)]
