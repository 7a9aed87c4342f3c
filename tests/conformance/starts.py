"""Servers that a case starts for itself: what flags, files and variables make of them (spec 7.12, 8.1, 8.3)."""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.conformance.case import Step
from tests.conformance.houses import House
from tests.conformance.servers import Server


@dataclass(frozen=True)
class Started:
    """Start another server of the same kind under other settings, and do some steps with it."""

    house: House
    steps: tuple[Step, ...] = ()

    def perform(self, server: Server) -> dict[str, Any]:
        """Whether it started, and what the steps gave."""
        folder = Path(tempfile.mkdtemp(dir=server.folder))
        with ExitStack() as stack:
            try:
                other = stack.enter_context(Server(server.kind, self.house, folder, server.archives))
            except AssertionError as error:
                if "did not start" not in str(error):
                    raise
                return {"started": False}
            found = [step.perform(other) for step in self.steps]
        return {"started": True, "then": [each for each in found if each is not None]}
