"""What is taken along into a module, and in which order it can be imported."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tsnb.capture.analyse import Use
from tsnb.capture.cells import Cell


@dataclass(frozen=True)
class Piece:
    """Source that is taken along: what it defines, its text, and where it came from.

    ``line`` is the first line of the text in the cell, 0 when the text was made up.
    """

    names: tuple[str, ...]
    kind: str
    code: str
    cell: Cell | None = None
    line: int = 0
    uses: tuple[Use, ...] = ()


@dataclass
class Captured:
    """All that a cell lacks: imports, pieces in an order that can be imported, and what to tell the user."""

    imports: list[str] = field(default_factory=list)
    pieces: list[Piece] = field(default_factory=list)
    futures: frozenset[str] = frozenset()
    notices: list[str] = field(default_factory=list)


def ordered(pieces: Iterable[Piece], cells: Sequence[Cell]) -> list[Piece]:
    """Pieces so that whatever one needs while it is imported stands before it; else as they were run."""
    age = {id(cell): -index for index, cell in enumerate(cells)}
    unique = list({id(piece): piece for piece in pieces}.values())
    unique.sort(key=lambda piece: (age.get(id(piece.cell), -len(cells)), piece.line))
    providers = {name: piece for piece in unique for name in piece.names}
    done: dict[int, Piece] = {}
    entered: set[int] = set()

    def visit(piece: Piece, all_uses: bool) -> None:
        if id(piece) in entered:
            return
        entered.add(id(piece))
        for use in piece.uses:
            if (use.eager or all_uses) and use.name in providers:
                visit(providers[use.name], True)
        done[id(piece)] = piece

    for piece in unique:
        visit(piece, False)
    return list(done.values())


def import_order(line: str) -> tuple[bool, str]:
    """A sort key: ``import`` lines before ``from`` lines."""
    return line.startswith("from "), line
