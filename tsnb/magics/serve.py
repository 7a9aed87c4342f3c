"""``%serve NAME``: register an archive, start its workers, show its card."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsnb.errors import BadRequest, ModelNotFound, NotFound
from tsnb.magics.base import Command, argument, arguments, friendly, line_magic, magics_class, parse, split

if TYPE_CHECKING:
    from tsnb.client import Client
    from tsnb.messages import ModelStatus

SUFFIXES = (".mar", ".tar.gz", "")


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
    def serve(self, line: str) -> Any:
        """Serve a model. Run again, it replaces the version that is served."""
        options = parse(self, split(line))
        _check(options)
        client = self.session.connection.client(Path(self.session.model_store).absolute())
        store = Path(client.server()["model_store"])
        url = options.url or self._archive(options.name, store)
        version = _version_of(url, store, options.version)
        old = Replaced(client, options.name, version)
        workers = options.workers if options.workers is not None else max(old.workers, 1)
        old.take_down()
        client.register(
            url,
            model_name=options.name,
            batch_size=options.batch_size,
            max_batch_delay=options.max_batch_delay,
            initial_workers=workers,
        )
        version = version or _newest(client, options.name)
        if options.default or old.was_default:
            client.set_default(options.name, version)
        self.session.served.add(options.name)
        from tsnb.widgets import card

        return card(client, options.name, version)

    def _archive(self, name: str, store: Path) -> str:
        """What to register: the archive %archive wrote, or the one of that name in the server's store."""
        written = self.session.archives.get(name)
        if written is not None and written.exists():
            return written.name if written.parent.resolve() == store.resolve() else str(written)
        for suffix in SUFFIXES:
            if (store / f"{name}{suffix}").exists():
                return f"{name}{suffix}"
        raise NotFound(
            f"there is no archive {name}.mar in {store}: write it with %archive {name}, or name one with --url"
        )


class Replaced:
    """The version that gives way, if there is one."""

    def __init__(self, client: Client, name: str, version: str) -> None:
        self._client = client
        self._name = name
        statuses = _statuses(client, name)
        self._old = next((one for one in statuses if one.spec.version == version), None)
        self._others = [one.spec.version for one in statuses if one is not self._old]

    @property
    def workers(self) -> int:
        """How many workers it should have."""
        return self._old.spec.min_workers if self._old else 0

    @property
    def was_default(self) -> bool:
        """Whether it was the default beside other versions."""
        return self._old is not None and self._old.default and bool(self._others)

    def take_down(self) -> None:
        """Unregister it. Another version answers in its place meanwhile, if there is one."""
        if self._old is None:
            return
        version = self._old.spec.version
        if self.was_default:
            self._client.set_default(self._name, self._others[-1])
        print(f"{self._name} {version} is served already and is replaced.")  # noqa: T201
        self._client.unregister(self._name, version)


def _check(options: Namespace) -> None:
    if options.workers is not None and options.workers < 0:
        raise BadRequest(f"--workers {options.workers} makes no sense: give 0 or more")
    if options.batch_size is not None and options.batch_size < 1:
        raise BadRequest(f"--batch-size {options.batch_size} makes no sense: give 1 or more")
    if options.max_batch_delay is not None and options.max_batch_delay < 0:
        raise BadRequest(f"--max-batch-delay {options.max_batch_delay} makes no sense: give milliseconds, 0 or more")


def _version_of(url: str, store: Path, wanted: str | None) -> str:
    """The version in a local archive, ``wanted`` where the archive cannot be looked into. Raises BadRequest."""
    path = next((path for path in (store / url, Path(url)) if path.exists()), None)
    if path is None:
        return wanted or ""
    from tsnb.archive.read import open_archive

    held = open_archive(path).manifest.version
    if wanted is not None and wanted != held:
        raise BadRequest(
            f"{path.name} holds version {held}, not {wanted}: write that version with %archive NAME --version {wanted}"
        )
    return held


def _statuses(client: Client, name: str) -> list[ModelStatus]:
    try:
        return client.describe(name)
    except ModelNotFound:
        return []


def _newest(client: Client, name: str) -> str:
    return client.describe(name)[-1].spec.version
