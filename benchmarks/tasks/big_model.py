"""An eager model whose weights fill a file: square linear layers, all of them used by every answer."""

import os

import torch

with open(os.path.join(os.path.dirname(__file__), "layers.txt")) as file:
    COUNT = int(file.read())


class Big(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = torch.nn.ModuleList(torch.nn.Linear(4096, 4096) for _ in range(COUNT))

    def forward(self, x):
        for layer in self.layers:
            x = torch.relu(layer(x))
        return x
