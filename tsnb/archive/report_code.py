"""Source code as HTML: numbered, coloured by Pygments where that is installed, and escaped in any case."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tsnb import html
from tsnb.archive.plain import visible
from tsnb.html import Markup

MAX_COLOURED = 128 << 10
"""Characters that are coloured; longer text is plain."""

_CLASSES = (
    ("Token.Comment", "tsnb-c"),
    ("Token.Literal.String", "tsnb-s"),
    ("Token.Literal.Number", "tsnb-n"),
    ("Token.Keyword", "tsnb-k"),
    ("Token.Operator.Word", "tsnb-k"),
    ("Token.Name.Function", "tsnb-f"),
    ("Token.Name.Class", "tsnb-f"),
    ("Token.Name.Decorator", "tsnb-f"),
)
"""Kinds of Pygments' tokens that have a colour."""


def code(text: str, *, python: bool = True) -> Markup:
    """Numbered source in a ``<pre>``."""
    shown = visible(text)
    lines = list(_coloured(shown)) if python and len(shown) <= MAX_COLOURED else []
    plain = [html.escape(line) for line in shown.split("\n")]
    if len(lines) != len(plain):  # the lexer has its own idea of a line: better plain than shifted
        lines = plain
    width = len(str(len(lines)))
    numbered = (
        html.join([html.tag("span", f"{number:>{width}}  ", class_="tsnb-line"), line])
        for number, line in enumerate(lines, 1)
    )
    return html.tag("pre", html.join(numbered, "\n"), class_="tsnb-code")


def _coloured(text: str) -> Iterator[Markup]:
    try:
        from pygments.lexers.python import PythonLexer  # type: ignore[import-untyped,unused-ignore]
    except ImportError:
        return
    line: list[Markup] = []
    for kind, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        css = next((css for prefix, css in _CLASSES if str(kind).startswith(prefix)), None)
        first, *others = value.split("\n")
        line.append(_span(first, css))
        for part in others:
            yield html.join(line)
            line = [_span(part, css)]
    yield html.join(line)


def _span(text: str, css: str | None) -> Markup:
    return html.tag("span", text, class_=css) if css and text else html.escape(text)


def changes(lines: Iterable[str]) -> Markup:
    """A unified diff in a ``<pre>``; what was added and removed has a colour, and its sign."""
    shown = (html.tag("span", visible(line), class_=_kind(line)) for line in lines)
    return html.tag("pre", html.join(shown, "\n"), class_="tsnb-code")


def _kind(line: str) -> str | None:
    if line.startswith(("+++", "---")):
        return "tsnb-dim"
    return {"+": "tsnb-added", "-": "tsnb-removed", "@": "tsnb-hunk"}.get(line[:1])
