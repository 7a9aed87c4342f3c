"""``%explode x.mar``: the handler of an archive as a cell again, and its files in a folder. Nothing of it is run."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from IPython.core.error import UsageError

from tsnb import html
from tsnb.archive.plain import short, visible
from tsnb.archive.report_code import code
from tsnb.archive.report_html import fold, page
from tsnb.capture.explode import Exploded, explode, name_of, write_files
from tsnb.errors import Conflict
from tsnb.magics.base import Command, argument, arguments, friendly, line_magic, magics_class, parse, split
from tsnb.magics.inspect import look
from tsnb.magics.views import View


class ExplodedView(View):
    """The cells of an archive. ``cells`` are those that are not below the cell that asked."""

    def __init__(self, found: Exploded, places: list[str], below: int | None) -> None:
        self.title = f"explode {found.name} {short(found.version, 40)} → {', '.join(places) or 'nothing to write'}"
        self.exploded = found
        self._below = below

    def facts(self) -> Iterable[str]:
        """Where the cells come from, and how to get the others."""
        yield from self.exploded.notes
        if self._below is not None:
            yield from (f"{title} {place}" for title, place in self._places())
            yield "--notebook FILE.ipynb writes all of them into a notebook"

    def text(self) -> str:
        """The cells that are not below."""
        others = [cell for number, cell in enumerate(self.exploded.cells, 1) if number != self._below]
        return "\n\n".join(visible(cell.source.rstrip("\n")) for cell in others) if self._below is not None else ""

    def _places(self) -> Iterable[tuple[str, str]]:
        for number, cell in enumerate(self.exploded.cells, 1):
            lines = html.count_text(len(cell.source.rstrip("\n").split("\n")), "line")
            yield f"{cell.title} ({lines})", "is below" if number == self._below else f"comes with --cell {number}"

    def _repr_html_(self) -> str:
        cells = [
            fold(title, place if self._below is not None else "", code(cell.source.rstrip("\n")))
            for cell, (title, place) in zip(self.exploded.cells, self._places(), strict=True)
        ]
        notes = [html.tag("div", note, class_="tsnb-dim") for note in self.exploded.notes]
        return page(
            html.tag("div", html.tag("span", self.title, class_="tsnb-title"), class_="tsnb-head"), *notes, *cells
        )


@magics_class
class ExplodeMagic(Command):
    """``%explode``."""

    word = "explode"

    @line_magic
    @friendly
    @arguments()
    @argument("archive", help="a .mar, a .tar.gz, a model folder, or the name of a model in the model store")
    @argument("--to", metavar="FOLDER", help="where its other files are written (default: NAME_files)")
    @argument("--notebook", metavar="FILE", help="write all cells into a new notebook, FILE.ipynb")
    @argument("--cell", type=int, metavar="N", help="put this cell below, in place of the handler's")
    def explode(self, line: str) -> ExplodedView:
        """Put the handler of an archive back into a cell, and its other files into a folder. Nothing is run."""
        options = parse(self, split(line))
        archive = look(self.session, options.archive)
        folder = Path(options.to or f"{name_of(archive)}_files")
        found = explode(archive, str(folder))
        below = found.main + 1 if options.cell is None else options.cell
        if not 1 <= below <= len(found.cells):
            raise UsageError(f"--cell {below}: there are cells 1 to {len(found.cells)}")
        notebook = _notebook_path(options.notebook) if options.notebook else None
        places = []
        if found.files and not (options.cell and folder.exists()):  # else a further cell of what was exploded before
            write_files(archive, found.files, folder)
            places.append(f"{html.count_text(len(found.files), 'file')} in {folder}")
        if notebook is not None:
            notebook.write_text(_notebook(found), encoding="utf-8")
            places.append(f"{html.count_text(len(found.cells), 'cell')} in {notebook}")
        if options.notebook:
            return ExplodedView(found, places, None)
        self.shell.set_next_input(found.cells[below - 1].source.rstrip("\n"))
        return ExplodedView(found, places, below)


def _notebook_path(text: str) -> Path:
    """Where a new notebook goes. Raises Conflict where there is a file of that name."""
    path = Path(text)
    path = path if path.suffix == ".ipynb" else path.with_name(f"{path.name}.ipynb")
    if path.exists():
        raise Conflict(f"{path} is there already and nothing is overwritten: choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _notebook(found: Exploded) -> str:
    """A notebook with all cells, as JSON."""
    import nbformat

    make: Any = nbformat.v4
    title = f"# {found.name}\n\nVersion `{short(found.version, 40).replace('`', '')}`, taken from its archive."
    sources = ["%load_ext tsnb", *(cell.source.rstrip("\n") for cell in found.cells)]
    cells = [make.new_markdown_cell(title), *(make.new_code_cell(source) for source in sources)]
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    text: str = make.writes(make.new_notebook(cells=cells, metadata={"kernelspec": kernel}))
    return text
