"""``workflow_archiver``, as scripts import it from torch-workflow-archiver: its names, over :mod:`tsnb.archive`."""

from .version import __version__

__all__ = ["__version__"]
