"""Archives among the user's own files: look into one, compare two, make one, serve one. Nothing in them is run.

A path is one of the notebook server's contents, confined to its root as Jupyter's own contents manager confines it.
"""

from __future__ import annotations

import filecmp
from pathlib import Path
from typing import Any

import msgspec
from jupyter_core.utils import ensure_async
from jupyter_server.auth.decorator import authorized
from msgspec import Struct
from tornado import web

from tsnb.archive.collect import DEFAULT_HANDLERS
from tsnb.archive.diff import diff
from tsnb.archive.read import Archive, Limits, open_archive
from tsnb.archive.report import report
from tsnb.archive.write import archive
from tsnb.config import Config
from tsnb.engine.api import Registration, Scaled
from tsnb.errors import BadRequest, Conflict, MethodNotAllowed, NotFound
from tsnb.jupyter.door import PanelHandler
from tsnb.jupyter.views import archive_view, diff_view


class Order(Struct, forbid_unknown_fields=True):
    """An archive to make. All paths are contents paths; ``handler`` may also be the name of a default handler."""

    model_name: str
    version: str
    handler: str
    serialized_file: str = ""
    model_file: str = ""
    requirements_file: str = ""
    config_file: str = ""
    extra_files: tuple[str, ...] = ()
    force: bool = False


class Made(Struct, frozen=True):
    """The archive that was made. ``path`` is its contents path, empty where the model store lies outside the root."""

    name: str
    path: str


class ContentsHandler(PanelHandler):
    """Base of the handlers that read the user's files."""

    auth_resource = "contents"

    async def locate(self, path: str) -> Path:
        """Where a contents path lies on the disk. Raises NotFound, also for what the contents manager hides."""
        manager: Any = self.contents_manager
        find = getattr(manager, "_get_os_path", None)
        if find is None:
            raise BadRequest(
                "Archives can be opened where notebooks are files on the disk of the notebook server only."
            )
        name = path.strip("/")
        hidden = not manager.allow_hidden and await ensure_async(manager.is_hidden(name))
        found = Path(find(name))  # raises 404 for what leads out of the root
        if hidden or not found.exists():
            raise NotFound(f"There is no {path!r} among the files of this notebook server.")
        return found

    async def archive(self, argument: str) -> tuple[str, Path]:
        """The contents path in a query parameter, and where it is. A folder could hold files that Jupyter hides."""
        path = self.argument(argument)
        found = await self.locate(path)
        if not found.is_file():
            raise BadRequest(f"{path!r} is a folder. Name an archive: a .mar or .tar.gz file.")
        return path, found

    def look(self, path: Path) -> Archive:
        """Open an archive within the limits of the server's settings."""
        config: Config = self.host.config
        limits = Limits(config.max_archive_size, config.max_archive_files, config.max_archive_ratio)
        return open_archive(path, limits=limits)


class InspectHandler(ContentsHandler):
    """``GET tsnb/-/archives/inspect?path=``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """What an archive holds: manifest, files, sources, provenance, tensors."""
        name, path = await self.archive("path")
        self.answer(await self.in_thread(lambda: archive_view(name, report(self.look(path)))))


class DiffHandler(ContentsHandler):
    """``GET tsnb/-/archives/diff?before=&after=``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """What differs between two archives."""
        _, before = await self.archive("before")
        _, after = await self.archive("after")
        self.answer(await self.in_thread(lambda: diff_view(diff(self.look(before), self.look(after)))))


class HandlersHandler(PanelHandler):
    """``GET tsnb/-/archives/handlers``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """The names of the handlers that need no file."""
        self.answer({"handlers": DEFAULT_HANDLERS})


class MakeHandler(ContentsHandler):
    """``POST tsnb/-/archives/make``: writes an archive into the model store."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Put files of the user into an archive. The body is an :class:`Order` as JSON."""
        await self.need_model_rights()
        try:
            order = msgspec.json.decode(self.request.body, type=Order)
        except msgspec.MsgspecError as error:
            raise BadRequest(f"The body is no order for an archive: {error}.") from error
        options = await self._options(order)
        store = Path(self.host.config.model_store)
        made = await self.in_thread(lambda: self._make(order, store, options))
        self.set_status(201)
        self.answer(Made(made.name, self._contents_path(made)))

    async def need_model_rights(self) -> None:
        """Reading files does not allow to put them into the model store: that needs what registering needs."""
        await _need_execute(self)

    async def _options(self, order: Order) -> dict[str, Any]:
        one = ("serialized_file", "model_file", "requirements_file", "config_file")
        options: dict[str, Any] = {name: await self._optional(getattr(order, name)) for name in one}
        known = order.handler in DEFAULT_HANDLERS
        options["handler"] = order.handler if known else await self.locate(order.handler)
        options["extra_files"] = [await self.locate(path) for path in order.extra_files]
        return options

    async def _optional(self, path: str) -> Path | None:
        return await self.locate(path) if path else None

    @staticmethod
    def _make(order: Order, store: Path, options: dict[str, Any]) -> Path:
        store.mkdir(parents=True, exist_ok=True)
        return archive(order.model_name, version=order.version, export_path=store, force=order.force, **options)

    def _contents_path(self, path: Path) -> str:
        root = Path(getattr(self.contents_manager, "root_dir", "")).resolve()
        found = path.resolve()
        return found.relative_to(root).as_posix() if found.is_relative_to(root) else ""


class ServeHandler(ContentsHandler):
    """``POST tsnb/-/archives/serve?path=&workers=``: registers an archive of the user."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Serve an archive. One outside the model store is copied there first."""
        await _need_execute(self)
        if not self.host.config.enable_model_api:
            raise MethodNotAllowed("Registering models is switched off (c.TsnbApp.enable_model_api).")
        path = await self.locate(self.argument("path"))
        workers = self.get_query_argument("workers", "1")
        if not workers.isdigit():
            raise BadRequest(f"workers={workers!r} must be a whole number.")
        doors = await self.host.doors()
        url = await self.in_thread(lambda: url_of(path, Path(doors.config.model_store)))
        scaled: Scaled = await doors.engine.register(Registration(url, initial_workers=int(workers)))
        self.answer(scaled)


async def _need_execute(handler: ContentsHandler) -> None:
    allowed = await ensure_async(handler.authorizer.is_authorized(handler, handler.current_user, "execute", "tsnb"))
    if not allowed:
        raise web.HTTPError(403, "User is not authorized to execute on resource: tsnb.")


def url_of(path: Path, store: Path) -> str:
    """What registration calls an archive: its name where the model store has it, a folder's path, else a file URL.

    Blocking. Raises Conflict where the store has another archive of that name.
    """
    if path.is_dir():
        return str(path)
    stored = store / path.name
    if not stored.exists():
        return path.resolve().as_uri()
    if not stored.samefile(path) and not filecmp.cmp(path, stored, shallow=False):
        raise Conflict(
            f"The model store has another {path.name}. Rename this one, or replace that one: "
            "serving an archive copies it into the model store."
        )
    return path.name
