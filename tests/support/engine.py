"""A small engine without processes: it keeps the promises of ``Engine`` and answers by itself.

Handlers are Python coroutines, chosen by the model's URL: ``echo.mar`` returns the body, ``headers.mar`` the request's
headers and parameters, ``slow.mar`` waits for :attr:`SmallEngine.release`, ``stream.mar`` sends three parts, each
when it is told to, and ``broken.mar`` fails.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

from tsnb import messages
from tsnb.config import Config
from tsnb.engine.api import Registration, Scaled, Stream
from tsnb.errors import (
    Conflict,
    HandlerFailed,
    InvalidModelVersion,
    ModelNotFound,
    ModelVersionNotFound,
    ServiceUnavailable,
    WorkersFailed,
)
from tsnb.messages import Failure, LogLine, ModelSpec, ModelStatus, Reply, WorkerStatus

NO_WORKER = (
    'Model "{}" has no worker to serve inference request. Please use scale workers API to add workers. If this is a '
    "sequence inference, please check if it is closed, or expired; or exceeds maxSequenceJobQueueSize"
)


class SmallEngine:
    """Models in a dictionary; every worker is imaginary."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.versions: dict[str, dict[str, ModelSpec]] = {}
        self.defaults: dict[str, str] = {}
        self.statuses: list[int] = []
        self.failures: dict[str, Failure] = {}
        self.release = asyncio.Event()
        self.waiting = asyncio.Event()
        self.cancelled = asyncio.Event()
        self.next_part: asyncio.Queue[bytes] = asyncio.Queue()
        self.starts = 0
        self.closes = 0
        self.fail_workers = False

    async def start(self) -> None:
        self.starts += 1

    async def close(self, timeout: float = 3.0) -> None:
        self.closes += 1

    async def register(self, registration: Registration, *, wait: bool = True) -> Scaled:
        name = registration.model_name or registration.url.removesuffix(".mar")
        version = "2.0" if "2.mar" in registration.url else "1.0"
        if version in self.versions.get(name, {}):
            raise Conflict(f"Model version {version} is already registered for model {name}")
        workers = registration.initial_workers or 0
        if self.fail_workers:
            raise WorkersFailed(f"Failed to start workers for model {name} version: {version}")
        self.versions.setdefault(name, {})[version] = ModelSpec(
            name=name,
            version=version,
            model_dir="/secret/place",
            handler=registration.handler or "handler",
            url=registration.url,
            runtime=registration.runtime or "python",
            manifest={"model": {"modelName": name}},
            min_workers=workers,
            max_workers=workers,
            batch_size=registration.batch_size or 1,
            max_batch_delay=100 if registration.max_batch_delay is None else registration.max_batch_delay,
            response_timeout=registration.response_timeout or 120,
            startup_timeout=registration.startup_timeout or 120,
            loaded_at_startup=registration.loaded_at_startup,
        )
        self.defaults.setdefault(name, version)
        return Scaled(name, version, workers, workers if wait else 0)

    async def scale(
        self, name: str, version: str | None, min_workers: int, max_workers: int | None = None, *, wait: bool = False
    ) -> Scaled:
        spec = self._spec(name, version)
        most = min_workers if max_workers is None else max_workers
        fields = {each: getattr(spec, each) for each in spec.__struct_fields__}
        self.versions[name][spec.version] = ModelSpec(**{**fields, "min_workers": min_workers, "max_workers": most})
        return Scaled(name, spec.version, min_workers, min_workers if wait else 0)

    async def unregister(self, name: str, version: str | None = None) -> None:
        spec = self._spec(name, version)
        if spec.version == self.defaults[name] and len(self.versions[name]) > 1:
            raise InvalidModelVersion(f"Cannot remove default version for model {name}")
        del self.versions[name][spec.version]
        if not self.versions[name]:
            del self.versions[name], self.defaults[name]

    async def set_default(self, name: str, version: str) -> None:
        self.defaults[name] = self._spec(name, version).version

    def models(self) -> list[str]:
        return sorted(self.versions)

    def describe(self, name: str, version: str | None = None) -> list[ModelStatus]:
        if version == "all":
            self._spec(name, None)
            return [self._status(spec) for spec in self.versions[name].values()]
        return [self._status(self._spec(name, version))]

    async def predict(
        self, name: str, version: str | None, request: messages.Request, *, timed: bool = False
    ) -> Reply | Stream:
        spec = self._spec(name, version)
        if spec.min_workers == 0:
            raise ServiceUnavailable(NO_WORKER.format(name))
        if request.headers.get("describe") == "True":
            return Reply(b'{"says": "hello"}' if "echo" in spec.url else b"[]")
        answer: Reply | Stream = await getattr(self, "_" + spec.url.split(".")[0].rstrip("2"))(request)
        return answer

    def healthy(self) -> bool:
        return all(self._spec(name, None).min_workers > 0 for name in self.versions)

    def logs(self, name: str, version: str | None = None, *, after: float = 0.0) -> list[LogLine]:
        self._spec(name, version)
        lines = [LogLine(1.0, "9000", "stdout", "old"), LogLine(2.5, "9000", "stderr", "new")]
        return [line for line in lines if line.time > after]

    def remember(self, request_id: str, failure: Failure) -> None:
        self.failures[request_id] = failure

    def failure(self, request_id: str) -> Failure | None:
        return self.failures.get(request_id)

    def metrics_text(self, names: list[str] | None = None) -> str:
        return "".join(f"# TYPE {name} counter\n" for name in names or ["Requests2XX"])

    def count_response(self, status: int, count: int = 1) -> None:
        self.statuses.append(status)

    def _spec(self, name: str, version: str | None) -> ModelSpec:
        if name not in self.versions:
            raise ModelNotFound(f"Model not found: {name}")
        wanted = version or self.defaults[name]
        if wanted not in self.versions[name]:
            raise ModelVersionNotFound(f"Model version: {wanted} does not exist for model: {name}")
        return self.versions[name][wanted]

    def _status(self, spec: ModelSpec) -> ModelStatus:
        workers = tuple(
            WorkerStatus(str(9000 + number), "ready", pid=100 + number, memory=1024, started=1_700_000_000.25)
            for number in range(spec.min_workers)
        )
        return ModelStatus(spec, spec.version == self.defaults[spec.name], workers)

    async def _echo(self, request: messages.Request) -> Reply:
        return Reply(b"".join(parameter.value for parameter in request.parameters))

    async def _headers(self, request: messages.Request) -> Reply:
        seen = {"id": request.id, "headers": request.headers, "parameters": _plain(request)}
        headers = {"Content-Length": "1", "X-Own": "a\r\nb", "pragma": "mine", "content-type": "application/json"}
        headers |= {"Content-Security-Policy": "default-src *", "Set-Cookie": "user=me"}
        return Reply(json.dumps(seen).encode(), 201, "Made", headers)

    async def _slow(self, request: messages.Request) -> Reply:
        self.waiting.set()
        try:
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return Reply(b"done")

    async def _stream(self, request: messages.Request) -> Stream:
        return Stream(
            Reply(await self.next_part.get(), headers={"content-type": "text/plain"}, more=True), self._rest()
        )

    async def _rest(self) -> AsyncIterator[Reply]:
        try:
            while part := await self.next_part.get():
                if part == b"break":
                    raise HandlerFailed("Prediction failed")
                yield Reply(b"" if part == b"empty" else part, more=True)
        finally:
            self.cancelled.set()

    async def _broken(self, request: messages.Request) -> Reply:
        self.failures[request.id] = Failure("ValueError", "no", traceback="Traceback: /secret/place/handler.py")
        raise HandlerFailed("Prediction failed", failure=self.failures[request.id])

    async def _bug(self, request: messages.Request) -> Reply:
        raise RuntimeError("/secret/place is broken")

    async def _odd(self, request: messages.Request) -> Reply:
        return Reply(b"", status=42)


def _plain(request: messages.Request) -> list[list[str]]:
    return [[each.name, bytes(each.value).decode(), each.content_type] for each in request.parameters]
