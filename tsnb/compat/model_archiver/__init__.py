"""``model_archiver``, as scripts import it from torch-model-archiver: the same names, over :mod:`tsnb.archive`."""

from .model_archiver import ModelArchiver
from .model_archiver_config import ModelArchiverConfig
from .version import __version__

__all__ = ["ModelArchiver", "ModelArchiverConfig", "__version__"]
