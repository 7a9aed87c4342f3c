"""What a piece of Python defines at module level, and which names it takes from elsewhere.

Scoping is left to CPython: the code is compiled (never run) and its bytecode
says which names are looked up globally, and on which line. So comprehensions,
closures, class bodies, ``global``, ``match``, walrus, f-strings and lambdas are
right by construction, in every Python version.
"""

from __future__ import annotations
import __future__

import ast
import builtins
import dis
import inspect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from types import CodeType

MODULE_GLOBALS = frozenset(
    ("__name__", "__file__", "__doc__", "__spec__", "__package__", "__loader__", "__builtins__", "__annotations__")
)
"""Names that every module has without anybody defining them."""

NOTEBOOK_ONLY = frozenset({"get_ipython", "display", "In", "Out", "_", "__", "___", "__IPYTHON__", "exit", "quit"})
"""Names that exist in a notebook and in no worker."""

BUILTINS = frozenset(dir(builtins)) - NOTEBOOK_ONLY


@dataclass(frozen=True)
class Use:
    """A name looked up from elsewhere, first on ``line``.

    ``eager`` lookups happen while the module is imported. ``soft`` ones may find nothing: in annotations that nobody
    evaluates (``from __future__ import annotations``), and of names that a function makes itself (``global``).
    """

    name: str
    line: int
    eager: bool = False
    soft: bool = False


@dataclass(frozen=True)
class Analysis:
    """What :func:`analyse` found. ``uses`` holds one entry per free name, by line, builtins included."""

    defines: frozenset[str]
    uses: tuple[Use, ...]
    imports: frozenset[str]
    stars: tuple[str, ...]
    futures: frozenset[str]
    classes: tuple[str, ...]
    top_level_await: int = 0
    """The line of an ``await`` outside any function, 0 if there is none."""

    @property
    def free(self) -> dict[str, int]:
        """Names that must come from elsewhere, with the line of their first use; builtins excluded."""
        known = BUILTINS | MODULE_GLOBALS
        return {use.name: use.line for use in self.uses if use.name not in known and not use.soft}


def analyse(source: str, futures: Iterable[str] = ()) -> Analysis:
    """Analyse the source of a module. ``futures`` are features switched on from outside.

    Raises SyntaxError.
    """
    tree = ast.parse(source)
    wanted = frozenset(futures) | _futures(tree)
    flags = ast.PyCF_ALLOW_TOP_LEVEL_AWAIT | _flags(wanted)
    code = compile(tree, "<cell>", "exec", flags=flags, dont_inherit=True)
    seen = _Lookups()
    seen.module(code)
    soft = _annotation_names(tree) if "annotations" in wanted else ()
    return Analysis(
        defines=frozenset(seen.bound),
        uses=_merge([*seen.free(), *(use for use in soft if use.name not in seen.bound)]),
        imports=frozenset(imported_modules(tree)),
        stars=tuple(_stars(tree)),
        futures=wanted,
        classes=tuple(node.name for node in tree.body if isinstance(node, ast.ClassDef)),
        top_level_await=_await_line(tree) if code.co_flags & inspect.CO_COROUTINE else 0,
    )


@dataclass
class _Lookups:
    """A walk over code objects in the order in which an import runs them."""

    bound: set[str] = field(default_factory=set)
    made_later: set[str] = field(default_factory=set)
    """Names that a function writes by ``global``: whether they are there before it runs, nobody knows."""
    eager: list[Use] = field(default_factory=list)
    late: list[Use] = field(default_factory=list)

    def module(self, code: CodeType) -> None:
        self._frame(code, self.bound)

    def free(self) -> Iterator[Use]:
        late = (use for use in self.late if use.name not in self.bound)
        for use in (*self.eager, *late):
            yield replace(use, soft=use.soft or use.name in self.made_later)

    def _frame(self, code: CodeType, own: set[str]) -> None:
        """Module or class body: runs now, so the order of stores and loads counts."""
        for step in dis.get_instructions(code):
            line = (step.positions.lineno if step.positions else None) or code.co_firstlineno
            if step.opname == "STORE_NAME":
                own.add(step.argval)
            elif step.opname == "DELETE_NAME":
                own.discard(step.argval)
            elif step.opname in _LOADS:
                if step.argval not in own and step.argval not in self.bound:
                    self.eager.append(Use(step.argval, line, eager=True))
            elif step.opname == "STORE_GLOBAL":
                self.bound.add(step.argval)
            elif isinstance(step.argval, CodeType):
                self._nested(step.argval)

    def _nested(self, code: CodeType) -> None:
        if not code.co_flags & inspect.CO_OPTIMIZED:
            return self._frame(code, set())
        for step in dis.get_instructions(code):
            line = (step.positions.lineno if step.positions else None) or code.co_firstlineno
            if step.opname in _LOADS:
                self.late.append(Use(step.argval, line, soft=code.co_name == "__annotate__"))
            elif step.opname == "STORE_GLOBAL":
                self.made_later.add(step.argval)
            elif isinstance(step.argval, CodeType):
                self._nested(step.argval)
        return None


_LOADS = {"LOAD_NAME", "LOAD_GLOBAL", "LOAD_FROM_DICT_OR_GLOBALS"}


def _merge(uses: list[Use]) -> tuple[Use, ...]:
    """One use per name: its first line, eager if any is, soft only if all are."""
    found: dict[str, Use] = {}
    for use in uses:
        old = found.setdefault(use.name, use)
        hard = [one for one in (old, use) if not one.soft] or [old]
        line = min(one.line for one in hard)
        found[use.name] = Use(use.name, line, old.eager or use.eager, old.soft and use.soft)
    return tuple(sorted(found.values(), key=lambda use: (use.line, use.name)))


def _futures(tree: ast.Module) -> frozenset[str]:
    nodes = (node for node in tree.body if isinstance(node, ast.ImportFrom) and node.module == "__future__")
    return frozenset(alias.name for node in nodes for alias in node.names)


def _flags(futures: Iterable[str]) -> int:
    flags = 0
    for name in futures:
        flags |= getattr(__future__, name).compiler_flag
    return flags


def _stars(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            yield "." * node.level + (node.module or "")


def imported_modules(tree: ast.AST) -> Iterator[str]:
    """The dotted names of all modules imported anywhere in a tree, absolute imports only."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def _annotation_names(tree: ast.Module) -> Iterator[Use]:
    for node in ast.walk(tree):
        for note in (getattr(node, "annotation", None), getattr(node, "returns", None)):
            for inner in ast.walk(note) if note is not None else ():
                if isinstance(inner, ast.Name):
                    yield Use(inner.id, inner.lineno, soft=True)


def _await_line(tree: ast.Module) -> int:
    """The line of the first ``await`` that is in no function."""
    queue: list[ast.AST] = [tree]
    for node in queue:
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
            return node.lineno
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            queue.extend(ast.iter_child_nodes(node))
    return 1
