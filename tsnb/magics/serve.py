"""``%serve NAME``: register an archive, start its workers, show its card."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsnb.errors import BadRequest, NotFound
from tsnb.magics.base import Command, argument, arguments, friendly, line_magic, magics_class, parse, split
from tsnb.magics.data import checks_of, split_check
from tsnb.magics.live_model import archive_live, live_model
from tsnb.magics.serving import Serving
from tsnb.magics.views import View
from tsnb.magics.watching import Watcher, watched
from tsnb.messages import Request

if TYPE_CHECKING:
    from tsnb.client import Client


ARCHIVES = (".mar", ".tar.gz", ".tgz")


@magics_class
class ServeMagic(Command):
    """``%serve``."""

    word = "serve"

    @line_magic
    @friendly
    @arguments()
    @argument("name", help="the model's name")
    @argument("--version", help="version that the archive must hold")
    @argument("--workers", type=int, metavar="N", help="worker processes (default: 1, or as many as before)")
    @argument("--batch-size", type=int, metavar="N", help="requests a worker takes at once")
    @argument("--max-batch-delay", type=int, metavar="MS", help="longest wait for a batch to fill")
    @argument("--url", metavar="ARCHIVE", help="another archive: a file in the model store, a folder, a URL")
    @argument("--default", action="store_true", help="let requests without a version go to this one")
    @argument("--check", metavar="DATA", help="what new code must answer before it goes live, as in %%predict")
    @argument("--watch", metavar="FILE", help="swap whenever this Python file of the model is saved")
    @argument("--name", dest="as_name", metavar="MODEL", help="serve a live nn.Module, NAME, as this model")
    @argument("--example", metavar="EXPR", help="an input for a live model, where it must be traced")
    @argument("--explain", action="store_true", help="show the handler that is generated for a live model")
    def serve(self, line: str) -> Any:
        """Serve a model. Run again, it brings the archive live in place of what is served, and no request is dropped.

        NAME is a model with an archive, or the archive's file, or a live nn.Module: that is
        archived with a handler that takes and gives JSON, written to handlers/ to be edited.
        """
        line, check = split_check(line)
        options = parse(self, split(line))
        _check(options)
        client = self.session.connection.client(Path(self.session.model_store).absolute())
        store = Path(client.server()["model_store"])
        net = live_model(self, options, self.session)
        if net is not None:
            source = archive_live(self, options, self.session, net, store)
            options.name, options.url = options.as_name or options.name, None
            if options.explain:
                print(source)  # noqa: T201
        elif not options.url and options.name.endswith(ARCHIVES):
            options.name, options.url = _of_file(options.name, store)
        checks = checks_of(self, check)
        version = Serving(self.session, client, store).serve(options, checks)
        if options.watch:
            self._watch(client, options, version, checks)
        from tsnb.widgets import card

        return card(client, options.name, version)

    def _watch(self, client: Client, options: Namespace, version: str, checks: Sequence[Request]) -> None:
        from IPython.display import display

        live = self.session.live[options.name]
        status = next(each for each in client.describe(options.name) if each.spec.version == version)
        path = watched(options.watch, status, live)
        handles: list[Any] = []

        def show(view: View) -> None:
            if handles:
                handles[0].update(view)
            else:
                handles.append(display(view, display_id=True))  # type: ignore[no-untyped-call]

        watcher = Watcher(client, options.name, live, path, checks, show)
        self.session.watchers[options.name] = watcher
        watcher.start()


def _of_file(file: str, store: Path) -> tuple[str, str]:
    """The model's name, as an archive of the store has it, and what to register. Raises NotFound."""
    from tsnb.archive.read import open_archive

    path = store / file
    if not path.is_file():
        raise NotFound(f"there is no archive {file} in the model store: copy it to {store}")
    return open_archive(path).manifest.entry.model_name or path.name.split(".")[0], file


def _check(options: Namespace) -> None:
    if options.workers is not None and options.workers < 0:
        raise BadRequest(f"--workers {options.workers} makes no sense: give 0 or more")
    if options.batch_size is not None and options.batch_size < 1:
        raise BadRequest(f"--batch-size {options.batch_size} makes no sense: give 1 or more")
    if options.max_batch_delay is not None and options.max_batch_delay < 0:
        raise BadRequest(f"--max-batch-delay {options.max_batch_delay} makes no sense: give milliseconds, 0 or more")
