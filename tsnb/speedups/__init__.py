"""The way of most requests through the server, compiled where there was a compiler, plain Python elsewhere.

``native`` is what the build made of ``native.pyx``; :mod:`tsnb.speedups.plain` has the same names and leaves
everything to the code that calls it, which is complete without. With ``TSNB_PURE_PYTHON=1`` nothing compiled is used.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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

    COMPILED: bool
else:
    try:
        if os.environ.get("TSNB_PURE_PYTHON", "0") not in ("", "0"):
            raise ImportError("not wanted")
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
    except ImportError:
        from tsnb.speedups.plain import (
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

        COMPILED = False

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
    "mark",
    "spent",
    "tell",
    "together",
]
