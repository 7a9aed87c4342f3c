"""A real server with gRPC, the stubs that a client generates, and gRPC listeners over a small engine."""

from __future__ import annotations

import asyncio
import importlib
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NamedTuple, Self

import pytest
import uvloop
from support.engine import SmallEngine
from support.served import Served, put_in_store

from tests.rpc.compile import stubs
from tsnb.config import Config
from tsnb.engine.api import Registration
from tsnb.rest.routes import Doors
from tsnb.rest.tokens import Keys

grpc = pytest.importorskip("grpc")

from tsnb.rpc.server import GrpcServer, of  # noqa: E402

DEADLINE = 30.0


class Protos(NamedTuple):
    """The modules that protoc makes."""

    inference: Any
    management: Any
    oip: Any
    inference_grpc: Any
    management_grpc: Any
    oip_grpc: Any


@pytest.fixture(scope="session")
def protos(tmp_path_factory: pytest.TempPathFactory) -> Protos:
    folder = tmp_path_factory.mktemp("stubs")
    stubs(folder)
    names = ["inference_pb2", "management_pb2", "open_inference_grpc_pb2"]
    sys.path.insert(0, str(folder))
    try:
        found = [importlib.import_module(name) for name in [*names, *(f"{name}_grpc" for name in names)]]
    finally:
        sys.path.remove(str(folder))
    return Protos(*found)


class Client:
    """The stubs of the three services, on one channel or two."""

    def __init__(self, protos: Protos, inference: Any, management: Any) -> None:
        self._channels = inference, management
        self.protos = protos
        self.inference = protos.inference_grpc.InferenceAPIsServiceStub(inference)
        self.management = protos.management_grpc.ManagementAPIsServiceStub(management)
        self.oip = protos.oip_grpc.GRPCInferenceServiceStub(inference)

    def close(self) -> None:
        for channel in self._channels:
            channel.close()

    def asking(self, model: str, data: bytes | None = b"", **fields: Any) -> Any:
        given = {} if data is None else {"input": {"data": data}}
        return self.protos.inference.PredictionsRequest(model_name=model, **{**given, **fields})

    def predict(self, model: str, data: bytes | None = b"", **fields: Any) -> Any:
        return self.inference.Predictions(self.asking(model, data, **fields), timeout=DEADLINE)

    def stream(self, model: str, data: bytes = b"", **fields: Any) -> Any:
        return self.inference.StreamPredictions(self.asking(model, data, **fields), timeout=DEADLINE)

    def manage(self, method: str, request: str, **fields: Any) -> str:
        message = getattr(self.protos.management, request)(**fields)
        return str(getattr(self.management, method)(message, timeout=DEADLINE).msg)


def to_its_end(answer: Any) -> list[Any]:
    """The messages of an answer, be it one or a stream."""
    return list(answer) if hasattr(answer, "__next__") else [answer]


def refused(call: Callable[..., Any], *arguments: Any, **named: Any) -> tuple[str, str]:
    """The name of the status that a call ends with, and its text."""
    with pytest.raises(grpc.RpcError) as caught:
        to_its_end(call(*arguments, **named))
    return caught.value.code().name, caught.value.details()


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """``tsnb serve`` without tokens; at most 200,000 bytes a request."""
    folder = tmp_path_factory.mktemp("grpc")
    (folder / "store").mkdir()
    for name in ("orders", "tensors", "no_weights"):
        put_in_store(folder / "store", name, f"{name}.py")
    put_in_store(folder / "store", "orders", "orders.py", "2.0")
    (folder / "config.properties").write_text("max_request_size=200000\ndefault_workers_per_model=1\n")
    flags = ["--ts-config", "config.properties", "--grpc-port", "0", "--disable-token-auth"]
    with Served(folder, *flags, "--models", "orders-1.0.mar", "tensors-1.0.mar") as server:
        yield server


@pytest.fixture(scope="session")
def client(served: Served, protos: Protos) -> Iterator[Client]:
    channel = grpc.insecure_channel(address_of(served))
    found = Client(protos, channel, channel)
    yield found
    found.close()


def address_of(served: Served) -> str:
    lines = (served.folder / "server.log").read_text().splitlines()
    return next(line for line in lines if line.startswith("gRPC inference address")).rpartition("//")[2]


class House:
    """gRPC listeners over a small engine, on a loop in a thread."""

    def __init__(self, config: Config, keys: Keys | None = None, record: Any = None) -> None:
        self.engine = SmallEngine(config)
        self.server = GrpcServer(config, of(Doors(self.engine, config)), keys, record)
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        try:
            self.run(self.server.start())
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.run(self.server.close(0))
        self._stop()

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DEADLINE)
        self._loop.close()

    def run(self, work: Any) -> Any:
        return self.begin(work).result(DEADLINE)

    def begin(self, work: Any) -> Future[Any]:
        return asyncio.run_coroutine_threadsafe(work, self._loop)

    def wait(self, event: asyncio.Event) -> None:
        self.run(asyncio.wait_for(event.wait(), DEADLINE))

    def serve(self, *urls: str) -> Self:
        for url in urls:
            self.run(self.engine.register(Registration(url, initial_workers=1)))
        return self

    def addresses(self) -> list[str]:
        found = [address.rpartition("//")[2] for _, address in self.server.addresses]
        return found * (3 - len(found))

    def client(self, protos: Protos, credentials: Any = None) -> Client:
        if credentials is None:
            return Client(protos, *(grpc.insecure_channel(address) for address in self.addresses()))
        return Client(protos, *(grpc.secure_channel(address, credentials) for address in self.addresses()))


@pytest.fixture
def house() -> Iterator[Callable[..., House]]:
    """``house(keys=…, record=…, setting=…)``: listeners on free ports."""
    opened: list[House] = []

    def open_house(keys: Keys | None = None, record: Any = None, **settings: Any) -> House:
        free = {"grpc_inference_port": 0, "grpc_management_port": 0, "enable_model_api": True}
        found = House(Config(**{**free, **settings}), keys, record).__enter__()
        opened.append(found)
        return found

    yield open_house
    for each in opened:
        each.__exit__()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("tls")
    key, chain = folder / "key.pem", folder / "chain.pem"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1"]
    subprocess.run([*make, "-keyout", str(key), "-out", str(chain), *subject], check=True, capture_output=True)
    return chain, key
