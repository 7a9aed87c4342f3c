"""Who is let in, what is cut off, and how it ends: the gRPC listeners themselves (spec 4.4, 8.2, 9.1, 9.4)."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import grpc
import pytest
from support.command import one_line
from support.served import Served

from tests.rpc.compile import compiled
from tests.rpc.conftest import DEADLINE, Client, House, Protos, refused, to_its_end
from tsnb.errors import ConfigError
from tsnb.rest.tokens import REFUSED, Keys
from tsnb.rpc.descriptors import COMPILED

MANAGING = "ListModels", "ListModelsRequest"


def test_the_compiled_protos_are_those_of_the_files(tmp_path: Path) -> None:
    assert compiled(tmp_path / "set") == COMPILED.read_bytes(), "run make protos"


def test_calls_are_noted_as_torchserve_does(served: Served, client: Client) -> None:
    client.predict("orders", b"tell")
    wanted = '"gRPC org.pytorch.serve.grpc.inference.InferenceAPIsService/Predictions HTTP/2.0" 0 '
    end = time.monotonic() + DEADLINE
    while wanted not in (served.folder / "server.log").read_text():
        assert time.monotonic() < end
        threading.Event().wait(0.05)


def test_each_service_asks_for_its_token(house: Callable[..., House], protos: Protos) -> None:
    keys = Keys(60, time.time())
    client = house(keys=keys).serve("echo.mar").client(protos)
    ready = protos.oip.ServerReadyRequest()
    predicting = client.asking("echo", b"1")
    listing = protos.management.ListModelsRequest()
    for call, request, right, wrong in [
        (client.inference.Predictions, predicting, "inference", "management"),
        (client.inference.StreamPredictions, predicting, "inference", "API"),
        (client.oip.ServerReady, ready, "inference", "management"),
        (client.management.ListModels, listing, "management", "inference"),
    ]:
        assert to_its_end(call(request, metadata=[("authorization", f"Bearer {keys[right]}")], timeout=DEADLINE))
        for metadata in ([], [("authorization", f"Bearer {keys[wrong]}")], [("authorization", keys[right])]):
            assert refused(call, request, metadata=metadata, timeout=DEADLINE) == ("PERMISSION_DENIED", REFUSED)


def test_a_token_expires(house: Callable[..., House], protos: Protos) -> None:
    keys = Keys(0, time.time())
    client = house(keys=keys).client(protos)
    metadata = [("authorization", f"Bearer {keys['management']}")]
    assert refused(client.management.ListModels, protos.management.ListModelsRequest(), metadata=metadata) == (
        "PERMISSION_DENIED",
        REFUSED,
    )


def test_both_services_can_have_ports_of_their_own(house: Callable[..., House], protos: Protos) -> None:
    apart = house(grpc_management_address="127.0.0.2").serve("echo.mar")
    assert len(set(apart.addresses())) == 2
    client = apart.client(protos)
    assert client.predict("echo", b"1").prediction == b"1"
    assert client.manage(*MANAGING)
    crossed = Client(protos, client._channels[1], client._channels[0])
    assert refused(crossed.predict, "echo")[0] == "UNIMPLEMENTED"
    assert refused(crossed.manage, *MANAGING)[0] == "UNIMPLEMENTED"


def test_tls(house: Callable[..., House], protos: Protos, certificate: tuple[Path, Path]) -> None:
    chain, key = certificate
    files = {"certificate_file": str(chain), "private_key_file": str(key)}
    secure = house(enable_grpc_ssl=True, **files).serve("echo.mar")
    assert secure.server.addresses[0][1].startswith("grpcs://")
    client = secure.client(protos, grpc.ssl_channel_credentials(chain.read_bytes()))
    assert client.predict("echo", b"1").prediction == b"1"
    assert refused(secure.client(protos).predict, "echo")[0] == "UNAVAILABLE"


@pytest.mark.parametrize(
    ("settings", "problem"),
    [
        ({"enable_grpc_ssl": True}, "enable_grpc_ssl=true needs certificate_file"),
        ({"enable_grpc_ssl": True, "certificate_file": "no", "private_key_file": "no"}, "cannot be used"),
        ({"grpc_inference_address": "203.0.113.1"}, r"Cannot listen for gRPC on 203.0.113.1:0 \(grpc_inference_port"),
    ],
)
def test_settings_that_cannot_be_used_are_named(
    house: Callable[..., House], settings: dict[str, Any], problem: str
) -> None:
    with pytest.raises(ConfigError, match=problem):
        house(**settings)


def test_a_port_that_is_taken_is_named(house: Callable[..., House]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match="another process"):
        house(grpc_inference_port=taken.getsockname()[1])


def test_a_client_that_leaves_cancels_its_request(house: Callable[..., House], protos: Protos) -> None:
    here = house().serve("slow.mar")
    call = here.client(protos).inference.Predictions.future(protos.inference.PredictionsRequest(model_name="slow"))
    here.wait(here.engine.waiting)
    call.cancel()
    here.wait(here.engine.cancelled)


def test_a_client_that_leaves_cancels_its_stream(house: Callable[..., House], protos: Protos) -> None:
    here = house().serve("stream.mar")
    parts = here.client(protos).stream("stream")
    for text in (b"one", b"empty", b"two"):
        here.run(here.engine.next_part.put(text))
    assert [next(parts).prediction, next(parts).prediction] == [b"one", b"two"]
    parts.cancel()
    here.wait(here.engine.cancelled)


def test_a_stream_that_breaks_ends_with_the_error(house: Callable[..., House], protos: Protos) -> None:
    here = house().serve("stream.mar")
    parts = here.client(protos).stream("stream")
    for text in (b"one", b"break"):
        here.run(here.engine.next_part.put(text))
    assert next(parts).prediction == b"one"
    assert refused(lambda: list(parts))[0] == "UNAVAILABLE"


def test_parts_are_joined_up_to_the_limit(house: Callable[..., House], protos: Protos) -> None:
    here = house(max_response_size=5).serve("stream.mar")
    for text in (b"one", b"two", b""):
        here.run(here.engine.next_part.put(text))
    code, text = refused(here.client(protos).predict, "stream")
    assert code == "RESOURCE_EXHAUSTED"
    assert "max_response_size" in text
    here.wait(here.engine.cancelled)


def test_a_mistake_of_ours_shows_nothing_of_the_inside(house: Callable[..., House], protos: Protos) -> None:
    code, text = refused(house().serve("bug.mar").client(protos).predict, "bug")
    assert code == "INTERNAL"
    assert text.startswith("Unexpected error; the server's log tells more under ")
    assert "secret" not in text


@pytest.mark.parametrize("method", ["Predictions", "StreamPredictions", "StreamPredictions2"])
def test_bytes_that_are_no_message_are_the_client_s_mistake(
    house: Callable[..., House], protos: Protos, method: str, caplog: pytest.LogCaptureFixture
) -> None:
    here = house().serve("echo.mar")
    with grpc.insecure_channel(here.addresses()[0]) as channel:
        path = f"/org.pytorch.serve.grpc.inference.InferenceAPIsService/{method}"
        for garbage in (b"\xff\xff\xff", b"\x0a\x02\xff\xfe"):  # the latter: a name that is no UTF-8
            code, text = refused(channel.unary_stream(path), garbage, timeout=DEADLINE)
            assert code == "INVALID_ARGUMENT"
            assert text.startswith("The request is no PredictionsRequest: ")
    assert not caplog.records


def test_the_owner_finds_the_failure_under_the_id_of_the_answer(house: Callable[..., House], protos: Protos) -> None:
    here = house().serve("broken.mar")
    with pytest.raises(grpc.RpcError) as caught:
        here.client(protos).predict("broken")
    request_id = dict(caught.value.trailing_metadata())["x-request-id"]
    failure = here.engine.failure(request_id)
    assert failure is not None
    assert failure.type == "ValueError"


def closing(here: House, timeout: float) -> Future[None]:
    return here.begin(here.server.close(timeout))


def test_running_calls_end_before_the_server_does(house: Callable[..., House], protos: Protos) -> None:
    here = house().serve("slow.mar")
    client = here.client(protos)
    call = client.inference.Predictions.future(protos.inference.PredictionsRequest(model_name="slow"))
    here.wait(here.engine.waiting)
    ended = closing(here, DEADLINE)
    assert first_refusal(client) in ("UNAVAILABLE", "CANCELLED")
    here._loop.call_soon_threadsafe(here.engine.release.set)
    assert call.result(DEADLINE).prediction == b"done"
    ended.result(DEADLINE)


def first_refusal(client: Client) -> str:
    """Ask until the server takes no more calls; the status that says so."""
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end:
        try:
            client.manage(*MANAGING)
        except grpc.RpcError as error:
            return str(error.code().name)
    raise AssertionError("the server went on answering")


def test_what_runs_too_long_is_cut_off(house: Callable[..., House], protos: Protos) -> None:
    here = house().serve("slow.mar")
    call = here.client(protos).inference.Predictions.future(protos.inference.PredictionsRequest(model_name="slow"))
    here.wait(here.engine.waiting)
    closing(here, 0.05).result(DEADLINE)
    assert call.exception(DEADLINE).code().name in ("CANCELLED", "UNAVAILABLE")
    here.wait(here.engine.cancelled)


def test_a_connection_may_not_grow_too_old(house: Callable[..., House], protos: Protos) -> None:
    age = {"grpc_inference_max_connection_age_ms": 50, "grpc_inference_max_connection_age_grace_ms": 50}
    here = house(**age).serve("slow.mar")
    code, _ = refused(here.client(protos).predict, "slow")
    assert code == "UNAVAILABLE"
    here.wait(here.engine.cancelled)


def test_without_the_library_the_server_says_so_in_one_line(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    from support.engine import SmallEngine

    from tsnb.cli import listeners
    from tsnb.config import Config
    from tsnb.rest.routes import Doors

    monkeypatch.setattr(listeners.rpc, "available", lambda: False)
    caplog.set_level("INFO", "tsnb")
    assert listeners.grpc_server(Doors(SmallEngine(Config()), Config()), None, None) is None
    assert "Install tsnb[grpc]" in one_line(caplog.messages[0])
