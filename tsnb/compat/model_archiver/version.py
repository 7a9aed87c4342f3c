"""The torch-model-archiver that this answers for."""

from tsnb.archive.manifest import ARCHIVER_VERSION

__version__ = ARCHIVER_VERSION
