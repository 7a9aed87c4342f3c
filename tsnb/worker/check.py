"""``python -m tsnb.worker.check``: imports modules as a worker would, each in a process and a folder of its own.

The notebook's kernel asks it whether a captured cell stands alone. It has
imported torch already, so an answer takes hundredths of a second. An
:class:`~tsnb.messages.ImportOrder` per line comes in on standard input, an
:class:`~tsnb.messages.ImportOutcome` per line goes out on standard output. It
leaves at end-of-file, and when nobody asked for a while.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import importlib
import os
import select
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import IO

import msgspec

from tsnb.handlers.finding import handler_class, import_handler
from tsnb.messages import Failure, ImportOrder, ImportOutcome
from tsnb.worker.failures import describe
from tsnb.worker.loader import extend_path
from tsnb.worker.process import die_with_parent, leave

IMPORTS = ("numpy", "PIL.Image", "torch", "tsnb.handlers.base")
"""What nearly every handler needs, imported once."""

IDLE = 600.0
"""Seconds without an order after which the process leaves: it holds some 200 MB."""

LIMIT = 20.0
"""Seconds an import may take; what takes longer is not judged."""

OUTPUT = 4096
"""Bytes of what the module printed that are told with a failure."""


def serve(orders: IO[bytes], outcomes: IO[bytes]) -> None:
    """Answer orders until the kernel is gone or silent."""
    while select.select([orders], [], [], IDLE)[0]:
        line = orders.readline()
        if not line:
            return
        outcome = _apart(msgspec.json.decode(line, type=ImportOrder))
        outcomes.write(msgspec.json.encode(outcome) + b"\n")
        outcomes.flush()


def _apart(order: ImportOrder) -> ImportOutcome:
    """Try an order in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="tsnb-check-") as folder:
        for name, text in order.files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        for name, target in order.links.items():
            os.symlink(target, Path(folder, name))
        forkable = sys.platform == "linux"  # elsewhere a fork of a process with torch may crash
        return (_forked if forkable else _spawned)(folder, order.module)


def _forked(folder: str, module: str) -> ImportOutcome:
    reading, writing = os.pipe()
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        os.close(reading)
        die_with_parent(parent)
        os.setpgid(0, 0)
        with os.fdopen(writing, "wb") as out:
            _answer(folder, module, out)
        leave(0)
    os.close(writing)
    try:
        with os.fdopen(reading, "rb") as answer:
            said = _read_all(answer)
    finally:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)  # with whatever it started
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
    return _outcome(said, os.waitstatus_to_exitcode(status))


def _spawned(folder: str, module: str) -> ImportOutcome:
    command = [sys.executable, "-P", "-m", "tsnb.worker.check", "--once", folder, module]
    try:
        done = subprocess.run(command, capture_output=True, timeout=LIMIT, check=False)  # noqa: S603 - our own command
    except subprocess.TimeoutExpired:
        return ImportOutcome(finished=False)
    return _outcome(done.stdout, done.returncode)


def _read_all(answer: IO[bytes]) -> bytes | None:
    """What the child says, to its end; None when that takes too long."""
    if not select.select([answer], [], [], LIMIT)[0]:
        return None
    return answer.readline()  # not to the end of file: what the module started may hold the pipe open


def _outcome(said: bytes | None, status: int) -> ImportOutcome:
    if said is None:
        return ImportOutcome(finished=False)
    if said:
        return msgspec.json.decode(said, type=ImportOutcome)
    return ImportOutcome(Failure("ImportFailed", f"the interpreter ended with status {status} meanwhile", "import"))


def _answer(folder: str, module: str, out: IO[bytes]) -> None:
    """In the child: import, and say how it went."""
    with tempfile.TemporaryFile() as printed:
        _redirect(printed)
        failure = _try(folder, module)
        if failure is not None:
            for stream in (sys.stdout, sys.stderr):
                stream.flush()
            printed.seek(max(0, printed.seek(0, os.SEEK_END) - OUTPUT))
            failure = msgspec.structs.replace(failure, output=printed.read().decode(errors="replace"))
        out.write(msgspec.json.encode(ImportOutcome(failure)) + b"\n")
        out.flush()


def _try(folder: str, module: str) -> Failure | None:
    os.chdir(folder)
    extend_path(folder)
    try:
        found = import_handler(module, folder)
        if not callable(getattr(found, "handle", None)):
            handler_class(found)
    except BaseException as error:  # a module may even call sys.exit
        return describe(error, "import")
    return None


def _redirect(printed: IO[bytes]) -> None:
    """Let descriptors 1 and 2 write into a file: 1 was the channel to the kernel."""
    os.dup2(printed.fileno(), 1)
    os.dup2(printed.fileno(), 2)


def main() -> None:
    """Serve orders; with ``--once`` try one folder and module in this very process."""
    parser = argparse.ArgumentParser(prog="python -m tsnb.worker.check", description=__doc__)
    parser.add_argument("--once", nargs=2, metavar=("FOLDER", "MODULE"), help="one module, without waiting for orders")
    options = parser.parse_args()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = os.fdopen(os.dup(1), "wb")
    with open(os.devnull, "wb") as nowhere:
        _redirect(nowhere)
    if options.once:
        folder, module = options.once
        _answer(folder, module, channel)
        leave(0)
    for name in IMPORTS:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()
    serve(sys.stdin.buffer, channel)
    leave(0)


if __name__ == "__main__":
    main()
