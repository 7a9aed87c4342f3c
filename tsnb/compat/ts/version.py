"""The TorchServe that this answers for."""

from tsnb.archive.manifest import TORCHSERVE_VERSION

__version__ = TORCHSERVE_VERSION
