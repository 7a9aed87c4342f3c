import torch


class Few(torch.nn.Module):
    """Three classes from the mean colours: fewer than the handler answers with."""

    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(3, 3)

    def forward(self, images):
        return self.linear(images.mean(dim=(2, 3)))
