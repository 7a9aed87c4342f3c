"""``tsnb serve`` as a process: how it starts, what it says, how it ends."""

from __future__ import annotations

import io
import json
import os
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from support.command import DEADLINE, Server, until

from tsnb.cli.server import say

Serve = Callable[..., Server]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_it_says_when_it_answers_and_stops_cleanly(serve: Serve, tmp_path: Path, how: int) -> None:
    server = serve().until_ready()
    key = json.loads((tmp_path / "key_file.json").read_text())["inference"]["key"]
    answer = server.get("ping", headers={"Authorization": f"Bearer {key}"})
    assert (answer.status_code, answer.json()) == (200, {"status": "Healthy"})
    assert server.said[-1] == "Model server started."
    began = time.monotonic()
    assert server.stop(how) == 0
    assert time.monotonic() - began < 5
    assert not (tmp_path / "key_file.json").exists()
    assert "Traceback" not in server.log


def test_what_it_says_is_not_torn_by_what_it_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[bytes] = []

    class Raw(io.RawIOBase):
        def writable(self) -> bool:
            return True

        def write(self, data: Any) -> int:
            written.append(bytes(data))
            return len(data)

    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(Raw(), write_through=True))  # as PYTHONUNBUFFERED makes it
    say("one", "two")
    assert written == [b"one\ntwo\n"]


def test_a_model_is_served_from_the_store_and_no_process_is_left(serve: Serve, store: Any) -> None:
    store("echo")
    server = serve("--models", "all", "--disable-token-auth", environ={"OMP_NUM_THREADS": "1"}).until_ready()
    wait_for_worker(server, "echo")
    assert server.post("predictions/echo", b"hello").content == b"hello"
    workers = [process for process in server.family() if process.pid != server.process.pid]
    assert workers
    assert server.stop() == 0
    assert not [process for process in workers if process.is_running()]


def wait_for_worker(server: Server, model: str) -> None:
    until(lambda: server.get(f"models/{model}").json()[0]["workers"][0]["status"] == "READY", "a worker")


def test_a_model_that_cannot_be_loaded_is_logged_and_left_out(serve: Serve, store: Any, tmp_path: Path) -> None:
    store("echo")
    (tmp_path / "store" / "broken.mar").write_bytes(b"PK\x03\x04 not a zip")
    config = tmp_path / "c.properties"
    config.write_text("load_models=all\ndefault_workers_per_model=1\n")
    server = serve("--ts-config", str(config), "--disable-token-auth").until_ready()
    assert [model["modelName"] for model in server.get("models").json()["models"]] == ["echo"]
    assert "Model broken.mar was not loaded" in server.log or server.stop() == 0
    wait_for_worker(server, "echo")
    assert len(server.get("models/echo").json()[0]["workers"]) == 1


def test_names_and_settings_of_startup_models_count(serve: Serve, store: Any, tmp_path: Path) -> None:
    store("echo")
    said = {"loud": {"1.0": {"marName": "echo.mar", "minWorkers": 1, "maxWorkers": 2, "batchSize": 4}}}
    (tmp_path / "config.properties").write_text(f"models={json.dumps(said)}\n")
    server = serve("--models", "loud=echo.mar", "--disable-token-auth").until_ready()
    model = server.get("models/loud").json()[0]
    assert (model["minWorkers"], model["maxWorkers"], model["batchSize"]) == (1, 2, 4)
    assert model["loadedAtStartup"] is True


def test_tokens_guard_both_apis_on_one_listener(serve: Serve, tmp_path: Path) -> None:
    server = serve().until_ready()
    file = tmp_path / "key_file.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    keys = {kind: {"Authorization": f"Bearer {said['key']}"} for kind, said in json.loads(file.read_text()).items()}
    assert server.get("ping").status_code == 400
    assert server.get("ping").json()["type"] == "InvalidKeyException"
    assert server.get("ping", headers=keys["inference"]).status_code == 200
    assert server.get("ping", headers=keys["management"]).status_code == 200
    assert server.get("models", headers=keys["inference"]).status_code == 400
    assert server.get("models", headers=keys["management"]).status_code == 200
    assert server.get("token?type=inference", headers=keys["API"]).content == b"\n"
    assert server.get("ping", headers=keys["inference"]).status_code == 400
    renewed = json.loads(file.read_text())["inference"]["key"]
    assert server.get("ping", headers={"Authorization": f"Bearer {renewed}"}).status_code == 200


def test_a_fixed_token_writes_no_file(serve: Serve, tmp_path: Path) -> None:
    server = serve(environ={"TSNB_TOKEN": "secret"}).until_ready()
    assert server.get("models").status_code == 400
    assert server.get("models", headers={"Authorization": "Bearer secret"}).status_code == 200
    assert not (tmp_path / "key_file.json").exists()


def test_it_ends_with_its_lifeline(serve: Serve) -> None:
    ours, theirs = os.pipe()
    server = serve("--lifeline", str(ours), fds=(ours,))
    os.close(ours)
    server.until_ready()
    family = server.family()
    os.write(theirs, b"still here")
    assert server.get("ping").status_code == 400
    os.close(theirs)
    assert server.ended(family) == 0


def test_idle_connections_do_not_hold_it_up(serve: Serve, store: Any) -> None:
    store("echo")
    server = serve("--models", "echo.mar", "--disable-token-auth").until_ready()
    wait_for_worker(server, "echo")
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), DEADLINE) as connection:
        connection.sendall(b"POST /predictions/echo HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello")
        assert b"hello" in connection.recv(4096)
        server.process.send_signal(signal.SIGTERM)
        assert connection.recv(4096) == b""
    assert server.ended([]) == 0


def test_each_listener_is_announced(serve: Serve, tmp_path: Path) -> None:
    free = "".join(f"{name}_address=http://127.0.0.1:0\n" for name in ("inference", "management", "metrics"))
    path = tmp_path / "c.properties"
    addresses = free.replace("management_address=http://127.0.0.1:0", f"management_address=unix:{tmp_path}/m.sock")
    path.write_text(addresses + "enable_grpc=false\n")
    server = serve("--ts-config", str(path), "--disable-token-auth", port=False).until_ready()
    assert f"Management address: unix:{tmp_path}/m.sock" in server.said
    assert f"Metrics address: {server.url}" in server.said
    assert server.get("ping").status_code == 200
    assert server.get("models").status_code == 404
    assert server.stop() == 0
    assert not (tmp_path / "m.sock").exists()


def test_requests_are_logged_where_log_location_says(serve: Serve, tmp_path: Path) -> None:
    environ = {"LOG_LOCATION": str(tmp_path / "logs")}
    server = serve("--disable-token-auth", environ=environ).until_ready()
    server.get("ping")
    assert server.stop() == 0
    assert ' "GET /ping HTTP/1.1" 200 ' in (tmp_path / "logs" / "access_log.log").read_text()
    assert "Stopping" in (tmp_path / "logs" / "ts_log.log").read_text()
    assert "GET /ping" in server.log


@pytest.mark.parametrize(("flags", "expected"), [([], True), (["--no-access-log"], False)])
def test_requests_are_logged_to_stderr_unless_told_not_to(serve: Serve, flags: list[str], expected: bool) -> None:
    server = serve("--disable-token-auth", *flags).until_ready()
    server.get("ping")
    assert server.stop() == 0
    assert (' "GET /ping HTTP/1.1" 200 ' in server.log) is expected


def refused(server: Server) -> str:
    """The one line that a server which does not start writes."""
    assert server.ended([]) == 1
    assert server.said == []
    assert len(server.logged) == 1, server.log
    return server.logged[0]


def test_a_port_in_use_is_named_with_its_setting(serve: Serve, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        line = refused(serve("--port", str(port), port=False))
    assert f"http://127.0.0.1:{port} (inference_address and management_address" in line
    assert "another process listens there" in line
    assert not (tmp_path / "key_file.json").exists()


def test_a_port_for_both_rest_and_grpc_is_refused(serve: Serve, tmp_path: Path) -> None:
    line = refused(serve("--port", "18080", "--grpc-port", "18080", port=False))
    assert "Cannot listen on http://127.0.0.1:18080 (inference_address" in line
    assert "grpc_inference_port is 18080, too" in line
    assert not (tmp_path / "key_file.json").exists()


@pytest.mark.parametrize(
    ("arguments", "store", "said"),
    [
        ((), False, "Missing mandatory parameter --model-store"),
        (("--model-store", "nowhere"), False, "'nowhere' is not a folder"),
        (("--ts-config", "nowhere.properties"), True, "no such configuration file: 'nowhere.properties'"),
        (("--lifeline", "99"), True, "--lifeline 99"),
        (("--host", "999.1.1.1"), True, "Cannot listen on http://999.1.1.1:0"),
        (("--host", "a b/c"), True, "Invalid binding address"),
    ],
)
def test_nonsense_is_refused_in_one_line(serve: Serve, arguments: tuple[str, ...], store: bool, said: str) -> None:
    assert said in refused(serve(*arguments, store=store))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("job_queue_size=many", "job_queue_size='many' must be a whole number"),
        ("model_store=$$NOT_SET_ANYWHERE$$", "Invalid Environment Variable NOT_SET_ANYWHERE"),
        ("models=[1]", "models must be a JSON object"),
        ("inference_address=https://127.0.0.1:0", "needs certificate_file"),
    ],
)
def test_a_bad_configuration_is_refused_in_one_line(serve: Serve, tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "config.properties").write_text(text + "\nmanagement_address=http://127.0.0.1:0\n")
    addresses = [] if "https" in text else ["--port", "0"]
    assert said in refused(serve(*addresses, port=False))


def test_the_environment_names_the_configuration_first(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "a.properties").write_text("disable_token_authorization=true\n")
    (tmp_path / "config.properties").write_text("job_queue_size=many\n")
    server = serve("--ts-config", "config.properties", environ={"TS_CONFIG_FILE": "a.properties"}).until_ready()
    assert server.get("ping").status_code == 200


def test_a_snapshot_is_restored_unless_ncs_is_given(serve: Serve, store: Any, tmp_path: Path) -> None:
    store("echo")
    settings = {"defaultVersion": True, "marName": "echo.mar", "minWorkers": 1, "maxWorkers": 1, "batchSize": 3}
    snapshot = {"name": "s", "modelCount": 1, "models": {"echo": {"1.0": settings}}}
    folder = tmp_path / "logs" / "config"
    folder.mkdir(parents=True)
    (folder / "20260101000000000-snapshot.cfg").write_text(f"model_snapshot={json.dumps(snapshot)}\n")
    server = serve("--disable-token-auth").until_ready()
    assert server.get("models/echo").json()[0]["batchSize"] == 3
    assert server.stop() == 0
    server = serve("--disable-token-auth", "--ncs").until_ready()
    assert server.get("models").json() == {"models": []}
    assert server.stop() == 0
    (tmp_path / "store" / "echo.mar").unlink()
    assert "'echo.mar', which is not in" in refused(serve())


KSERVE = """\
enable_envvars_config=true
install_py_dep_per_model=true
enable_metrics_api=true
metrics_format=prometheus
NUM_WORKERS=1
number_of_netty_threads=4
job_queue_size=10
vmargs=-Xmx4g -XX:+UseContainerSupport
model_store=$$STORE$$
model_snapshot={"name":"startup.cfg","modelCount":1,"models":{"echo":{"1.0":{"defaultVersion":true,\\
    "marName":"echo.mar","minWorkers":1,"maxWorkers":5,"batchSize":1,"maxBatchDelay":10,"responseTimeout":60}}}}
"""


def test_a_configuration_as_kserve_writes_it(serve: Serve, store: Any, tmp_path: Path) -> None:
    store("echo")
    (tmp_path / "kserve.properties").write_text(KSERVE)
    environ = {"STORE": str(tmp_path / "store"), "TS_JOB_QUEUE_SIZE": "7"}
    server = serve("--ts-config", "kserve.properties", "--dt", store=False, environ=environ).until_ready()
    model = server.get("models/echo").json()[0]
    assert (model["minWorkers"], model["maxWorkers"], model["maxBatchDelay"], model["responseTimeout"]) == (
        1,
        5,
        10,
        60,
    )
    assert model["jobQueueStatus"]["remainingCapacity"] == 7
    wait_for_worker(server, "echo")
    assert server.post("v1/models/echo:predict", b'{"instances": [1]}').status_code == 200


def test_a_newer_config_properties_beside_a_snapshot_is_told(serve: Serve, tmp_path: Path) -> None:
    folder = tmp_path / "logs" / "config"
    folder.mkdir(parents=True)
    (folder / "20260101000000000-snapshot.cfg").write_text("job_queue_size=3\n")
    (tmp_path / "config.properties").write_text("job_queue_size=4\n")
    os.utime(folder / "20260101000000000-snapshot.cfg", (1, 1))
    server = serve("--dt").until_ready()
    assert server.stop() == 0
    assert "config.properties was changed after the snapshot" in server.log


def test_nothing_is_left_when_it_is_killed(serve: Serve, store: Any) -> None:
    store("echo")
    server = serve("--models", "echo.mar", "--disable-token-auth").until_ready()
    wait_for_worker(server, "echo")
    family = server.family()
    server.process.kill()
    assert server.ended(family) == -signal.SIGKILL
    assert not any(process.is_running() and process.status() != psutil.STATUS_ZOMBIE for process in family)
