"""``Client(url, token)``: everything a user or a widget asks of a server."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import msgspec

from tsnb.client import address, answers, payload
from tsnb.client.address import Address
from tsnb.client.cases import ABS, REL, Cases, differences, read
from tsnb.client.exchange import Exchanges
from tsnb.client.report import Checked, Report
from tsnb.client.result import Result, of_the_model
from tsnb.client.transport import ANSWER_TIMEOUT, Transport
from tsnb.errors import TsnbError
from tsnb.messages import Failure, LogLine, ModelStatus, Recorded, Request, Revision, Swapped

if TYPE_CHECKING:
    from types import TracebackType

    import httpx

T = TypeVar("T")


class _Models(msgspec.Struct):
    models: list[ModelStatus]


class _Requests(msgspec.Struct):
    requests: list[Recorded]


class _Lines(msgspec.Struct):
    lines: list[LogLine]


class Client(Exchanges):
    """A server at a URL. Every method raises the :mod:`tsnb.errors` class the server raised.

    ``url`` is a notebook server's ``<base_url>tsnb/`` or a stand-alone
    server's inference address; by default TSNB_URL, else port 8080 of this
    machine with management on 8081. ``token`` is TSNB_TOKEN by default, else
    what ``key_file.json`` in the working folder says.
    """

    def __init__(self, url: str | None = None, token: str | None = None, management_url: str | None = None) -> None:
        self.address: Address = address.find(url, token, management_url, os.environ, Path.cwd())
        self._transport = Transport(self.address)

    # --- the server ---------------------------------------------------------------------------------

    def server(self) -> dict[str, Any]:
        """The server itself: name, version, pid, model_store, devices, python."""
        return self._get("-/server", dict[str, Any])

    def ping(self) -> str:
        """``Healthy`` or ``Unhealthy`` (spec 1.2)."""
        response = self._transport.send("GET", f"{self.address.inference}/ping")
        if response.status_code == 500 and answers.own_error(response) is None:
            return str(_decode(response, dict[str, str]).get("status", "Unhealthy"))
        answers.check(response)
        return _decode(response, dict[str, str])["status"]

    def metrics(self) -> str:
        """All metrics in Prometheus' text format."""
        response = self._transport.send("GET", f"{self.address.metrics}/metrics")
        if response.status_code != 200 or not response.headers.get("content-type", "").startswith("text/plain"):
            raise answers.own_error(response) or answers.foreign(response)
        return response.text

    # --- models -------------------------------------------------------------------------------------

    def models(self, *, timeout: float = ANSWER_TIMEOUT) -> list[ModelStatus]:
        """Every version of every model."""
        return self._get("-/models", _Models, timeout=timeout).models

    def describe(self, name: str, *, timeout: float = ANSWER_TIMEOUT) -> list[ModelStatus]:
        """Every version of one model. Raises ModelNotFound."""
        return self._get(f"-/models/{_quoted(name)}", _Models, timeout=timeout).models

    def register(
        self,
        url: str,
        *,
        model_name: str | None = None,
        batch_size: int | None = None,
        max_batch_delay: int | None = None,
        initial_workers: int | None = None,
        handler: str | None = None,
        response_timeout: float | None = None,
        startup_timeout: float | None = None,
        synchronous: bool = True,
    ) -> str:
        """Register an archive (a file in the model store, a URL, a folder) and say what the server said (spec 2.2).

        ``synchronous`` waits until the workers are ready. Raises NotFound,
        InvalidModel, Conflict, BadRequest, WorkersFailed.
        """
        said = {
            "url": url,
            "model_name": model_name,
            "batch_size": batch_size,
            "max_batch_delay": max_batch_delay,
            "initial_workers": initial_workers,
            "handler": handler,
            "response_timeout": response_timeout,
            "startup_timeout": startup_timeout,
            "synchronous": "true" if synchronous else "false",
        }
        return self._act("POST", "models", {key: value for key, value in said.items() if value is not None})

    def scale(
        self, name: str, workers: int, version: str | None = None, *, max_workers: int | None = None, wait: bool = True
    ) -> str:
        """Run ``workers`` workers of a version (None: the default one); ``wait`` until they are ready (spec 2.3)."""
        said = {"min_worker": workers, "max_worker": max_workers, "synchronous": "true" if wait else "false"}
        return self._act(
            "PUT", _model_path(name, version), {key: value for key, value in said.items() if value is not None}
        )

    def unregister(self, name: str, version: str | None = None) -> str:
        """Stop and forget a version (None: the default one). Raises InvalidModelVersion for a default beside others."""
        return self._act("DELETE", _model_path(name, version))

    def set_default(self, name: str, version: str) -> str:
        """Let requests without a version go to this one."""
        return self._act("PUT", f"{_model_path(name, version)}/set-default")

    def swap(
        self,
        name: str,
        version: str | None = None,
        *,
        files: Mapping[str, str] | None = None,
        url: str | None = None,
        checks: Sequence[Request] = (),
    ) -> Swapped:
        """Give a served version new code without dropping a request: some text ``files``, or the archive ``url``.

        New workers load it and answer ``checks`` (by default recorded requests)
        before they take over. Raises WorkersFailed or HandlerFailed, with
        ``.failure``; then the old code serves on.
        """
        revision = Revision(dict(files or {}), url, tuple(checks))
        return self._change("PUT", self._code(name, version), Swapped, msgspec.json.encode(revision))

    def rollback(self, name: str, version: str | None = None) -> Swapped:
        """Go back to the code before the last swap. Raises BadRequest when there is none."""
        return self._change("DELETE", self._code(name, version), Swapped)

    def _code(self, name: str, version: str | None) -> str:
        found = version or next(status.spec.version for status in self.describe(name) if status.default)
        return f"-/models/{_quoted(name)}/{_quoted(found)}/code"

    def requests(self, name: str, version: str | None = None, after: float = 0.0) -> list[Recorded]:
        """The requests that were kept of a model, oldest first, without what was sent: see :meth:`request`."""
        said = {"version": version, "after": after or None}
        query = {key: value for key, value in said.items() if value is not None}
        return self._get(f"-/requests/{_quoted(name)}", _Requests, query).requests

    def request(self, name: str, request_id: str) -> Recorded:
        """A request that was kept, with what was sent and answered. Raises NotFound."""
        return self._get(f"-/requests/{_quoted(name)}/{_quoted(request_id)}", Recorded)

    def record(self, name: str, count: int, version: str | None = None) -> None:
        """Let the server keep the next ``count`` requests of a version."""
        query = {"count": count, "version": version}
        self._act(
            "PUT", f"-/recording/{_quoted(name)}", {key: value for key, value in query.items() if value is not None}
        )

    def replay(self, name: str, request: Request | str, version: str | None = None) -> Recorded:
        """Send a request again as it was recorded: itself, or the id of one that is kept.

        What came of it is returned, a failure as ``.failure``; nothing of it is recorded again.
        Raises NotFound, ModelNotFound, ServiceUnavailable.
        """
        by_id = isinstance(request, str)
        said = {"version": version, "request_id": request if by_id else None}
        query = {key: value for key, value in said.items() if value is not None}
        content = None if by_id else msgspec.json.encode(request)
        return self._change("POST", f"-/replays/{_quoted(name)}", Recorded, content, query)

    def check(
        self, name: str, cases: Cases, version: str | None = None, *, rel: float = REL, abs: float = ABS
    ) -> Report:
        """Send recorded requests again, and compare the answers with those that were recorded.

        ``cases`` is a file that ``%record --to`` wrote, or its lines, or recorded requests.
        Numbers may differ by ``rel`` times the larger one or by ``abs``; all else must be the same.
        """
        checked = []
        for case in read(cases):
            now = self.replay(name, case.request, version)
            if now.failure is not None:
                found = [f"{now.failure.type} in {now.failure.stage}: {now.failure.message}"]
            else:
                found = differences(case, now.status, now.reply.body if now.reply else b"", rel=rel, abs=abs)
            checked.append(Checked(case, now, tuple(found)))
        return Report(name, checked, rel, abs)

    def logs(self, name: str, version: str | None = None, after: float = 0.0) -> list[LogLine]:
        """What the workers wrote lately, oldest first, after a Unix time."""
        said = {"version": version, "after": after or None}
        query = {key: value for key, value in said.items() if value is not None}
        return self._get(f"-/logs/{_quoted(name)}", _Lines, query).lines

    def failure(self, request_id: str) -> Failure | None:
        """What happened in the worker for a request that failed, while the server remembers it."""
        response = self._transport.send("GET", f"{self.address.management}/-/failures/{_quoted(request_id)}")
        if response.status_code == 404:
            return None
        answers.check(response)
        return _decode(response, Failure)

    # --- predictions --------------------------------------------------------------------------------

    def predict(
        self,
        name: str,
        data: Any,
        version: str | None = None,
        *,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        explain: bool = False,
        timeout: float | None = None,
    ) -> Result:
        """Ask a model, and wait for its answer (``timeout`` seconds at most; None waits for the server's own limit).

        ``data`` is bytes, text, a :class:`pathlib.Path`, an open file, a PIL image
        (sent as PNG), or anything JSON can hold, arrays and tensors included.
        Raises the server's errors, with ``.failure`` where the handler raised. A
        status that the handler itself set is a result, not an error: see
        :meth:`Result.raise_for_status`.
        """
        url = self.address.prediction(name, version, explain=explain)
        body, sent = payload.encode(data, content_type)
        response = self._transport.send("POST", url, content=body, headers=_typed(sent, headers), timeout=timeout)
        return self._result(response, name)

    async def predict_async(
        self,
        name: str,
        data: Any,
        version: str | None = None,
        *,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        explain: bool = False,
        timeout: float | None = None,
    ) -> Result:
        """:meth:`predict` for a running event loop, which stays free while the model works."""
        url = self.address.prediction(name, version, explain=explain)
        body, sent = payload.encode(data, content_type)
        response = await self._transport.post_async(url, body, _typed(sent, headers), timeout)
        return self._result(response, name)

    def stream(
        self,
        name: str,
        data: Any,
        version: str | None = None,
        *,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Iterator[bytes]:
        """The parts of an answer as they arrive; leaving the loop early cancels the work.

        ``timeout`` is the longest wait between two parts.
        """
        url = self.address.prediction(name, version)
        body, sent = payload.encode(data, content_type)
        with self._transport.stream(url, body, _typed(sent, headers), timeout) as response:
            if response.status_code >= 400:
                response.read()
                self._check_prediction(response)
            yield from response.iter_bytes()

    # --- the connection -----------------------------------------------------------------------------

    def close(self) -> None:
        """Close idle connections. The client can still be used afterwards."""
        self._transport.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        beside = "" if self.address.together else f", management_url={self.address.management!r}"
        return f"Client({self.address.inference!r}{beside})"

    def _get(
        self, path: str, type: type[T], query: Mapping[str, Any] | None = None, timeout: float = ANSWER_TIMEOUT
    ) -> T:
        response = self._transport.send("GET", f"{self.address.management}/{path}", query=query, timeout=timeout)
        answers.check(response)
        return _decode(response, type)

    def _act(self, method: str, path: str, query: Mapping[str, Any] | None = None) -> str:
        """Do something to a model; the server's own limits say how long it may take."""
        response = self._transport.send(method, f"{self.address.management}/{path}", query=query, timeout=None)
        try:
            answers.check(response)
        except TsnbError as error:
            raise self._with_failure(error) from None
        return _decode(response, dict[str, str])["status"]

    def _change(
        self,
        method: str,
        path: str,
        type: type[T],
        content: bytes | None = None,
        query: Mapping[str, Any] | None = None,
    ) -> T:
        """Change something; its failure comes in full, since only the owner may change."""
        url = f"{self.address.management}/{path}"
        response = self._transport.send(method, url, content=content, headers=_JSON, query=query, timeout=None)
        try:
            answers.check(response)
        except TsnbError as error:
            raise self._with_failure(error) from None
        return _decode(response, type)

    def _result(self, response: httpx.Response, name: str) -> Result:
        self._check_prediction(response)
        elapsed = response.elapsed.total_seconds()
        return Result(response.status_code, of_the_model(response.headers), response.content, elapsed, name)

    def _check_prediction(self, response: httpx.Response) -> None:
        try:
            answers.check_prediction(response)
        except TsnbError as error:
            raise self._with_failure(error) from None

    def _with_failure(self, error: TsnbError) -> TsnbError:
        """The error with what its owner may know: the handler's own traceback, when the server shows it."""
        if error.request_id and error.status >= 500:
            try:
                error.failure = self.failure(error.request_id)
            except TsnbError:
                error.failure = None
        return error


_JSON = {"Content-Type": "application/json"}


def _typed(content_type: str, headers: Mapping[str, str] | None) -> dict[str, str]:
    """The headers of a prediction: the caller's, a content type, and the wish to know where the time went."""
    own = any(key.lower() == "content-type" for key in headers or {})
    return {"X-Tsnb-Timing": "1", **({} if own else {"Content-Type": content_type}), **(headers or {})}


def _quoted(part: str) -> str:
    return quote(part, safe="")


def _model_path(name: str, version: str | None) -> str:
    return "/".join(["models", *(_quoted(part) for part in (name, version) if part)])


def _decode(response: httpx.Response, type: type[T]) -> T:
    try:
        return msgspec.json.decode(response.content, type=type)
    except msgspec.MsgspecError:
        raise answers.foreign(response) from None
