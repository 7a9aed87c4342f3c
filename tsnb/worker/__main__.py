"""``python -m tsnb.worker --fd N``: a worker in a fresh interpreter, for a model with its own."""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import os
import socket

from tsnb.worker.process import die_with_parent, serve


def main() -> None:
    """Serve the socket that was handed over under ``--fd``, or, as one of several ranks, the one in ``--ranks``."""
    parser = argparse.ArgumentParser(prog="python -m tsnb.worker", description=__doc__)
    socket_of = parser.add_mutually_exclusive_group(required=True)
    socket_of.add_argument("--fd", type=int, help="descriptor of the worker's end of its frame socket")
    socket_of.add_argument("--ranks", help="folder with a socket for each rank, which torchrun names in LOCAL_RANK")
    options = parser.parse_args()
    parent = os.getppid()
    with contextlib.suppress(PermissionError):  # the server made it a session of its own already
        os.setsid()
    die_with_parent(parent)
    faulthandler.enable()
    serve(_connected(options.ranks) if options.fd is None else options.fd)


def _connected(folder: str) -> int:
    """The descriptor of a connection to the socket of this rank."""
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(os.path.join(folder, os.environ["LOCAL_RANK"]))
    return sock.detach()


if __name__ == "__main__":
    main()
