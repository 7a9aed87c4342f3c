import torch


class Nearest(torch.nn.Module):
    """Pictures to the number of the named colour that is nearest to their mean."""

    def __init__(self):
        super().__init__()
        colours = [[0.8, 0.1, 0.1], [0.1, 0.6, 0.1], [0.1, 0.1, 0.8], [0.9, 0.9, 0.1], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]]
        self.register_buffer("colours", torch.tensor(colours))

    def forward(self, pictures):
        means = pictures.mean(dim=(1, 2))
        return torch.cdist(means, self.colours).argmin(dim=1)
