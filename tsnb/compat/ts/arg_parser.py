"""``ts.arg_parser``: the command line of ``torchserve``, for scripts that take its flags too (spec 8.3).

The command itself reads them in :mod:`tsnb.cli.torchserve`; some have other names there.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence

VALUES = {
    "--ts-config": "config.properties to read",
    "--model-store": "folder with the model archives",
    "--workflow-store": "folder with the workflow archives",
    "--log-config": "log4j2 XML file",
    "--cpp-log-config": "log settings of the C++ backend",
}
"""Flags that take one value."""


class ArgParser:
    """Parsers of command lines."""

    @staticmethod
    def ts_parser() -> argparse.ArgumentParser:
        """Takes every flag of ``torchserve``."""
        parser = argparse.ArgumentParser(prog="torchserve", description="Serve models.")
        either = parser.add_mutually_exclusive_group()
        either.add_argument("-v", "--version", action="store_true", help="print the version")
        either.add_argument("--start", action="store_true", help="start a server")
        either.add_argument("--stop", action="store_true", help="stop the server that runs")
        for flag, text in VALUES.items():
            parser.add_argument(flag, help=text)
        add = parser.add_argument
        add("--models", nargs="+", metavar="MODEL", help="archives to load: FILE, NAME=FILE, a URL, or all")
        add("--foreground", action="store_true", help="run attached to this terminal")
        add("--no-config-snapshots", "--ncs", action="store_true", help="neither read nor write snapshots")
        add("--plugins-path", "--ppath", help="Java plugins; they are not loaded")
        add("--disable-token-auth", "--dt", dest="token_auth", action="store_true", help="answer without a token")
        add("--enable-model-api", dest="model_mode", action="store_true", help="allow registering over REST and gRPC")
        return parser

    @staticmethod
    def extract_args(args: Sequence[str] | None = None) -> argparse.Namespace:
        """What these words, or by default the command line of this process, say."""
        return ArgParser.ts_parser().parse_args(args or None)
