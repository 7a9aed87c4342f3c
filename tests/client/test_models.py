"""Managing models of a real server."""

from __future__ import annotations

import os

import pytest

from tsnb.client import Client
from tsnb.errors import (
    BadRequest,
    Conflict,
    InvalidKey,
    InvalidModelVersion,
    ModelNotFound,
    ModelVersionNotFound,
    NotFound,
    WorkersFailed,
)


def test_the_server_says_who_it_is(client: Client) -> None:
    found = client.server()
    assert found["name"] == "tsnb"
    assert found["pid"] != os.getpid()


def test_ping_and_metrics(client: Client) -> None:
    assert client.ping() == "Healthy"
    assert "# TYPE Requests2XX counter" in client.metrics()


def test_a_model_from_register_to_unregister(client: Client) -> None:
    said = client.register("echo-1.0.mar", model_name="mine", initial_workers=1, batch_size=4, max_batch_delay=20)
    assert said == 'Model "mine" Version: 1.0 registered with 1 initial workers'
    [status] = client.describe("mine")
    assert (status.spec.name, status.spec.batch_size, status.spec.max_batch_delay) == ("mine", 4, 20)
    assert [worker.state for worker in status.workers] == ["ready"]
    assert "mine" in {each.spec.name for each in client.models()}

    assert client.scale("mine", 2) == "Workers scaled to 2 for model: mine"
    assert len(client.describe("mine")[0].workers) == 2
    assert client.scale("mine", 0, "1.0", wait=False) == "Processing worker updates..."
    with pytest.raises(Conflict, match="already registered"):
        client.register("echo-1.0.mar", model_name="mine")
    assert client.unregister("mine") == 'Model "mine" unregistered'
    with pytest.raises(ModelNotFound, match="mine"):
        client.describe("mine")


def test_two_versions_and_the_default(client: Client) -> None:
    client.register("talkative-2.0.mar", initial_workers=1)
    try:
        with pytest.raises(InvalidModelVersion):
            client.unregister("talkative", "1.0")
        assert "2.0" in client.set_default("talkative", "2.0")
        assert {each.spec.version: each.default for each in client.describe("talkative")} == {
            "1.0": False,
            "2.0": True,
        }
        with pytest.raises(ModelVersionNotFound):
            client.set_default("talkative", "9")
    finally:
        client.set_default("talkative", "1.0")
        client.unregister("talkative", "2.0")


def test_workers_that_do_not_start_say_why(client: Client) -> None:
    with pytest.raises(WorkersFailed, match="Failed to start workers for model no_weights") as caught:
        client.register("no_weights-1.0.mar", initial_workers=1)
    assert caught.value.request_id
    assert caught.value.failure is not None
    assert "no weights here" in caught.value.failure.traceback


def test_refusals_come_as_the_class_that_was_raised(client: Client) -> None:
    with pytest.raises(NotFound):
        client.register("nowhere.mar")
    with pytest.raises(ModelNotFound):
        client.scale("nobody", 1)
    with pytest.raises(BadRequest, match="max_worker"):
        client.scale("talkative", 3, max_workers=1)


def test_a_wrong_token_is_refused(served) -> None:
    with Client(served.url, "wrong") as stranger, pytest.raises(InvalidKey):
        stranger.models()


def test_names_are_quoted(client: Client) -> None:
    with pytest.raises(ModelNotFound, match="a b/c"):
        client.describe("a b/c")


def test_logs_and_unknown_failures(client: Client) -> None:
    assert isinstance(client.logs("talkative"), list)
    assert client.failure("nobody") is None
