"""Find what a cell lacks in the cells that were run before, transitively.

Imports, functions, classes and constants are taken along; anything else is a
:class:`~tsnb.errors.CaptureError` that names the variable, the line and the
remedy. The live namespace decides where the history is ambiguous.
"""

from __future__ import annotations

import ast
import builtins
import inspect
from collections.abc import Iterable, Mapping, Set
from types import ModuleType
from typing import Any

from tsnb.capture.analyse import BUILTINS, MODULE_GLOBALS, NOTEBOOK_ONLY, Analysis, Use, analyse
from tsnb.capture.bindings import Binding, harmless, is_literal
from tsnb.capture.carry import frozen, is_rebuildable, is_secret, kept_state, literal_value, same
from tsnb.capture.cells import Cell
from tsnb.capture.patches import Patch, patches
from tsnb.capture.pieces import Captured, Piece, import_order, ordered
from tsnb.capture.remedy import describe, remedy
from tsnb.capture.statements import defining_file, import_of, module_of, spelled, star_names, statement_text
from tsnb.errors import CaptureError

_MADE = ("definition", "assignment")


def collect(
    analysis: Analysis, cells: Iterable[Cell], namespace: Mapping[str, Any], *, handler: str, where: str = "line"
) -> Captured:
    """Resolve the free names of an analysed cell.

    ``cells`` come newest first and do not contain the cell itself; ``namespace``
    is the kernel's before the cell ran. ``handler`` is used in remedies only.
    Raises CaptureError for the first name that cannot travel.
    """
    return _Collector(list(cells), namespace, handler, analysis).run(where)


class _Collector:
    def __init__(self, cells: list[Cell], namespace: Mapping[str, Any], handler: str, root: Analysis) -> None:
        self._cells = cells
        self._namespace = namespace
        self._handler = handler
        self._root = root
        self._pieces: dict[str, Piece] = {}
        self._notices: list[str] = []
        self._problems: list[CaptureError] = []

    def run(self, where: str) -> Captured:
        if self._root.top_level_await:
            raise CaptureError(
                f"{where} {self._root.top_level_await} awaits outside any function, which a module cannot: "
                "move it into initialize or an async def"
            )
        self._resolve(self._root.uses, where, star_names(self._root.stars))
        if self._problems:
            raise _first(self._problems)
        self._take_patches()
        pieces = ordered(self._pieces.values(), self._cells)
        imports = sorted({piece.code for piece in pieces if piece.kind == "import"}, key=import_order)
        rest = [piece for piece in pieces if piece.kind != "import"]
        return Captured(imports, rest, self._root.futures, self._notices)

    def _resolve(self, uses: Iterable[Use], where: str, known: Set[str]) -> None:
        for use in uses:
            if use.name in self._pieces or use.name in known or use.name in MODULE_GLOBALS:
                continue
            try:
                piece = self._find(use)
            except CaptureError as error:
                if not use.soft:
                    self._problems.append(CaptureError(f"{where} {use.line}: {error.message}"))
                continue
            if piece is not None:
                self._take(piece, use)

    def _take(self, piece: Piece, use: Use) -> None:
        """Add a piece and what it needs; what only an annotation names must not fail."""
        pieces, problems = dict(self._pieces), len(self._problems)
        self._add(piece)
        if use.soft and len(self._problems) > problems:
            self._pieces = pieces
            del self._problems[problems:]

    def _add(self, piece: Piece) -> None:
        for name in piece.names:
            self._pieces[name] = piece
        known = self._root.defines | set(piece.names)
        label = piece.cell.label if piece.cell else "cell"
        shift = max(piece.line - 1, 0)
        uses = [Use(use.name, use.line + shift, use.eager, use.soft) for use in piece.uses]
        self._resolve(uses, f"{'/'.join(piece.names)} ({label}), line", known)

    # --- what was done to them later -------------------------------------------------------------

    def _take_patches(self) -> None:
        """Take along what changed a class or a function after its definition; tell what changed a module."""
        done: set[tuple[str, int]] = set()
        while todo := [name for name in self._pieces if (name, id(self._pieces[name])) not in done]:
            for name in todo:
                piece = self._pieces[name]
                done.add((name, id(piece)))
                alive = name not in self._root.defines and name.isidentifier()
                made = piece.cell if piece.kind == "definition" else None
                if alive and (made or piece.kind == "import"):
                    for patch in patches(name, made, piece.line, self._cells):
                        self._take_patch(patch, piece)

    def _take_patch(self, patch: Patch, piece: Piece) -> None:
        """One change; where it cannot travel, the user is told so."""
        label = patch.cell.label
        bound = {each.name for each in patch.cell.bindings if each.statement is patch.statement}
        if any(self._pieces.get(name) is not None for name in bound):
            return  # it travels as a definition already
        if piece.kind == "import":
            if patch.cell.magic == "handler":
                return  # a handler cell's own text says what it does
            self._notices.append(f"{patch.what} is changed in {label}, for this kernel only: do it in this cell, too")
            return
        first, code = statement_text(patch.cell.code, patch.statement)
        uses = tuple(Use(use.name, use.line, True, use.soft) for use in analyse(code, self._root.futures).uses)
        added, problems = dict(self._pieces), len(self._problems)
        if patch.portable:
            self._pieces[f"{label}:{first}"] = change = Piece(
                (patch.what,), "definition", code, patch.cell, first, uses
            )
            self._resolve(uses, label, self._root.defines | set(change.names))
        if not patch.portable or len(self._problems) > problems:
            self._pieces = added
            del self._problems[problems:]
            self._notices.append(f"{patch.what} of {label} is left out: it is made from what a worker does not have")

    # --- one name -------------------------------------------------------------------------------

    def _find(self, use: Use) -> Piece | None:
        """The piece that provides a name; None where nothing is needed. Raises CaptureError."""
        name = use.name
        missing = name not in self._namespace
        found = self._definition_of(name)
        if found is None:
            return self._without_cell(use, missing)
        cell, binding = found
        if missing and name not in self._root.defines:
            raise CaptureError(f"{name} is no longer defined ({cell.label} had it): run that cell again")
        if binding.kind in ("import", "star"):
            return self._imported(name, cell, binding)
        if binding.kind == "definition":
            return self._statement(name, cell, binding)
        if binding.kind == "assignment":
            return self._constant(name, cell, binding)
        raise self._live(name)

    def _without_cell(self, use: Use, missing: bool) -> Piece | None:
        name = use.name
        if name in NOTEBOOK_ONLY:
            raise CaptureError(f"{name} exists in a notebook only: a worker runs without IPython, leave it out")
        if missing:
            if name in BUILTINS or use.soft:
                return None
            raise CaptureError(f"{name} is not defined anywhere: define it in this cell or run the cell that does")
        value = self._namespace[name]
        if name in BUILTINS and _is_builtin(name, value):
            return None
        statement = import_of(name, value)
        if statement is None:
            raise self._live(name)
        return Piece((name,), "import", statement)

    def _definition_of(self, name: str) -> tuple[Cell, Binding] | None:
        """The binding that made the live value: by its code's file name where it has one, else the latest."""
        candidates = [(cell, found) for cell in self._cells if (found := _last_binding(cell, name)) is not None]
        if not candidates:
            return None
        chosen = candidates[0]
        filename = defining_file(self._namespace.get(name)) if name not in self._root.defines else None
        if filename is not None and chosen[1].kind == "definition":
            chosen = next((one for one in candidates if one[0].filename == filename), chosen)
        if chosen[1].kind == "deletion" and name in self._root.defines:
            return None
        self._tell_of_others(name, chosen, candidates)
        return chosen

    def _tell_of_others(self, name: str, chosen: tuple[Cell, Binding], all_: list[tuple[Cell, Binding]]) -> None:
        cell, binding = chosen
        if binding.kind not in _MADE:
            return
        mine = ast.dump(binding.statement)
        others = [
            other.label
            for other, its in all_
            if its.kind in _MADE and not _same_cell(other, cell) and ast.dump(its.statement) != mine
        ]
        if others:
            self._notices.append(f"{name} is defined more than once: took {cell.label}, not {', '.join(others)}")

    # --- the kinds ------------------------------------------------------------------------------

    def _imported(self, name: str, cell: Cell, binding: Binding) -> Piece:
        node = binding.node
        if binding.statement is not node and harmless(binding.statement):
            return self._statement(name, cell, binding)
        if isinstance(node, ast.ImportFrom) and (node.level or node.module == "__main__"):
            raise CaptureError(f"{name} comes from a relative import in {cell.label}: import it by its full name")
        if binding.kind == "star":
            return Piece((name,), "import", f"from {module_of(node)} import {name}", cell)
        if isinstance(node, ast.Import):
            aliases = [alias for alias in node.names if (alias.asname or alias.name.split(".")[0]) == name]
            lines = [spelled("import", alias) for alias in aliases] + self._submodules(name)
            return Piece((name,), "import", "\n".join(dict.fromkeys(lines)), cell)
        assert isinstance(node, ast.ImportFrom)  # noqa: S101 - a binding of kind import is one of two nodes
        alias = next(alias for alias in node.names if (alias.asname or alias.name) == name)
        return Piece((name,), "import", spelled(f"from {node.module} import", alias), cell)

    def _submodules(self, name: str) -> list[str]:
        """``import a.b`` in any cell: all of them belong to the name ``a``."""
        return sorted(
            f"import {alias.name}"
            for cell in self._cells
            for binding in cell.bindings
            if binding.name == name and isinstance(binding.node, ast.Import)
            for alias in binding.node.names
            if alias.asname is None and alias.name.startswith(name + ".")
        )

    def _statement(self, name: str, cell: Cell, binding: Binding) -> Piece:
        """The whole top-level statement, word for word."""
        statement = binding.statement
        if statement is not binding.node and not harmless(statement):
            raise CaptureError(
                f"{name} is defined inside a {type(statement).__name__.lower()} block of {cell.label} "
                "that does other things too: define it at the top level of a cell"
            )
        names = tuple(dict.fromkeys(other.name for other in cell.bindings if other.statement is statement))
        first, code = statement_text(cell.code, statement)
        uses = analyse(code, self._root.futures).uses
        return Piece(names or (name,), "definition", code, cell, first, uses)

    def _constant(self, name: str, cell: Cell, binding: Binding) -> Piece:
        node = binding.node
        live = self._namespace.get(name)
        trusted = name in self._root.defines
        value: ast.expr | None = getattr(node, "value", None)
        simple = value is not None and isinstance(node, ast.Assign | ast.AnnAssign) and binding.statement is node
        if simple and value is not None and is_literal(value):
            if trusted or same(literal_value(value), live):
                return self._statement(name, cell, binding)
            if frozen(live) is None:
                raise CaptureError(
                    f"{name} was changed after {cell.label}: it is {describe(live)} now; "
                    f"{remedy(name, live, self._handler)}"
                )
        if value is not None and is_secret(value) and not trusted:
            raise CaptureError(
                f"{name} was read from the environment or typed in ({cell.label}), and an archive should not hold it: "
                "read it in this cell, which a worker does when it starts"
            )
        modules: set[str] = set()
        source = frozen(live, modules) if not trusted else None
        if source is not None:
            for module in sorted(modules):
                self._pieces[f"import {module}"] = Piece((module,), "import", f"import {module}")
            self._notices.append(f"{name} is frozen at {source if len(source) < 60 else source[:57] + '...'}")
            return Piece((name,), "constant", f"{name} = {source}", cell)
        if isinstance(live, ModuleType):
            return Piece((name,), "import", import_of(name, live) or f"import {name}", cell)
        if simple and is_rebuildable(live):
            if state := kept_state(live):
                self._notices.append(f"{name} remembers {', '.join(state)} between calls: every worker begins anew")
            return self._statement(name, cell, binding)
        raise self._live(name)

    def _live(self, name: str) -> CaptureError:
        value = self._namespace.get(name)
        return CaptureError(
            f"{name} is {describe(value)}, which a worker does not have: {remedy(name, value, self._handler)}"
        )


# --- small questions --------------------------------------------------------------------------------


def _first(problems: list[CaptureError]) -> CaptureError:
    """One line for all problems: the first in full, the others by number."""
    more = len(problems) - 1
    suffix = f" (and {more} more name{'s' * (more != 1)} like it)" if more else ""
    return CaptureError(problems[0].message + suffix)


def _last_binding(cell: Cell, name: str) -> Binding | None:
    for binding in reversed(cell.bindings):
        if binding.name == name or (binding.kind == "star" and name in star_names([module_of(binding.node)])):
            return binding
    return None


def _is_builtin(name: str, value: Any) -> bool:
    """Whether a value is the builtin of its name, or IPython's wrapper around it, as ``open`` is in every notebook."""
    return (inspect.unwrap(value) if callable(value) else value) is vars(builtins)[name]


def _same_cell(one: Cell, other: Cell) -> bool:
    return one is other or (one.cell_id is not None and one.cell_id == other.cell_id)
