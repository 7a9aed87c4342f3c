"""The torch-workflow-archiver that this answers for."""

from tsnb.archive.workflow import ARCHIVER_VERSION

__version__ = ARCHIVER_VERSION
