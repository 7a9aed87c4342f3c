"""The command line of ``torch-model-archiver``."""

from __future__ import annotations

import argparse

from tsnb.archive.flags import add_flags

from .model_archiver_config import ModelArchiverConfig


class ArgParser:
    """Reads the command line of this process."""

    @staticmethod
    def export_model_args_parser() -> ModelArchiverConfig:
        """What it says; argparse ends the process where it makes no sense."""
        parser = argparse.ArgumentParser(prog="torch-model-archiver", description="Make a model archive.")
        add_flags(parser)
        parser.set_defaults(extra_files=None)
        return ModelArchiverConfig.from_args(parser.parse_args())
