"""The ``tsnb`` command: one file per group of sub-commands, each loaded only when it is called."""

from tsnb.cli.commands import main

__all__ = ["main"]
