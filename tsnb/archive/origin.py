"""The provenance of an archive as lines to show. An archive may say anything there, so every value is looked at."""

from __future__ import annotations

from typing import Any

from tsnb.archive.plain import short

_KNOWN = {
    "cell", "cell_sha256", "module_sha256", "created", "notebook", "notebook_path", "execution_count", "cells", "git",
    "python", "torch", "tsnb", "distributions", "sample",
}  # fmt: skip


def origin_rows(provenance: dict[str, Any]) -> list[tuple[str, str]]:
    """What there is to say, as label and text."""
    rows = [
        ("made", _value(provenance, "created")),
        ("notebook", _value(provenance, "notebook_path") or _value(provenance, "notebook")),
        ("cell", _cells(provenance)),
        ("git", _git(provenance.get("git"))),
        ("versions", ", ".join(f"{key} {_value(provenance, key)}" for key in _VERSIONS if _value(provenance, key))),
        ("packages", _packages(provenance.get("distributions"))),
        ("sample", _sample(provenance.get("sample"))),
        *((short(key, 40), short(value)) for key, value in provenance.items() if key not in _KNOWN),
    ]
    return [(label, text) for label, text in rows if text]


_VERSIONS = ("python", "torch", "tsnb")


def cell_of(provenance: dict[str, Any]) -> str:
    """The cell as it was typed, ``""`` when it was not recorded."""
    cell = provenance.get("cell")
    return cell if isinstance(cell, str) else ""


def _value(provenance: dict[str, Any], key: str) -> str:
    value = provenance.get(key)
    return short(value) if value is not None else ""


def _cells(provenance: dict[str, Any]) -> str:
    own = _number(provenance)
    taken = provenance.get("cells")
    records = [cell for cell in taken[:20] if isinstance(cell, dict)] if isinstance(taken, list) else []
    others = [f"{_names(cell)} from {_number(cell)}" for cell in records]
    return ", ".join([own, *(["took " + ", ".join(others)] if others else [])]) if own or others else ""


def _number(record: dict[str, Any]) -> str:
    number = record.get("execution_count")
    return f"[{short(number, 20)}]" if number is not None else ""


def _names(cell: dict[str, Any]) -> str:
    names = cell.get("names")
    return short(", ".join(short(name, 40) for name in names[:10])) if isinstance(names, list) else ""


def _git(state: Any) -> str:
    if not isinstance(state, dict) or not state.get("commit"):
        return ""
    dirty = {True: ", with changes that are not committed", None: ", changes unknown"}
    told = state.get("dirty")
    return short(state["commit"], 64) + (dirty.get(told, "") if told is None or isinstance(told, bool) else "")


def _packages(found: Any) -> str:
    pairs = list(found.items())[:50] if isinstance(found, dict) else []
    return ", ".join(f"{short(name, 60)} {short(version, 40)}" for name, version in pairs)


def _sample(sample: Any) -> str:
    if not isinstance(sample, dict):
        return ""
    sent = sample.get("request")
    parts = [_part(each) for each in sent if isinstance(each, dict)][:5] if isinstance(sent, list) else []
    answer = sample.get("answer")
    return f"{'; '.join(parts)} → {_part(answer) if isinstance(answer, dict) else '?'}" if parts else ""


def _part(part: dict[str, Any]) -> str:
    kind, text, encoded = part.get("content_type"), part.get("text"), part.get("base64")
    if isinstance(text, str):
        return short(text, 120)
    size = f"{len(encoded) * 3 // 4} bytes" if isinstance(encoded, str) else "nothing"
    return f"{short(kind, 60)} ({size})" if kind else size
