"""``tsnb torchserve``: every flag of the ``torchserve`` command, its messages and its exit statuses (spec 8.3)."""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from tsnb.archive.manifest import TORCHSERVE_VERSION
from tsnb.cli.commands import Run
from tsnb.cli.pidfile import PidFile
from tsnb.cli.serve import rehearse, run
from tsnb.errors import ConfigError

if TYPE_CHECKING:
    import psutil

STOP_TIMEOUT = 60.0
"""Seconds a server has to stop."""
POLL = 0.1
"""Seconds between two looks at it."""

RUNNING = "TorchServe is already running, please use torchserve --stop to stop TorchServe."
FLAGS = {
    "ts_config": "--ts-config",
    "model_store": "--model-store",
    "workflow_store": "--workflow-store",
    "log_config": "--log-config",
    "cpp_log_config": "--cpp-log-config",
    "plugins_path": "--plugins-path",
}
SWITCHES = {
    "no_config_snapshots": "--no-config-snapshots",
    "disable_token_auth": "--disable-token-auth",
    "enable_model_api": "--enable-model-api",
}
WITHOUT_EFFECT = {
    "cpp_log_config": "there is no C++ backend; every model runs in a Python worker.",
    "plugins_path": "Java plugins are not loaded. An endpoint of your own is a small server before this one.",
}
"""Why some flags do nothing."""


def torchserve(parser: argparse.ArgumentParser) -> Run:
    """The flags."""
    either = parser.add_mutually_exclusive_group()
    either.add_argument("-v", "--version", action="store_true", help="print the TorchServe version this answers for")
    either.add_argument("--start", action="store_true", help="start a server (what happens without this flag, too)")
    either.add_argument("--stop", action="store_true", help="stop the server that runs; with --foreground, wait for it")
    add = parser.add_argument
    add("--ts-config", metavar="FILE", help="config.properties to read; TS_CONFIG_FILE goes before it")
    add("--model-store", metavar="DIR", help="folder with the model archives")
    add("--workflow-store", metavar="DIR", help="folder with the workflow archives (default: the model store)")
    add("--models", nargs="+", metavar="MODEL", help="archives to load: FILE, NAME=FILE, a URL, or all")
    add("--log-config", metavar="FILE", help="log4j2 XML file that says which log goes where")
    add("--cpp-log-config", metavar="FILE", help="log settings of the C++ backend; it must exist, and is not read")
    add("--foreground", action="store_true", help="run attached to this terminal; otherwise return at once")
    add("--no-config-snapshots", "--ncs", action="store_true", help="neither read nor write snapshots")
    add("--plugins-path", "--ppath", metavar="DIR", help="Java plugins; they are not loaded")
    add("--disable-token-auth", "--dt", action="store_true", help="answer without a token")
    add("--enable-model-api", action="store_true", help="allow registering and unregistering models over REST and gRPC")
    return _torchserve


def _torchserve(args: argparse.Namespace) -> int:
    if args.version:
        print(f"TorchServe Version is {TORCHSERVE_VERSION}")
        return 0
    try:
        _check_paths(args, os.environ)
        file = PidFile(Path(tempfile.gettempdir()))
        return _stop(file, args.foreground) if args.stop else _start(file, args)
    except ConfigError as error:  # torchserve speaks on stdout
        print(error.message)
        return 1


def _check_paths(args: argparse.Namespace, environ: Mapping[str, str]) -> None:
    """Raise ConfigError, in torchserve's words, for a flag that names nothing."""
    folder = environ.get("TEMP")
    if folder and not os.path.isdir(folder):
        raise ConfigError(f"Invalid temp directory: {folder}, please check TEMP environment variable.")
    for name in ("log_config", "cpp_log_config"):
        path = getattr(args, name)
        if path and not os.path.isfile(path):
            raise ConfigError(f"{FLAGS[name]} file not found: {os.path.realpath(path)}")
    config = environ.get("TS_CONFIG_FILE") or args.ts_config
    if config and not os.path.isfile(config):
        raise ConfigError(f"--ts-config file not found: {config}")
    for name in ("model_store", "workflow_store"):
        path = getattr(args, name)
        if path and not os.path.isdir(path):
            raise ConfigError(f"{FLAGS[name]} directory not found: {path}")


def _stop(file: PidFile, wait: bool) -> int:
    import psutil

    server = file.process()
    if server is None:
        _forget(file)
        print("TorchServe is not currently running.")
        return 0
    with contextlib.suppress(psutil.NoSuchProcess):
        server.terminate()
    if not _ended(server, STOP_TIMEOUT):
        print("Stopping TorchServe took too long.")
        return 1
    file.remove()
    if not wait:
        print("TorchServe has stopped.")
    return 0


def _ended(server: psutil.Process, timeout: float) -> bool:
    """Wait for a process; one that its parent has not noticed yet has ended, too."""
    import psutil

    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        try:
            if server.status() == psutil.STATUS_ZOMBIE:
                return True
            server.wait(POLL)
            return True
        except psutil.TimeoutExpired:
            continue
        except psutil.NoSuchProcess:
            return True
    return False


def _forget(file: PidFile) -> None:
    if file.path.exists():
        print("Removing orphan pid file.")
        file.remove()


def _start(file: PidFile, args: argparse.Namespace) -> int:
    server = file.process()
    # A server in the background finds itself named already by the process that started it.
    if server is not None and server.pid != os.getpid():
        print(RUNNING)
        return 1
    if server is None:
        _forget(file)
    if not args.foreground:
        return _detach(file, args)
    with file.held():
        return run(args, _without_effect(args))


def _without_effect(args: argparse.Namespace) -> list[str]:
    """What to tell of the flags that were given and do nothing."""
    return [f"{FLAGS[name]} has no effect: {why}" for name, why in WITHOUT_EFFECT.items() if getattr(args, name)]


def _detach(file: PidFile, args: argparse.Namespace) -> int:
    """Start this command again, attached to nothing but stdout and stderr; what cannot start is told here and now."""
    rehearse(args)
    command = [sys.executable, "-P", "-m", "tsnb", "torchserve", "--start", "--foreground", *_words(args)]
    server = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603 - our own command
    file.write(server.pid)
    return 0


def _words(args: argparse.Namespace) -> list[str]:
    words = [flag for name, flag in SWITCHES.items() if getattr(args, name)]
    for name, flag in FLAGS.items():
        value = getattr(args, name)
        words += [f"{flag}={value}"] if value else []
    return [*words, "--models", *args.models] if args.models else words
