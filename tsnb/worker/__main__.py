"""``python -m tsnb.worker --fd N``: a worker in a fresh interpreter, for a model with its own."""

from __future__ import annotations

import argparse
import contextlib
import faulthandler
import os

from tsnb.worker.process import die_with_parent, serve


def main() -> None:
    """Serve the socket that was handed over under the descriptor ``--fd``."""
    parser = argparse.ArgumentParser(prog="python -m tsnb.worker", description=__doc__)
    parser.add_argument("--fd", type=int, required=True, help="descriptor of the worker's end of its frame socket")
    options = parser.parse_args()
    parent = os.getppid()
    with contextlib.suppress(PermissionError):  # the server made it a session of its own already
        os.setsid()
    die_with_parent(parent)
    faulthandler.enable()
    serve(options.fd)


if __name__ == "__main__":
    main()
