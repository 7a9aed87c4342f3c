"""The command line of ``torch-workflow-archiver``."""

from __future__ import annotations

import argparse

from tsnb.archive.workflow_flags import add_flags


class ArgParser:
    """Makes the parser."""

    @staticmethod
    def workflow_archiver_args_parser() -> argparse.ArgumentParser:
        """A parser with every flag."""
        parser = argparse.ArgumentParser(prog="torch-workflow-archiver", description="Make a workflow archive.")
        add_flags(parser)
        parser.set_defaults(extra_files=None)
        return parser
