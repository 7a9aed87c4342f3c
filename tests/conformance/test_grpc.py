"""gRPC of the real TorchServe beside tsnb's: the same protos, codes and texts (spec 4)."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import pytest
from support.served import put_in_store

from tests.conformance.houses import MODEL_API, NO_TOKENS, House
from tests.conformance.servers import Kind, Server

grpc = pytest.importorskip("grpc")

from tsnb.rpc.descriptors import INFERENCE, MANAGEMENT, OPEN_INFERENCE, PROTOS, message, service  # noqa: E402

pytestmark = [pytest.mark.torchserve, pytest.mark.timeout(300)]

HOUSE = House(
    load=("orders=orders-1.0.mar", "tensors=tensors-1.0.mar"),
    config={"ts_open_inference_protocol": "true"},
    flags=(NO_TOKENS, MODEL_API),
)
SERVICES = {"inference": INFERENCE, "management": MANAGEMENT, "oip": OPEN_INFERENCE}


class Ask(NamedTuple):
    """One call: ``inference.Predictions`` with these fields."""

    method: str
    fields: Mapping[str, Any] = MappingProxyType({})


def orders(method: str, data: bytes, **fields: Any) -> Ask:
    return Ask(f"inference.{method}", {"model_name": "orders", "input": {"data": data}, **fields})


STATUSES = (302, 400, 401, 403, 404, 409, 413, 416, 418, 429, 499, 500, 501, 503, 504, 507, 599)
TENSOR = {"name": "x", "datatype": "FP32", "shape": [2], "contents": {"fp32_contents": [1.1, -2.0]}}

SAME = [
    Ask("inference.Ping"),
    orders("Predictions", b"tell"),
    orders("Predictions", b"", input={}),
    orders("Predictions", b"status 404"),
    orders("Predictions", b"fail"),
    orders("StreamPredictions", b"fail"),
    orders("StreamPredictions", b"stream 2"),
    orders("Predictions", b"raise 200"),
    *(orders("Predictions", b"raise %d" % status) for status in STATUSES),
    *(
        Ask(f"inference.{method}", {"model_name": name})
        for method in ("Predictions", "StreamPredictions")
        for name in ("", "no")
    ),
    Ask("inference.Predictions", {"model_name": "orders", "model_version": "9"}),
    Ask("inference.StreamPredictions", {"model_name": "orders", "model_version": "9"}),
    orders("Predictions", b"tell", model_version="1.0", sequence_id="one"),
    orders("Predictions", b"", input={"a": b"1", "data": b"tell", "body": b"2"}),
    orders("Predictions", b"status 500"),
    Ask("management.DescribeModel", {"model_name": "orders", "customized": True}),
    Ask("management.ListModels", {"limit": 5, "next_page_token": 9}),
    Ask("management.DescribeModel"),
    Ask("management.DescribeModel", {"model_name": "orders"}),
    Ask("management.DescribeModel", {"model_name": "orders", "model_version": "9"}),
    Ask("management.ListModels", {"limit": 1}),
    Ask("management.ListModels", {"limit": -1, "next_page_token": 1}),
    *(
        Ask("management.RegisterModel", fields)
        for fields in (
            {},
            {"url": "no.mar"},
            {"url": "../no.mar"},
            {"url": "http://127.0.0.1:1/x.mar"},
            {"url": "orders-1.0.mar", "runtime": "cobol"},
            {"url": "no_weights-1.0.mar", "initial_workers": 1, "synchronous": True},
            {"url": "orders-2.0.mar", "initial_workers": 1, "synchronous": True},
        )
    ),
    Ask("management.RegisterModel", {"url": "/nowhere"}),
    Ask("management.ScaleWorker", {"model_name": "no", "min_worker": 1}),
    Ask("management.ScaleWorker", {"model_name": "orders", "model_version": "9", "min_worker": 1}),
    Ask("management.ScaleWorker", {"model_name": "orders", "max_worker": 2, "synchronous": True}),
    Ask("management.ScaleWorker", {"model_name": "orders", "min_worker": 2, "max_worker": 1}),
    Ask("management.ScaleWorker", {"model_name": "orders", "min_worker": 0, "synchronous": True}),
    Ask("management.SetDefault"),
    Ask("management.SetDefault", {"model_name": "orders", "model_version": "9"}),
    Ask("management.SetDefault", {"model_name": "orders", "model_version": "2.0"}),
    Ask("management.SetDefault", {"model_name": "orders", "model_version": "1.0"}),
    Ask("management.UnregisterModel", {"model_name": "no"}),
    Ask("management.UnregisterModel", {"model_name": "orders", "model_version": "9"}),
    Ask("management.UnregisterModel", {"model_name": "orders", "model_version": "2.0"}),
    Ask("oip.ServerLive"),
    Ask("oip.ServerReady"),
    *(
        Ask("oip.ModelReady", fields)
        for fields in ({}, {"name": "no"}, {"name": "tensors"}, {"name": "tensors", "version": "9"})
    ),
    *(Ask("oip.ModelMetadata", fields) for fields in ({}, {"name": "no"}, {"name": "tensors"})),
    *(Ask("oip.ModelInfer", {"model_name": name, "id": "7", "inputs": [TENSOR]}) for name in ("tensors", "no", "")),
]
"""Calls that both answer alike, in this order."""


def answer(server: Server, ask: Ask) -> tuple[str, Any]:
    """The name of the status, and the messages or the text."""
    part, _, name = ask.method.partition(".")
    method = service(SERVICES[part]).methods_by_name[name]
    request = message(method.input_type.full_name)(**ask.fields)
    port = server.ports["grpc_management" if part == "management" else "grpc_inference"]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_stream(f"/{SERVICES[part]}/{name}", lambda sent: sent.SerializeToString())
        try:
            found = [message(method.output_type.full_name).FromString(raw) for raw in call(request, timeout=60)]
        except grpc.RpcError as error:
            return error.code().name, error.details()
    return "OK", [plain(server, each) for each in found]


def plain(server: Server, found: Any) -> dict[str, Any]:
    """The fields of an answer, without what is different each time; JSON texts as their values."""
    fields = {field.name: value for field, value in found.ListFields()}
    for name in ("msg", "prediction"):
        text = fields.get(name)
        if text is not None:
            fields[name] = _value(server.veil(text.decode("latin-1") if isinstance(text, bytes) else text))
    return {name: value if name in ("msg", "prediction") else str(value) for name, value in fields.items()}


def _value(text: str) -> Any:
    try:
        return json.loads(re.sub(r": <(\w+)>", r': "\1"', text))
    except ValueError:
        return text


@pytest.fixture(scope="module")
def start(torchserve: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[Kind], Server]]:
    """``start("tsnb")`` is a running server; each is started once."""
    archives = tmp_path_factory.mktemp("archives")
    for name in ("orders", "tensors", "no_weights"):
        put_in_store(archives, name, f"{name}.py")
    put_in_store(archives, "orders", "orders.py", "2.0")
    running: dict[str, Server] = {}

    def call(kind: Kind) -> Server:
        if kind not in running:
            running[kind] = Server(kind, HOUSE, tmp_path_factory.mktemp(kind), archives).__enter__()
        return running[kind]

    yield call
    for server in running.values():
        server.__exit__()


def test_both_answer_alike(start: Callable[[Kind], Server]) -> None:
    different = {}
    for number, ask in enumerate(SAME):
        theirs, ours = answer(start("torchserve"), ask), answer(start("tsnb"), ask)
        if theirs != ours:
            different[f"{number} {ask}"] = (theirs, ours)
    assert not different


def test_the_messages_are_those_of_the_published_protos(torchserve: Path, tmp_path: Path) -> None:
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    from tests.rpc.compile import GOOGLE, WELL_KNOWN, protoc
    from tsnb.rpc.descriptors import COMPILED

    (jar,) = torchserve.parent.glob("lib/python*/site-packages/ts/frontend/model-server.jar")
    names = [path.name for path in PROTOS.glob("*.proto")]
    with zipfile.ZipFile(jar) as archive:
        for name in names:
            (tmp_path / name).write_bytes(archive.read(f"proto/{name}"))
    folders = [f"-I{folder}" for folder in (tmp_path, GOOGLE, WELL_KNOWN)]
    assert protoc.main(["protoc", *folders, f"--descriptor_set_out={tmp_path / 'theirs'}", *names]) == 0
    ours = {file.name: file for file in FileDescriptorSet.FromString(COMPILED.read_bytes()).file}
    for file in FileDescriptorSet.FromString((tmp_path / "theirs").read_bytes()).file:
        for part in ("message_type", "service"):
            theirs = {each.name: each for each in getattr(file, part)}
            assert theirs == {each.name: each for each in getattr(ours[file.name], part)}
