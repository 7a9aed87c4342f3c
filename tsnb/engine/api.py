"""The whole vocabulary of an engine: what a door may ask for, and what it gets.

:class:`Engine` is implemented by :class:`tsnb.engine.local.LocalEngine` with
worker processes on this machine; another engine (a cluster) implements the
same protocol and every door works unchanged. All methods run on the event
loop and never block it. Errors are those of :mod:`tsnb.errors`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Protocol, TypeAlias

from msgspec import Struct

from tsnb.messages import Failure, LogLine, ModelStatus, Node, Recorded, Reply, Request, Revision, Swapped


class Registration(Struct, frozen=True):
    """What a caller may say when registering a model; None means "not said".

    ``url`` is a file name in the model store, a URL under ``allowed_urls`` or
    a folder. Units as in :class:`tsnb.messages.ModelSpec`.
    """

    url: str
    model_name: str | None = None
    handler: str | None = None
    runtime: str | None = None
    batch_size: int | None = None
    max_batch_delay: int | None = None
    initial_workers: int | None = None
    response_timeout: float | None = None
    startup_timeout: float | None = None
    loaded_at_startup: bool = False
    max_workers: int | None = None
    s3_sse_kms: bool = False
    """Sign the download with the AWS credentials of the server's environment."""
    node: Node = ""
    fallback_name: str | None = None
    """What it is called where neither the caller nor the archive says (spec 7.12)."""
    restored: bool = False
    """What is said here was in force before a restart: it counts whatever model-config.yaml says (spec 7.11)."""


class Scaled(Struct, frozen=True):
    """The outcome of starting or stopping workers: ``running`` of ``wanted`` are ready."""

    name: str
    version: str
    wanted: int
    running: int


class Stream(Struct):
    """An answer that arrives in parts. The first part is here already.

    ``parts`` yields the later ones; closing it (``aclose``) cancels the work.
    """

    first: Reply
    parts: AsyncIterator[Reply]


Outcome: TypeAlias = Reply | Stream | Exception
"""How a request ended: its answer, the beginning of a stream, or an error of :mod:`tsnb.errors`."""


Intake: TypeAlias = Callable[[Request, Callable[[Outcome], None]], Callable[[], None]]
"""Takes a request and whom to tell its outcome; calling what is returned gives it up."""


class Engine(Protocol):
    """Models in, answers out."""

    async def start(self) -> None:
        """Make what needs an event loop. Workers start when the first model asks for them."""

    async def close(self, timeout: float = 3.0) -> None:
        """Stop every worker within ``timeout`` seconds, by force where needed. May be called twice."""

    async def register(self, registration: Registration, *, wait: bool = True) -> Scaled:
        """Take in an archive and start its workers.

        With ``wait`` the answer comes when all workers are ready. If one fails,
        :class:`~tsnb.errors.WorkersFailed` is raised and the model is gone again.
        Raises NotFound, InvalidModel, Conflict, BadRequest.
        """

    async def scale(
        self, name: str, version: str | None, min_workers: int, max_workers: int | None = None, *, wait: bool = False
    ) -> Scaled:
        """Bring the number of workers between ``min_workers`` and ``max_workers`` (default: the same).

        Workers that go finish what they hold. Raises ModelNotFound, ModelVersionNotFound, BadRequest, WorkersFailed.
        """

    async def unregister(self, name: str, version: str | None = None) -> None:
        """Stop and forget a version (None: the default one). Raises InvalidModelVersion for a default beside others."""

    async def set_default(self, name: str, version: str) -> None:
        """Let requests without a version go to this one."""

    async def swap(self, name: str, version: str | None, revision: Revision) -> Swapped:
        """Give a version new code without dropping a request.

        New workers load it and answer the checks; then they take over at once,
        and the old ones finish what they hold. If that fails, the old code
        keeps serving and WorkersFailed or HandlerFailed says why.
        """

    async def rollback(self, name: str, version: str | None) -> Swapped:
        """Go back to the code before the last swap; once more, and it is back. Raises BadRequest if there is none."""

    def models(self) -> list[str]:
        """The names of all models, sorted."""

    def describe(self, name: str, version: str | None = None) -> list[ModelStatus]:
        """One version (None: the default) or, with ``version="all"``, every version of a model."""

    def submit(
        self, name: str, version: str | None, request: Request, done: Callable[[Outcome], None], *, timed: bool = False
    ) -> Callable[[], None]:
        """Queue a request; ``done`` is called once with its outcome, and calling what is returned gives it up.

        The fast way in, for a door that needs no coroutine. Raises what
        :meth:`predict` raises before it waits.
        """

    def intake(self, name: str, version: str | None) -> Intake:
        """What takes many requests for a version, one by one: :meth:`submit` in a fraction of the time.

        It never raises: errors are outcomes like others, and ``done`` may be called before it returns.
        """

    async def predict(self, name: str, version: str | None, request: Request, *, timed: bool = False) -> Reply | Stream:
        """Queue a request and wait for its answer; ``timed`` adds ``queue`` and ``total`` to the reply's timings.

        Cancelling the coroutine cancels the request. Raises ModelNotFound,
        ModelVersionNotFound, ServiceUnavailable, HandlerFailed, WorkerDied.
        """

    def healthy(self) -> bool:
        """Whether every default version has the workers it needs (spec 1.2)."""

    def logs(self, name: str, version: str | None = None, *, after: float = 0.0) -> list[LogLine]:
        """What the workers of a model wrote lately, oldest first, after a Unix time."""

    def remember(self, request_id: str, failure: Failure) -> None:
        """Keep a failure for its owner where the engine did not see the request, as when workers do not start."""

    def failure(self, request_id: str) -> Failure | None:
        """The failure that answered a request, while it is remembered."""

    def requests(self, name: str, version: str | None = None, *, after: float = 0.0) -> list[Recorded]:
        """The requests that were kept of a model, oldest first: failures and a sample of the others."""

    def request(self, request_id: str) -> Recorded | None:
        """A request that was kept."""

    def record(self, name: str, version: str | None, count: int) -> None:
        """Keep the next ``count`` requests of a version, whatever comes of them."""

    def metrics_text(self, names: list[str] | None = None) -> str:
        """All metrics in Prometheus text format 0.0.4 (spec 3.1), or those named."""

    def count_response(self, status: int, count: int = 1) -> None:
        """A door answered so many requests with this status (spec 3.4, ``Requests2XX`` and its like)."""
