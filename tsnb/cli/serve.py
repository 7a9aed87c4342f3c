"""Start the server: models from a store, over HTTP, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import os
from pathlib import Path
from typing import Any

from tsnb.cli.commands import Run
from tsnb.cli.logs_setup import logging_to_stderr
from tsnb.cli.sources import config_file
from tsnb.config import Config, read
from tsnb.errors import ConfigError


def serve(parser: argparse.ArgumentParser) -> Run:
    """The flags, named as those of ``torchserve`` (spec 8.3)."""
    add = parser.add_argument
    add("--foreground", action="store_true", help="accepted for torchserve's sake: tsnb serve always runs attached")
    add("--model-store", metavar="DIR", help="folder with the model archives")
    add("--ts-config", metavar="FILE", help="config.properties to read")
    add("--models", nargs="+", metavar="MODEL", help="archives to load: FILE, NAME=FILE, a URL, or all")
    add("--ncs", "--no-config-snapshots", action="store_true", help="neither read nor write snapshots")
    add("--disable-token-auth", "--dt", action="store_true", help="answer without a token")
    add("--enable-model-api", action="store_true", help="allow registering and unregistering models over REST")
    add("--host", help="answer everything on one address; default 127.0.0.1 where --port is given")
    add("--port", type=int, help="port of that address, 0 for a free one; default 8080 where --host is given")
    add("--no-access-log", action="store_true", help="do not write a line for every request")
    add("--lifeline", type=int, metavar="FD", help="stop when this inherited pipe reaches its end")
    return _serve


def _serve(args: argparse.Namespace) -> int:
    with logging_to_stderr(os.environ):
        config = configure(args)
        from tsnb.cli.server import serve

        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(config, os.environ, args.lifeline))
    return 0


def configure(args: argparse.Namespace) -> Config:
    """The settings that a command line asks for. Raises ConfigError."""
    path = config_file(args.ts_config, os.environ, snapshots=not args.ncs)
    config = read(path, os.environ, _flags(args))
    check_store(config)
    return config


def _flags(args: argparse.Namespace) -> dict[str, Any]:
    flags: dict[str, Any] = {
        "model_store": args.model_store,
        "load_models": ",".join(args.models) if args.models else None,
        # These flags can only switch one way (spec 8.2).
        "disable_token_authorization": args.disable_token_auth or None,
        "enable_model_api": args.enable_model_api or None,
        "access_log": False if args.no_access_log else None,
    }
    if args.host is not None or args.port is not None:
        host = args.host or "127.0.0.1"
        port = 8080 if args.port is None else args.port
        address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
        flags.update(dict.fromkeys(("inference_address", "management_address", "metrics_address"), address))
    return flags


def check_store(config: Config) -> None:
    """Refuse to start without a folder of archives (spec 8.3). Raises ConfigError."""
    if not config.model_store:
        raise ConfigError("Missing mandatory parameter --model-store")
    if not Path(config.model_store).is_dir():
        raise ConfigError(f"--model-store {config.model_store!r} is not a folder. Make it, or name another.")


def _loop_factory() -> Any:
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
