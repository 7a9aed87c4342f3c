"""Lets torchvision be imported beside a torch without CUDA: its library of operators does not load there.

The handlers of TorchServe need its transforms only, which are Python. This folder is on the PYTHONPATH of the real
TorchServe; where the operators load, nothing is done.
"""

import ctypes
import importlib.abc
import importlib.machinery
import pathlib
import sys

OPERATORS = ("nms", "qnms")
"""Those whose absence keeps torchvision from being imported."""


class Torchvision(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name == "torchvision":
            sys.meta_path.remove(self)
            self.define_operators()

    def define_operators(self):
        spec = importlib.machinery.PathFinder.find_spec("torchvision")
        if spec is None or spec.origin is None:
            return
        import torch

        try:
            for file in pathlib.Path(spec.origin).parent.glob("_C*.so"):
                ctypes.CDLL(str(file))
        except OSError:
            global library
            library = torch.library.Library("torchvision", "DEF")
            for operator in OPERATORS:
                library.define(f"{operator}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")


sys.meta_path.insert(0, Torchvision())
