"""Start the server: models from a store, over HTTP, until SIGTERM or Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import logging
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from msgspec import Struct

from tsnb.cli.commands import Run
from tsnb.cli.logs_setup import DEFAULT, logging_of_a_server
from tsnb.cli.sources import config_file
from tsnb.config import Config, read
from tsnb.errors import ConfigError
from tsnb.rest.address import bindings

log = logging.getLogger("tsnb")


def serve(parser: argparse.ArgumentParser) -> Run:
    """The flags, named as those of ``torchserve`` (spec 8.3)."""
    add = parser.add_argument
    add("--foreground", action="store_true", help="accepted for torchserve's sake: tsnb serve always runs attached")
    add("--model-store", metavar="DIR", help="folder with the model archives")
    add("--workflow-store", metavar="DIR", help="folder with the workflow archives (default: the model store)")
    add("--ts-config", metavar="FILE", help="config.properties to read")
    add("--models", nargs="+", metavar="MODEL", help="archives to load: FILE, NAME=FILE, a URL, or all")
    add("--no-config-snapshots", "--ncs", action="store_true", help="neither read nor write snapshots")
    add("--disable-token-auth", "--dt", action="store_true", help="answer without a token")
    add("--enable-model-api", action="store_true", help="allow registering and unregistering models over REST")
    add("--host", help="answer everything on one address; default 127.0.0.1 where --port is given")
    add("--port", type=int, help="port of that address, 0 for a free one; default 8080 where --host is given")
    add(
        "--grpc-port",
        type=int,
        metavar="PORT",
        help="answer gRPC on one port, 0 for a free one; default 7070 and 7071, where --port is given none",
    )
    add("--log-config", metavar="FILE", help="log4j2 XML file that says which log goes where")
    add("--no-access-log", action="store_true", help="do not write a line for every request")
    add("--lifeline", type=int, metavar="FD", help="stop when this inherited pipe reaches its end")
    return _serve


def _serve(args: argparse.Namespace) -> int:
    return run(args)


def run(args: argparse.Namespace, notes: Sequence[str] = ()) -> int:
    """Serve in this process until somebody ends it; ``notes`` go to the log first."""
    rehearse(args)
    # A server that belongs to a kernel writes nothing into the user's folder unless asked.
    folder = DEFAULT if getattr(args, "lifeline", None) is None else ""
    with logging_of_a_server(os.environ, args.log_config, folder) as logs:
        for note in notes:
            log.warning("%s", note)
        setup = configure(args)
        from tsnb.cli.server import serve

        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(serve(setup, os.environ, logs))
    return 0


def rehearse(args: argparse.Namespace) -> None:
    """Raise what :func:`configure` would, before anything is made, and leave its warnings to it."""
    logging.disable(logging.CRITICAL)
    try:
        configure(args)
    finally:
        logging.disable(logging.NOTSET)


class Setup(Struct, frozen=True):
    """What a command line asks for.

    ``source`` is the configuration file that counts, ``lasting`` the settings
    that a snapshot repeats (None: no snapshots), ``lifeline`` the number of a
    pipe whose end is the end of the server.
    """

    config: Config
    source: Path | None = None
    lasting: Config | None = None
    lifeline: int | None = None


def configure(args: argparse.Namespace) -> Setup:
    """The settings that a command line asks for. Raises ConfigError."""
    snapshots = not args.no_config_snapshots
    path = config_file(args.ts_config, os.environ, snapshots=snapshots)
    flags = _flags(args)
    config = read(path, os.environ, {**flags, **_switches(args)})
    check_store(config)
    check_apart(config)
    lasting = read(path, os.environ, flags, quiet=True) if snapshots else None
    return Setup(config, path, lasting, getattr(args, "lifeline", None))


def _flags(args: argparse.Namespace) -> dict[str, Any]:
    flags: dict[str, Any] = {
        "model_store": args.model_store,
        "workflow_store": args.workflow_store,
        "load_models": ",".join(args.models) if args.models else None,
        "access_log": False if getattr(args, "no_access_log", False) else None,
    }
    host, port = getattr(args, "host", None), getattr(args, "port", None)
    return {**flags, **_addresses(host, port), **_grpc(host, port, getattr(args, "grpc_port", None))}


def _switches(args: argparse.Namespace) -> dict[str, Any]:
    """Flags that open doors, and can only switch one way (spec 8.2).

    A snapshot does not repeat them: a server that is started without them keeps its doors closed.
    """
    return {
        "disable_token_authorization": args.disable_token_auth or None,
        "enable_model_api": args.enable_model_api or None,
    }


def _addresses(host: str | None, port: int | None) -> dict[str, str]:
    if host is None and port is None:
        return {}
    host, port = host or "127.0.0.1", 8080 if port is None else port
    address = f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
    return dict.fromkeys(("inference_address", "management_address", "metrics_address"), address)


def _grpc(host: str | None, port: int | None, grpc_port: int | None) -> dict[str, Any]:
    """gRPC follows ``--host``; who chose a port for everything else chooses one for it, or has none."""
    flags: dict[str, Any] = {}
    if host is not None:
        flags |= dict.fromkeys(("grpc_inference_address", "grpc_management_address"), host)
    if grpc_port is not None:
        flags |= dict.fromkeys(("grpc_inference_port", "grpc_management_port"), grpc_port) | {"enable_grpc": True}
    elif port is not None:
        flags["enable_grpc"] = False
    return flags


EVERYWHERE = ("0.0.0.0", "::")  # noqa: S104  (what a setting says, nothing is opened here)


def check_apart(config: Config) -> None:
    """Raise ConfigError where REST and gRPC are to have one port: gRPC binds it too, and REST would never answer."""
    for binding in bindings(config):
        host, port = binding.address.host, binding.address.port
        for name in ("inference", "management") if config.enable_grpc and port else ():
            theirs = getattr(config, f"grpc_{name}_address"), getattr(config, f"grpc_{name}_port")
            if theirs[1] == port and (theirs[0] == host or host in EVERYWHERE or theirs[0] in EVERYWHERE):
                settings = " and ".join(binding.settings)
                raise ConfigError(
                    f"Cannot listen on {binding.address} ({settings}): grpc_{name}_port is {port}, too. "
                    "Choose another port for one of them, or set enable_grpc=false."
                )


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
