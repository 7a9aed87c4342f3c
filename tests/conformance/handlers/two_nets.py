"""Two models, so nobody knows which is meant."""

import torch


class Net(torch.nn.Module):
    pass


class Other(torch.nn.Module):
    pass
