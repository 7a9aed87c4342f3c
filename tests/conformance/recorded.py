"""The answers of TorchServe, as they lie in ``tests/conformance/recorded``: one file for each table."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "recorded"
HEADER = "Answers of TorchServe 0.12.0 (Java 17, torch 2.13, CPU). Renew them with: make conformance-renew"


@cache
def recorded(group: str) -> dict[str, dict[str, Any]]:
    """Case → ``{"torchserve": answers}``, with ``"tsnb"`` beside it where that differs on purpose."""
    path = FOLDER / f"{group.replace(' ', '_')}.json"
    return dict(json.loads(path.read_text())["cases"]) if path.exists() else {}


def write(group: str, cases: dict[str, dict[str, Any]]) -> None:
    """Replace the recording of a table."""
    path = FOLDER / f"{group.replace(' ', '_')}.json"
    text = json.dumps({"_": HEADER, "cases": cases}, indent=1, ensure_ascii=False)
    path.write_text(text + "\n")
    recorded.cache_clear()


def groups() -> set[str]:
    """The tables that have a recording."""
    return {path.stem.replace("_", " ") for path in FOLDER.glob("*.json")}
