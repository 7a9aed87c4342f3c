"""New code for a version that this notebook serves: which version, which files, and what came of it."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from tsnb import html
from tsnb.capture.module import SIDECAR, digest
from tsnb.errors import ModelNotFound, ModelVersionNotFound, ServerUnreachable, TsnbError
from tsnb.magics.data import CHECK
from tsnb.messages import ModelStatus, Request, Swapped

if TYPE_CHECKING:
    from tsnb.client import Client
    from tsnb.magics.session import Session

State = tuple[int, int, int]
"""Size, time and inode of an archive's file."""


@dataclass
class Live:
    """The version that this notebook served last under a name, and the code it runs as far as that is known."""

    version: str
    build: int = 0
    archive: Path | None = None
    state: State | None = None
    """Of the archive, as long as it and what went live after it are all that the version runs."""
    files: dict[str, str] = field(default_factory=dict)
    """Text file in the model's folder → :func:`~tsnb.capture.module.digest` of what it says there."""
    code_only: bool = False
    """Whether the last swap changed text files alone: then a rollback serves the weights of the archive."""
    changing: threading.Lock = field(default_factory=threading.Lock)


class Target(NamedTuple):
    """Where new code goes."""

    client: Client
    status: ModelStatus
    live: Live


def find_target(session: Session, name: str, module: str, version: str | None) -> Target | str | None:
    """The version that a handler's module belongs to: ``version``, or the one this notebook served last.

    None where nothing is served from it; a text says why what is served gets no new code.
    Raises ModelNotFound and ModelVersionNotFound for a version that was named.
    """
    live = session.live.get(name)
    if live is None and version is None:
        return None
    try:
        client = session.running()
        statuses = client.describe(name)
    except ModelNotFound:
        session.forget(name)
        if version:
            raise
        return None
    except ServerUnreachable as error:
        if version:
            raise
        return f"{name} was not swapped: {error.message}"
    wanted = version or (live.version if live else "")
    status = next((each for each in statuses if each.spec.version == wanted), None)
    if status is None:
        if version:
            raise ModelVersionNotFound(f"{name} {version} is not served: %serve {name} --version {version} serves it")
        session.forget(name)
        return None
    if Path(status.spec.handler.partition(":")[0]).stem != module:
        return f"{name} {wanted} goes on as it is: its handler is {status.spec.handler}, which is not from this cell"
    return Target(client, status, _known(session, name, status))


def _known(session: Session, name: str, status: ModelStatus) -> Live:
    """What is known of a served version; its files are not, where somebody else has swapped it."""
    live = session.live.get(name)
    if live is None or live.version != status.spec.version:
        live = session.live[name] = Live(status.spec.version, status.spec.build)
    if live.build != status.spec.build:
        live.build, live.state, live.files = status.spec.build, None, {}
    return live


def swap_files(target: Target, files: Mapping[str, str], checks: Sequence[Request]) -> Swapped | None:
    """Send those text files that the version does not have yet; None where it has them all.

    Raises WorkersFailed or HandlerFailed, which say that the old code serves on.
    """
    client, status, live = target
    known = {name: digest(text) for name, text in files.items()}
    changed = {name: text for name, text in files.items() if live.files.get(name) != known[name]}
    if all(name.endswith(SIDECAR) for name in changed):
        return None
    try:
        swapped = client.swap(status.spec.name, live.version, files=changed, checks=checks)
    except TsnbError as error:
        raise refused(error, status) from error.__cause__
    live.build, live.code_only = swapped.build, True
    live.files.update(known)
    return swapped


def refused(error: TsnbError, status: ModelStatus) -> TsnbError:
    """The error of new code that is not live, with a message that says what serves instead."""
    failure = error.failure
    reason = f"the new code failed in {failure.stage}{_given(failure.request_ids)}" if failure else error.message
    error.request_id = None  # of the order to swap, which nobody can replay
    error.message = f"build {status.spec.build} of {status.spec.name} {status.spec.version} keeps serving: {reason}"
    return error


def _given(request_ids: Sequence[str]) -> str:
    """Which request it was: a recorded one by its id."""
    if not request_ids:
        return ""
    return " on what --check sent" if request_ids[0].startswith(CHECK) else f" on request {request_ids[0]}"


def in_words(swapped: Swapped) -> str:
    """``digits 1.0 → build 7 live in 0.21 s, 3 checks passed, 0 dropped``."""
    head = f"{swapped.name} {swapped.version} → build {swapped.build} live in {html.seconds_text(swapped.seconds)}"
    if not swapped.workers:
        return f"{head}; it has no workers, so nothing was checked"
    checks = f"{html.count_text(swapped.checked, 'check')} passed" if swapped.checked else "unchecked"
    return f"{head}, {checks}, 0 dropped"


def state_of(archive: Path) -> State | None:
    """What tells one archive's file from the next; None when there is none."""
    try:
        seen = archive.stat()
    except OSError:
        return None
    return seen.st_size, seen.st_mtime_ns, seen.st_ino


def served(session: Session, client: Client, name: str, version: str, archive: Path | None) -> Live:
    """Remember a version that was registered from an archive, or swapped to one."""
    spec = next(each.spec for each in client.describe(name) if each.spec.version == version)
    live = Live(version, spec.build, archive, state_of(archive) if archive else None, _texts(archive))
    session.live[name] = live
    return live


def _texts(archive: Path | None) -> dict[str, str]:
    """Digests of the Python files of an archive; nothing of one that cannot be read from here."""
    if archive is None:
        return {}
    from tsnb.archive.read import open_archive

    try:
        held = open_archive(archive)
        return {name: digest(held.read(name).decode()) for name in held.files if name.endswith(".py")}
    except (TsnbError, OSError, UnicodeDecodeError):
        return {}
