import torch


class Irises(torch.nn.Module):
    """Four lengths in centimetres to scores of three species."""

    def __init__(self):
        super().__init__()
        self.layers = torch.nn.Sequential(torch.nn.Linear(4, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))

    def forward(self, lengths):
        return self.layers(lengths)
