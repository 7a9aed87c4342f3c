"""The way of most requests through server and worker, compiled where there was a compiler, plain Python elsewhere.

``native`` and ``indented`` are what the build made of the files ``*.pyx``; :mod:`tsnb.speedups.plain` has the same
names and leaves everything to the code that calls it, which is complete without. With ``TSNB_PURE_PYTHON=1`` nothing
compiled is used.
"""

from __future__ import annotations

import contextlib
import os
from typing import TYPE_CHECKING

COMPILED = False

if TYPE_CHECKING:
    from tsnb.speedups.indented import indented
    from tsnb.speedups.native import (
        ConnectionBase,
        Express,
        IntakeBase,
        JobBase,
        ServiceBase,
        express,
        frame,
        given,
        mark,
        spent,
        tell,
        together,
    )
else:
    from tsnb.speedups.plain import (
        ConnectionBase,
        Express,
        IntakeBase,
        JobBase,
        ServiceBase,
        express,
        frame,
        given,
        indented,
        mark,
        spent,
        tell,
        together,
    )

    if os.environ.get("TSNB_PURE_PYTHON", "0") in ("", "0"):
        with contextlib.suppress(ImportError):
            from tsnb.speedups.indented import indented
        with contextlib.suppress(ImportError):
            from tsnb.speedups.native import (
                ConnectionBase,
                Express,
                IntakeBase,
                JobBase,
                ServiceBase,
                express,
                frame,
                given,
                mark,
                spent,
                tell,
                together,
            )

            COMPILED = True

__all__ = [
    "COMPILED",
    "ConnectionBase",
    "Express",
    "IntakeBase",
    "JobBase",
    "ServiceBase",
    "express",
    "frame",
    "given",
    "indented",
    "mark",
    "spent",
    "tell",
    "together",
]
