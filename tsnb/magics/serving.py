"""From an archive to a version that is served: registered, or swapped in where that version is served already."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tsnb.errors import BadRequest, ModelNotFound, NotFound, TsnbError
from tsnb.magics.swapping import Target, in_words, refused, served, state_of, swap_files
from tsnb.messages import ModelStatus, Request

if TYPE_CHECKING:
    from tsnb.archive.read import Archive
    from tsnb.client import Client
    from tsnb.magics.session import Session

SUFFIXES = (".mar", ".tar.gz", "")


class Serving:
    """One ``%serve``, on one server with its model store."""

    def __init__(self, session: Session, client: Client, store: Path) -> None:
        self._session = session
        self._client = client
        self._store = store

    def serve(self, options: Namespace, checks: Sequence[Request]) -> str:
        """Bring the archive live, and say which version it is. Raises what the server raises."""
        name = options.name
        url = options.url or self._archive(name)
        path = next((each for each in (self._store / url, Path(url)) if each.exists()), None)
        held = _opened(path, options.version)
        version = held.manifest.version if held else options.version or ""
        statuses = _statuses(self._client, name)
        old = next((each for each in statuses if each.spec.version == version), None)
        self._session.unwatch(name)
        if old is None:
            self._register(options, url, options.workers if options.workers is not None else 1)
        elif held is not None and _only_code_differs(old, held, options):
            self._swap(options, url, path, old, checks)
        else:
            self._replace(options, url, old, [each.spec.version for each in statuses if each is not old])
        version = version or _newest(self._client, name)
        if options.default:
            self._client.set_default(name, version)
        self._remember(name, version, path, kept=old is not None)
        return version

    def _archive(self, name: str) -> str:
        """What to register: the archive %archive wrote, or the one of that name in the server's store."""
        written = self._session.archives.get(name)
        if written is not None and written.exists():
            return written.name if written.parent.resolve() == self._store.resolve() else str(written)
        for suffix in SUFFIXES:
            if (self._store / f"{name}{suffix}").exists():
                return f"{name}{suffix}"
        raise NotFound(
            f"there is no archive {name}.mar in {self._store}: write it with %archive {name}, or name one with --url"
        )

    def _register(self, options: Namespace, url: str, workers: int) -> None:
        self._client.register(
            url,
            model_name=options.name,
            batch_size=options.batch_size,
            max_batch_delay=options.max_batch_delay,
            initial_workers=workers,
        )

    def _swap(
        self, options: Namespace, url: str, path: Path | None, old: ModelStatus, checks: Sequence[Request]
    ) -> None:
        """The archive takes over, unless it is what went live the last time."""
        spec, live = old.spec, self._session.live.get(options.name)
        same = live is not None and (live.version, live.build) == (spec.version, spec.build)
        if live is not None and same and path is not None and live.state is not None and live.state == state_of(path):
            print(f"{spec.name} {spec.version} is served already, as build {spec.build}; its archive is the same.")  # noqa: T201
        else:
            try:
                swapped = self._client.swap(spec.name, spec.version, url=url, checks=checks)
            except TsnbError as error:
                raise refused(error, old) from error.__cause__
            print(in_words(swapped))  # noqa: T201
        if options.workers is not None and options.workers != spec.min_workers:
            self._client.scale(spec.name, options.workers, spec.version)

    def _replace(self, options: Namespace, url: str, old: ModelStatus, others: list[str]) -> None:
        """Unregister the version and register the archive. Another version answers meanwhile, if there is one."""
        spec, was_default = old.spec, old.default and bool(others)
        if was_default:
            self._client.set_default(spec.name, others[-1])
        print(f"{spec.name} {spec.version} is replaced: its settings change, which a swap cannot do.")  # noqa: T201
        self._client.unregister(spec.name, spec.version)
        self._session.forget(spec.name, spec.version)
        self._register(options, url, options.workers if options.workers is not None else max(spec.min_workers, 1))
        if was_default:
            self._client.set_default(spec.name, spec.version)

    def _remember(self, name: str, version: str, path: Path | None, *, kept: bool) -> None:
        """What is live now. Newer code that went live and is not in this archive is brought in again."""
        session, live = self._session, self._session.live.get(name)
        if not kept or live is None or live.version != version or live.state != (state_of(path) if path else None):
            live = served(session, self._client, name, version, path)
        session.served.add(name)
        state, files = session.unarchived.get(name, (None, {}))
        if not files or state is None or state != live.state:
            return
        status = next(each for each in self._client.describe(name) if each.spec.version == version)
        swapped = swap_files(Target(self._client, status, live), files, ())
        if swapped is not None:
            print(f"The archive lacks the latest code of its cell: {in_words(swapped)}")  # noqa: T201


def _opened(path: Path | None, wanted: str | None) -> Archive | None:
    """A local archive, looked into; None where it cannot be. Raises BadRequest where it holds another version."""
    if path is None:
        return None
    from tsnb.archive.read import open_archive

    found = open_archive(path)
    held = found.manifest.version
    if wanted is not None and wanted != held:
        raise BadRequest(
            f"{path.name} holds version {held}, not {wanted}: write that version with %archive NAME --version {wanted}"
        )
    return found


def _only_code_differs(old: ModelStatus, held: Archive, options: Namespace) -> bool:
    """Whether the archive can take the version's place as it is served now: same settings, other code or weights."""
    spec = old.spec
    asked = (options.batch_size in (None, spec.batch_size), options.max_batch_delay in (None, spec.max_batch_delay))
    return all(asked) and held.config == spec.model_config and (held.manifest.runtime or "python") == spec.runtime


def _statuses(client: Client, name: str) -> list[ModelStatus]:
    try:
        return client.describe(name)
    except ModelNotFound:
        return []


def _newest(client: Client, name: str) -> str:
    return client.describe(name)[-1].spec.version
