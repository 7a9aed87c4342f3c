"""``%serve net --name quick``: a model that lives in this notebook, served without a handler of its own."""

from __future__ import annotations

import tempfile
from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsnb.capture.cell import module_name
from tsnb.capture.generated import handler_source
from tsnb.capture.module import replace
from tsnb.capture.provenance import imported, surroundings
from tsnb.capture.remedy import describe, is_module
from tsnb.errors import BadRequest, Conflict, TsnbError
from tsnb.magics.base import Command
from tsnb.magics.evaluate import evaluate

if TYPE_CHECKING:
    from tsnb.magics.session import Session

MARK = "live_model"
"""Key in the provenance of an archive that was made here, and may be made again."""


def live_model(command: Command, options: Namespace, session: Session) -> Any:
    """The model that NAME stands for in the notebook, or None where it names an archive.

    Raises BadRequest where ``--name`` goes with something that is no model.
    """
    if options.as_name:
        found = evaluate(command.shell, options.name, "%serve")
        if not is_module(found):
            raise BadRequest(f"--name goes with a live torch.nn.Module, and {options.name} is {describe(found)}")
        return found
    found = command.shell.user_ns.get(options.name)
    named = options.url or options.name in session.archives or options.name in session.handlers_of
    return found if is_module(found) and not named else None


def archive_live(command: Command, options: Namespace, session: Session, net: Any, store: Path) -> str:
    """Write an archive of a live model; the source of its handler comes back.

    The handler is the notebook's own of that name, or the file handlers/NAME.py, which is generated
    where there is none. Raises CaptureError, and Conflict where an archive is there that was not made here.
    """
    from tsnb.archive.write import archive
    from tsnb.capture.live import model_files

    name = options.as_name or options.name
    target = store / f"{name}.mar"
    _refuse_to_replace(target, name)
    handler = _handler(session, name)
    example = evaluate(command.shell, options.example, "--example") if options.example else None
    with tempfile.TemporaryDirectory(prefix="tsnb-live-") as folder:
        files = model_files(
            net, name, Path(folder), session.cells, command.shell.user_ns, expression=options.name, example=example
        )
        path = archive(
            name,
            version=options.version or "1.0",
            handler=handler,
            serialized_file=files.serialized_file,
            model_file=files.model_file,
            extra_files=files.extra_files,
            export_path=store,
            force=True,
            provenance={
                MARK: options.name,
                "distributions": imported(str(handler)),
                **surroundings(command.shell.user_ns),
            },
        )
    session.archives[name] = path.absolute()
    for note in files.notes:
        print(note)  # noqa: T201
    return handler.read_text(encoding="utf-8")


def _handler(session: Session, name: str) -> Path:
    """The handler's file: what is there is used as it is."""
    if name in session.handlers_of:
        return session.handlers_of[name]
    path = Path(session.handlers) / f"{module_name(name)}.py"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        replace(path, handler_source(name, path.stem))
    return path.absolute()


def _refuse_to_replace(target: Path, name: str) -> None:
    from tsnb.archive.read import open_archive

    if not target.exists():
        return
    try:
        own = MARK in open_archive(target).provenance
    except TsnbError:
        own = False
    if not own:
        raise Conflict(
            f"{target.name} in the model store was not made from a live model, and would be lost: "
            f"choose another --name, or put the new weights into it with %archive {name} --model"
        )
