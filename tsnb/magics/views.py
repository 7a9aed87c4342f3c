"""What magics return: small objects with a text form and a rich one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tsnb import html
from tsnb.capture.module import Module
from tsnb.capture.pieces import Captured


class View:
    """A title, facts below it, and text: the common form of everything here."""

    title = ""
    badge: tuple[str, html.Tone] | None = None

    def facts(self) -> Iterable[str]:
        """Short lines below the title."""
        return ()

    def text(self) -> str:
        """Preformatted text at the end, or nothing."""
        return ""

    def __repr__(self) -> str:
        lines = [self.title, *(f"  {fact}" for fact in self.facts())]
        return "\n".join([*lines, *([self.text()] if self.text() else [])])

    def _repr_html_(self) -> str:
        head = [html.tag("span", self.title, class_="tsnb-title")]
        if self.badge is not None:
            head.append(html.badge(*self.badge))
        facts = [html.tag("div", fact, class_="tsnb-dim") for fact in self.facts()]
        text = html.tag("pre", self.text()) if self.text() else None
        return html.page(html.line(*head), *facts, text)


class Note(View):
    """Something was done."""

    def __init__(self, title: str, *facts: str) -> None:
        self.title = title
        self._facts = facts

    def facts(self) -> Iterable[str]:
        """What else there is to say."""
        return self._facts


class CapturedView(View):
    """A handler cell that became a module: what it took along, and from where."""

    def __init__(
        self, name: str, path: str, module: Module, captured: Captured, *, explain: bool, news: Sequence[str] = ()
    ) -> None:
        self.name = name
        self.path = path
        self.module = module
        self.title = f"handler {name} → {path}"
        self._captured = captured
        self._explain = explain
        self._news = news

    @property
    def source(self) -> str:
        """The text of the module."""
        return self.module.source

    def facts(self) -> Iterable[str]:
        """What was taken along, and what the user should know."""
        yield from self._news
        by_cell: dict[str, list[str]] = {}
        for piece in self._captured.pieces:
            by_cell.setdefault(piece.cell.label if piece.cell else "the notebook", []).extend(piece.names)
        for label, names in by_cell.items():
            yield f"took {', '.join(names)} from {label}"
        if self._captured.imports:
            yield "taken along from other cells: " + ", ".join(
                line for text in self._captured.imports for line in text.splitlines()
            )
        versions = self.module.provenance.get("distributions", {})
        if versions:
            yield "uses " + ", ".join(f"{name} {version}" for name, version in versions.items())
        for file in self.module.files:
            yield f"{file} lies beside the notebook and will travel in the archive"
        yield from self.module.notices

    def text(self) -> str:
        """The module itself, with ``--explain``."""
        return self.source.rstrip("\n") if self._explain else ""
