"""A report and a comparison as text, for a terminal and for what has no HTML."""

from __future__ import annotations

import math
from collections.abc import Iterator

from tsnb import html
from tsnb.archive.diff import Diff, FileChange, TensorChange, ValueChange
from tsnb.archive.distance import Distance
from tsnb.archive.origin import origin_rows
from tsnb.archive.plain import short, visible
from tsnb.archive.report import FileRow, Report, Source
from tsnb.archive.tensors import Tensor, TensorTable

MAX_ROWS = 200
"""Rows of a table; the rest is counted."""

NAME_WIDTH = 60
"""Characters of the first column; longer names push the others aside."""

EQUAL = "The archives are equal."

_RED, _GREEN, _CYAN, _BOLD, _END = "\x1b[31m", "\x1b[32m", "\x1b[36m", "\x1b[1m", "\x1b[0m"


# --- one archive ------------------------------------------------------------------------------------


def headline(found: Report) -> str:
    """The model, its version and its size in one line."""
    files = html.count_text(len(found.files), "file")
    return (
        f"{short(found.model) or '(no name)'}, version {short(found.version)}: {files}, {html.bytes_text(found.size)}"
    )


def handler_text(found: Report) -> str:
    """The handler, and where it comes from."""
    return f"{short(found.handler) or '(none)'}{'' if found.in_archive else ' (not in the archive)'}"


def report_text(found: Report) -> str:
    """Everything about one archive."""
    facts = [("handler", handler_text(found)), *((short(key, 40), short(value)) for key, value in found.config.items())]
    facts += [("note", visible(note)) for note in found.notes]
    blocks = [
        f"{short(str(found.path), 1000)}\n{headline(found)}\n{_pairs(facts)}",
        _block("files", _file_lines(found.files)),
        *(_block(f"tensors of {short(name)}", _tensor_lines(table)) for name, table in found.tensors.items()),
        _block("provenance", _pairs(origin_rows(found.provenance)).splitlines()),
        *(_source_block(source, numbers=False) for source in found.texts if source.role != "manifest"),
        *(_source_block(source, numbers=True) for source in found.sources),
    ]
    return "\n\n".join(block for block in blocks if block)


def _pairs(rows: list[tuple[str, str]]) -> str:
    width = max((len(label) for label, _ in rows), default=0)
    return "\n".join(f"  {label:{width}}  {text}" for label, text in rows)


def _block(title: str, lines: list[str]) -> str:
    return "\n".join([title, *lines]) if lines else ""


def _limited(lines: Iterator[str], count: int) -> list[str]:
    shown = [line for line, _ in zip(lines, range(MAX_ROWS), strict=False)]
    return [*shown, f"  and {count - MAX_ROWS:,} more"] if count > MAX_ROWS else shown


def _file_lines(files: tuple[FileRow, ...]) -> list[str]:
    sizes = max((len(f"{row.size:,}") for row in files), default=0)
    width = min(max((len(short(row.name)) for row in files), default=0), NAME_WIDTH)
    lines = (
        f"  {row.size:>{sizes},}  {row.sha256[:12]}  {short(row.name):{width}}  {row.role}".rstrip() for row in files
    )
    return _limited(lines, len(files))


def tensor_summary(table: TensorTable) -> str:
    """How much there is in a file of weights."""
    total = html.bytes_text(sum(tensor.nbytes for tensor in table.tensors))
    count = html.count_text(len(table.tensors), "tensor")
    return f"{table.kind}: {count}, {html.count_text(table.parameters, 'parameter')} (buffers included), {total}"


def _tensor_lines(table: TensorTable) -> list[str]:
    if table.note:
        return [f"  {visible(table.note)}"]
    width = min(max((len(short(tensor.name)) for tensor in table.tensors), default=0), NAME_WIDTH)
    lines = (
        f"  {short(tensor.name):{width}}  {shape_text(tensor):24}  {html.bytes_text(tensor.nbytes):>8}"
        for tensor in table.tensors
    )
    return [f"  {tensor_summary(table)}", *_limited(lines, len(table.tensors))]


def shape_text(tensor: Tensor | None) -> str:
    """``float32[3, 2]``, or ``absent``."""
    return short(f"{tensor.dtype}{list(tensor.shape)}") if tensor else "absent"


def _source_block(source: Source, *, numbers: bool) -> str:
    title = f"{short(source.name)}{f' ({source.role})' if source.role else ''}"
    lines = visible(source.text).split("\n")
    width = len(str(len(lines)))
    body = (
        [f"  {number:>{width}}  {line}".rstrip() for number, line in enumerate(lines, 1)]
        if numbers
        else [f"  {line}".rstrip() for line in lines]
    )
    return _block(title, [*body, *(["  … and more"] if source.cut else [])])


# --- two archives -----------------------------------------------------------------------------------


def diff_text(found: Diff, *, colour: bool = False) -> str:
    """The differences; one line where there are none."""
    if not found:
        return verdict(found)
    lines = [*_value_lines(found), *(line for file in found.files for line in _change_lines(file, colour))]
    lines += _limited((tensor_text(change) for change in found.tensors), len(found.tensors))
    lines += [f"note: {visible(note)}" for note in found.notes]
    lines += [f"made: {value_text(change)}" for change in found.made]
    return "\n".join(lines)


def verdict(found: Diff) -> str:
    """Whether the archives are equal, and what is different where that is nothing that counts."""
    made = ", ".join(short(change.key, 60) for change in found.made[:5])
    return f"{EQUAL[:-1]}, but for when and where they were made ({made})." if made else EQUAL


def _value_lines(found: Diff) -> Iterator[str]:
    for title, changes in (
        ("manifest", found.manifest),
        ("config", found.config),
        ("requirement", found.requirements),
    ):
        yield from (f"{title} {value_text(change)}" for change in changes[:MAX_ROWS])


def value_text(change: ValueChange) -> str:
    """``model.modelVersion: '1.0' -> '2.0'``."""
    before, after = (_absent(value) for value in (change.before, change.after))
    return f"{short(change.key)}: {before} -> {after}"


def _absent(value: object) -> str:
    return "absent" if value is None else short(repr(value) if isinstance(value, str) else value)


def change_text(file: FileChange) -> str:
    """What became of a file, and its sizes."""
    was = f"{short(file.was)} -> " if file.was else ""
    sizes = " -> ".join(f"{facts.size:,} bytes" for facts in (file.before, file.after) if facts)
    return f"{file.kind} {was}{short(file.name)} ({sizes if file.kind == 'changed' else sizes.split(' -> ')[0]})"


def _change_lines(file: FileChange, colour: bool) -> Iterator[str]:
    yield f"{_BOLD}{change_text(file)}{_END}" if colour else change_text(file)
    for line in file.lines:
        paint = {"+": _GREEN, "-": _RED, "@": _CYAN}.get(line[:1], "") if colour else ""
        yield f"{paint}{visible(line)}{_END}" if paint else visible(line)


def tensor_text(change: TensorChange) -> str:
    """A tensor's change in one line."""
    shapes = " -> ".join(dict.fromkeys((shape_text(change.before), shape_text(change.after))))
    apart = f"; {distance_text(change.distance)}" if change.distance else ""
    note = f"; values not compared: {visible(change.note)}" if change.note else ""
    return f"tensor {short(change.file)} {short(change.name)}: {shapes}{apart}{note}"


def distance_text(found: Distance) -> str:
    """How far two tensors are apart."""
    share = f"{found.differing:,} of {found.count:,} differ"
    relative = f" ({found.relative:.2%} of the first)" if math.isfinite(found.relative) else ""
    return f"norm of the difference {found.norm:.4g}{relative}, largest {found.largest:.4g}, {share}"
