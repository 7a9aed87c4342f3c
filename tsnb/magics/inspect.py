"""``%inspect x.mar``: what an archive holds, without running or unpickling anything."""

from __future__ import annotations

from pathlib import Path

from tsnb.archive.read import Archive, open_archive
from tsnb.archive.report import Report, find_archive, report
from tsnb.archive.report_html import report_html
from tsnb.archive.report_text import report_text
from tsnb.magics.base import Command, argument, arguments, friendly, line_magic, magics_class, parse, split
from tsnb.magics.session import Session


def look(session: Session, text: str) -> Archive:
    """The archive a user means: a path, or the name of a model. Raises NotFound, InvalidModel, UnsafeArchive."""
    made = session.archives.get(text)
    if made is not None and made.exists() and not Path(text).is_file():
        return open_archive(made)
    if Path(text).is_file():
        return open_archive(text)
    return open_archive(find_archive(text, {"the model store": session.store()}))


class Inspected:
    """An archive that was looked into, as text and as HTML; ``report`` has the facts themselves."""

    def __init__(self, report: Report) -> None:
        self.report = report

    def __repr__(self) -> str:
        return report_text(self.report)

    def _repr_html_(self) -> str:
        return report_html(self.report)


@magics_class
class InspectMagic(Command):
    """``%inspect``."""

    word = "inspect"

    @line_magic
    @friendly
    @arguments()
    @argument("archive", help="a .mar, a .tar.gz, a model folder, or the name of a model in the model store")
    def inspect(self, line: str) -> Inspected:
        """Show what an archive holds: handler, files, tensors, requirements, where it comes from. Nothing is run."""
        return Inspected(report(look(self.session, parse(self, split(line)).archive)))
