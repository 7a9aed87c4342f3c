"""gRPC calls as steps of a case (spec 4), made without generated stubs: messages are plain mappings."""

from __future__ import annotations

import json
import queue
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.conformance.calls import Show
from tests.conformance.servers import Server

TIMEOUT = 60.0


@dataclass(frozen=True)
class Rpc:
    """One call; see :func:`rpc`."""

    method: str
    fields: Mapping[str, Any]
    token: str = ""
    show: Show | None = None
    raw: bytes | None = None
    silent: bool = False
    timeout: float = TIMEOUT

    def perform(self, server: Server) -> Any:
        """The status, the messages that came, and the text of an error."""
        answer = self.ask(server)
        return None if self.silent else answer

    def ask(self, server: Server) -> dict[str, Any]:
        """The answer, also of a silent call."""
        path, asked, answered = _types(self.method)
        sent = self.raw if self.raw is not None else asked(**_filled(self.fields, server)).SerializeToString()
        with _channel(server, self.method) as channel:
            call = channel.unary_stream(path)(sent, metadata=_metadata(self.token, server), timeout=self.timeout)
            return _answer(server, call, answered, self.show)


@dataclass(frozen=True)
class Talk:
    """``StreamPredictions2``: each message is sent when the answer to the one before it came, then the client ends."""

    messages: tuple[Mapping[str, Any], ...]
    token: str = ""
    at_once: bool = field(default=False, kw_only=True)
    """Send all of them without waiting, and say that this is all."""

    def perform(self, server: Server) -> dict[str, Any]:
        """The status, the messages that came, and the text of an error."""
        import grpc

        path, asked, answered = _types("inference.StreamPredictions2")
        requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        wanted = [asked(**_filled(fields, server)).SerializeToString() for fields in self.messages]
        with _channel(server, "inference.") as channel:
            call = channel.stream_stream(path)(
                iter(requests.get, None), metadata=_metadata(self.token, server), timeout=TIMEOUT
            )
            found: list[Any] = []
            try:
                for each in wanted:
                    requests.put(each)
                    if not self.at_once:
                        found.append(plain(server, answered.FromString(next(call))))
                requests.put(None)
                found += [plain(server, answered.FromString(raw)) for raw in call]
            except StopIteration:
                return {"code": "OK", "messages": found, "asked": len(wanted)}
            except grpc.RpcError as error:
                return _refusal(server, error, found)
            finally:
                requests.put(None)
        return {"code": "OK", "messages": found}


def rpc(
    method: str,
    fields: Mapping[str, Any] | None = None,
    *,
    token: str = "",
    show: Show | None = None,
    raw: bytes | None = None,
    silent: bool = False,
    timeout: float = TIMEOUT,
    **more: Any,
) -> Rpc:
    """A call: ``rpc("inference.Predictions", model_name="m", input={"data": b"1"})``.

    The parts before the dot are ``inference``, ``management``, ``oip``; another method is named in full, as
    ``inference /package.Service/Method``. ``token`` and ``silent`` are as in :func:`tests.conformance.calls.call`;
    ``show`` takes the list of messages; ``raw`` are bytes to send instead of a message.
    """
    return Rpc(method, {**(fields or {}), **more}, token, show, raw, silent, timeout)


def predict(model: str, data: bytes | str | None = b"", method: str = "Predictions", **more: Any) -> Rpc:
    """``inference.Predictions`` with ``data`` as the entry of that name; without an entry for None."""
    given = {} if data is None else {"input": {"data": data.encode() if isinstance(data, str) else data}}
    return rpc(f"inference.{method}", {"model_name": model, **given}, **more)


def plain(server: Server, found: Any) -> dict[str, Any]:
    """The fields of an answer, without what is different each time; JSON texts as their values."""
    fields = {each.name: value for each, value in found.ListFields()}
    for name in ("msg", "prediction", "health"):
        text = fields.get(name)
        if text is not None:
            fields[name] = _value(server.veil(text.decode("latin-1") if isinstance(text, bytes) else text))
    if "status" in fields:
        fields["status"] = _status(server, fields["status"])
    return {name: _shown(value, server) for name, value in fields.items()}


def _shown(value: Any, server: Server) -> Any:
    if isinstance(value, str):
        return server.veil(value)
    return value if isinstance(value, (int, float, dict, list)) else _text(value, server)


def _text(value: Any, server: Server) -> str:
    return server.veil(" ".join(str(value).split()))


def _status(server: Server, status: Any) -> dict[str, Any]:
    """A google.rpc.Status with its details."""
    from tsnb.rpc.descriptors import message

    info = message("google.rpc.ErrorInfo")
    details = []
    for each in status.details:
        found = info()
        details.append(_text(found, server) if each.Unpack(found) else each.type_url)
    return {"code": status.code, "message": server.veil(status.message), "details": details}


def _value(text: str) -> Any:
    try:
        return json.loads(re.sub(r": <(\w+)>", r': "\1"', text))
    except ValueError:
        return text


def _types(method: str) -> tuple[str, Any, Any]:
    """The path of a method, and the classes of its request and of its answer."""
    from google.protobuf.empty_pb2 import Empty

    from tsnb.rpc.descriptors import INFERENCE, MANAGEMENT, OPEN_INFERENCE, message, service

    part, _, name = method.partition(".")
    if " " in part:
        return method.partition(" ")[2], Empty, Empty
    full = {"inference": INFERENCE, "management": MANAGEMENT, "oip": OPEN_INFERENCE}[part]
    found = service(full).methods_by_name[name]
    return f"/{full}/{name}", message(found.input_type.full_name), message(found.output_type.full_name)


def _channel(server: Server, method: str) -> Any:
    import grpc

    port = server.ports["grpc_management" if method.startswith("management") else "grpc_inference"]
    if server.house.config.get("enable_grpc_ssl") != "true":
        return grpc.insecure_channel(f"127.0.0.1:{port}")
    chain = Path(server.fill("<archives>/certificate.pem")).read_bytes()
    options = [("grpc.ssl_target_name_override", "localhost")]
    return grpc.secure_channel(f"127.0.0.1:{port}", grpc.ssl_channel_credentials(chain), options)


def _metadata(token: str, server: Server) -> list[tuple[str, str]]:
    if not token:
        return []
    kinds = ("inference", "management", "API")
    return [("authorization", f"Bearer {server.token(token)}" if token in kinds else token)]


def _filled(value: Any, server: Server) -> Any:
    """Fields with the server's own places in their texts."""
    if isinstance(value, str):
        return server.fill(value)
    if isinstance(value, Mapping):
        return {key: _filled(each, server) for key, each in value.items()}
    return [_filled(each, server) for each in value] if isinstance(value, list) else value


def _answer(server: Server, call: Iterator[bytes], answered: Any, show: Show | None) -> dict[str, Any]:
    import grpc

    found: list[Any] = []
    try:
        found.extend(plain(server, answered.FromString(raw)) for raw in call)  # what came before an error is kept
    except grpc.RpcError as error:
        return _refusal(server, error, found)
    return {"code": "OK", "messages": show(found) if show else found}


def _refusal(server: Server, error: Any, found: list[Any]) -> dict[str, Any]:
    before = {"messages": found} if found else {}
    text = server.veil(error.details() or "")
    if text == "Deadline Exceeded" or text.startswith("Stream removed"):
        text = "<of the client's library>"  # now this, now that
    return {"code": error.code().name, "text": text, **before}
