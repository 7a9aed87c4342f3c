"""``tsnb doctor``: whether this machine can serve, one line for each thing that can be wrong."""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing

from msgspec import Struct

from tsnb import __version__
from tsnb.cli.commands import Run
from tsnb.config import Config
from tsnb.errors import ConfigError, TsnbError

EXTRAS = {
    "gRPC": ("grpc", "clients that speak gRPC", "pip install 'tsnb[grpc]'"),
    "keystores": ("cryptography", "PKCS12 keystores", "pip install 'tsnb[keystore]'"),
}


class Finding(Struct, frozen=True):
    """One line: ``good`` is None for what can be done without."""

    what: str
    good: bool | None
    text: str


def doctor(parser: argparse.ArgumentParser) -> Run:
    """Where the ports are taken from."""
    parser.add_argument("--ts-config", metavar="FILE", help="look at the ports of this config.properties")
    parser.epilog = "Exit status 0: this machine can serve. 1: it cannot, and the lines with ✗ say why."
    return _doctor


def _doctor(args: argparse.Namespace) -> int:
    from tsnb.config import read

    config = read(args.ts_config, os.environ, {}, quiet=True)
    bad = False
    for finding in examine(config):
        mark = {True: "✓", None: "–", False: "✗"}[finding.good]
        _print(f"{mark} {finding.what:12} {finding.text}")
        bad = bad or finding.good is False
    return 1 if bad else 0


def _print(line: str) -> None:
    encoding = sys.stdout.encoding or "utf-8"
    print(line.encode(encoding, "replace").decode(encoding), flush=True)


def examine(config: Config) -> Iterator[Finding]:
    """Everything, the quick things first."""
    checks: list[Callable[[], Finding]] = [_versions, _speedups, _cores, _temporary_folder, _gpus]
    for check in checks:
        yield check()
    yield from _ports(config)
    for what in EXTRAS:
        yield _extra(what)
    yield _extension()
    yield _torch()
    yield _nursery()


def _versions() -> Finding:
    return Finding("tsnb", True, f"{__version__}, Python {platform.python_version()}, {platform.platform()}")


def _speedups() -> Finding:
    from tsnb.speedups import COMPILED

    if COMPILED:
        return Finding("speedups", True, "the way of quick requests is compiled")
    remedy = "install it again where there is a C compiler with Python's headers, without TSNB_PURE_PYTHON"
    return Finding("speedups", None, f"plain Python serves quick models, up to a third fewer requests: {remedy}")


def _cores() -> Finding:
    import psutil

    available = psutil.virtual_memory().available
    return Finding("machine", True, f"{os.cpu_count()} cores, {available / 2**30:.1f} GiB of memory free")


def _temporary_folder() -> Finding:
    folder = tempfile.gettempdir()
    free = shutil.disk_usage(folder).free
    text = f"{folder}, {free / 2**30:.1f} GiB free; archives are unpacked there (cache_dir, TMPDIR)"
    return Finding("disk", free > 2**30 or None, text)


def _gpus() -> Finding:
    from tsnb.engine import placement

    found = placement.devices()
    if not found:
        return Finding("GPUs", None, "none are seen; workers use the CPU")
    return Finding("GPUs", True, ", ".join(f"{each.name} ({each.memory_total / 2**30:.0f} GiB)" for each in found))


def _ports(config: Config) -> Iterator[Finding]:
    from tsnb.rest.address import bindings

    try:
        found = bindings(config)
    except ConfigError as error:
        yield Finding("addresses", False, error.message)
        return
    for binding in found:
        free = not binding.address.port or _is_free(binding.address.host, binding.address.port)
        said = "is free" if free else "another process listens there, maybe a server that runs already"
        yield Finding("port", free, f"{binding.address} ({', '.join(binding.settings)}) {said}")


def _is_free(host: str, port: int) -> bool:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        with closing(socket.socket(family)) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError:
        return False
    return True


def _extra(what: str) -> Finding:
    module, purpose, remedy = EXTRAS[what]
    if importlib.util.find_spec(module) is not None:
        return Finding(what, True, f"{module} is installed")
    return Finding(what, None, f"without {module} there is no support for {purpose}: {remedy}")


def _extension() -> Finding:
    """Ask jupyter-server itself, in a process of its own: it reads many folders of configuration."""
    command = [sys.executable, "-P", "-m", "jupyter", "server", "extension", "list"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)  # noqa: S603
    except (OSError, subprocess.TimeoutExpired) as error:
        return Finding("Jupyter", None, f"could not be asked for its extensions: {error}")
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "tsnb" in line]
    if any("enabled" in line for line in lines):
        return Finding("Jupyter", True, "the server extension is enabled")
    return Finding("Jupyter", None, "the server extension is not enabled here: jupyter server extension enable tsnb")


TORCH = """
import json, torch
print(json.dumps([torch.__version__, torch.cuda.device_count(), torch.get_num_threads()]))
"""


def _torch() -> Finding:
    """Imported by a child, as everywhere in the server."""
    began = time.perf_counter()
    command = [sys.executable, "-P", "-c", TORCH]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)  # noqa: S603
    except subprocess.TimeoutExpired:
        return Finding("torch", False, "was not imported within two minutes")
    if done.returncode:
        return Finding("torch", False, "cannot be imported: " + "".join(done.stderr.strip().splitlines()[-1:]))
    version, gpus, threads = json.loads(done.stdout)
    seconds = time.perf_counter() - began
    return Finding("torch", True, f"{version}, imported in {seconds:.1f} s, sees {gpus} GPUs, uses {threads} threads")


def _nursery() -> Finding:
    from tsnb.engine import nursery

    if not nursery.available():
        return Finding("workers", None, "are not forked on this system: each imports torch for itself")

    async def start() -> float:
        house, began = nursery.Nursery(), time.perf_counter()
        try:
            await house.start()
        finally:
            house.close()
        return time.perf_counter() - began

    try:
        seconds = asyncio.run(start())
    except (TsnbError, OSError, TimeoutError) as error:
        return Finding("workers", False, f"the process that forks them does not start: {error}")
    return Finding("workers", True, f"the process that forks them was ready after {seconds:.1f} s")
