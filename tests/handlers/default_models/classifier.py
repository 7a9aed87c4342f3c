import torch


class Pooled(torch.nn.Module):
    """Seven classes from the mean colours of a 4 x 4 grid."""

    def __init__(self):
        super().__init__()
        self.pool = torch.nn.AdaptiveAvgPool2d(4)
        self.linear = torch.nn.Linear(48, 7)

    def forward(self, images):
        return self.linear(self.pool(images).flatten(1))
