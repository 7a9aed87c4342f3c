import torch


class ByBrightness(torch.nn.Module):
    """Three classes of pixels: dark, middle, bright."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 3, 1)

    def forward(self, images):
        return {"out": self.conv(images)}
