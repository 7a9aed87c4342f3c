"""The front-end code as one module: a widget sends its code through the kernel, where no other file can be fetched.

The files are plain ES modules that import each other by name. Joining them
is leaving out those imports and the ``export`` before a declaration; nothing
else is changed, and no build tool is needed.
"""

from __future__ import annotations

import re
from pathlib import Path

from tsnb import html
from tsnb.widgets import charts

FOLDER = Path(__file__).parent

_IMPORT = re.compile(r'^import \{([^}]*)\} from "\./(\w+\.js)";\n', re.MULTILINE)
_EXPORT = re.compile(r"^export (?=(async )?function |const )", re.MULTILINE)


def script(name: str) -> str:
    """A module of this folder together with the modules it imports, each once, those first."""
    seen: dict[str, str] = {}
    _collect(name, seen)
    return "\n".join(seen.values())


def _collect(name: str, seen: dict[str, str]) -> None:
    source = (FOLDER / name).read_text(encoding="utf-8")
    for match in _IMPORT.finditer(source):
        if match[2] not in seen:
            _collect(match[2], seen)
    seen[name] = _EXPORT.sub("", _IMPORT.sub("", source))


def style(name: str) -> str:
    """The shared style sheet and one of this folder."""
    return html.STYLE + charts.STYLE + (FOLDER / name).read_text(encoding="utf-8")
