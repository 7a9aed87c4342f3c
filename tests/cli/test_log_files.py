"""What ``tsnb serve`` leaves in its log files, and what it shows on its metrics page, in each mode."""

from __future__ import annotations

import os
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from support.command import DEADLINE, HANDLERS, Server, run

from tsnb.engine.metric_lines import Reading, parse

Serve = Callable[..., Server]

STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d,\d{3}"
LISTED = """
ts_metrics:
  counter:
    - {name: Requests2XX, unit: Count, dimensions: [Level, Hostname]}
    - {name: ts_inference_requests_total, unit: Count, dimensions: [model_name, model_version, hostname]}
  gauge:
    - {name: Apples, unit: Count, dimensions: [Level, Hostname]}
model_metrics:
  counter:
    - {name: Listed, unit: count, dimensions: [ModelName, Level, Colour]}
  gauge:
    - {name: PredictionTime, unit: ms, dimensions: [ModelName, Level]}
"""
COMMAND = """
import sys
pids = sys.stdin.readline()
print("Apples.Count:3.5|#Level:Host|#hostname:orchard,timestamp:1700000000")
print("Pears.Count:1|#Level:Host|#hostname:orchard,timestamp:1700000000")
print("no metric")
print("trouble", file=sys.stderr)
"""


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with the model ``measuring``."""
    folder = tmp_path_factory.mktemp("measuring")
    words = ["--model-name", "measuring", "-v", "1.0", "--handler", str(HANDLERS / "measuring.py")]
    assert run("archive", *words, "--export-path", str(folder)).returncode == 0
    return folder


@pytest.fixture
def start(model: Path, tmp_path: Path) -> Iterator[Serve]:
    """``start("metrics_mode=log", LOG_LOCATION="x")`` serves the model in the test's folder, with one worker."""
    started: list[Server] = []

    def call(*settings: str, flags: tuple[str, ...] = (), **environ: str) -> Server:
        path = tmp_path / "c.properties"
        path.write_text("\n".join(("default_workers_per_model=1", *settings)))
        words = ["--model-store", str(model), "--models", "all", "--port", "0", "--disable-token-auth", "--ncs"]
        server = Server([*words, "--ts-config", str(path), *flags], tmp_path, {"OMP_NUM_THREADS": "1", **environ}, ())
        started.append(server)
        return server.until_ready()

    yield call
    for server in started:
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait(DEADLINE)


def ask(server: Server, body: str = "", version: str = "") -> str:
    """The id of a request that was answered well."""
    answer = server.post(f"predictions/measuring{version}", body.encode())
    assert answer.status_code == 200, answer.text
    return answer.headers["x-request-id"]


def page(server: Server, query: str = "") -> dict[str, list[tuple[dict[str, str], float]]]:
    text = server.get(f"metrics{query}").text
    return {
        line.split()[2]: [
            (sample.labels, sample.value)
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name in (line.split()[2], line.split()[2] + "_total")
        ]
        for line in text.splitlines()
        if line.startswith("# TYPE")
    }


def readings(path: Path) -> list[Reading]:
    """The lines of a metrics file, each as it must be."""
    found = []
    for line in path.read_text().splitlines():
        assert re.match(STAMP + " - ", line), line
        found.append(parse(line.split(" - ", 1)[1]))
    return found


def once(condition: Callable[[], Any], what: str) -> Any:
    deadline = time.monotonic() + DEADLINE
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen"
        threading.Event().wait(0.05)
    return found


def test_a_server_that_is_told_nothing_writes_torchserves_files(start: Serve, tmp_path: Path) -> None:
    server = start()
    once(lambda: server.get("models/measuring").json()[0]["workers"][0]["status"] == "READY", "a ready worker")
    asked, named = ask(server, "3"), ask(server, version="/1.0")
    server.get("predictions/nobody")
    shown = page(server)
    assert server.stop() == 0
    logs = tmp_path / "logs"
    access = (logs / "access_log.log").read_text().splitlines()
    assert re.fullmatch(STAMP + r' - /127\.0\.0\.1:\d+ "POST /predictions/measuring HTTP/1\.1" 200 \d+', access[-4])
    assert access[-4] in server.logged
    lines = (logs / "model_log.log").read_text().splitlines()
    assert [re.sub(STAMP, "", line) for line in lines if " line " in line] == [
        f" [INFO ] W-9000-measuring_1.0-stdout MODEL_LOG - line {number}" for number in range(3)
    ]
    assert re.search(STAMP + r" \[INFO \] MainThread tsnb - Stopping\.", (logs / "ts_log.log").read_text())
    by_name: dict[str, list[Reading]] = {}
    for reading in readings(logs / "ts_metrics.log"):
        by_name.setdefault(reading.name, []).append(reading)
    assert [dict(each.dimensions)["model_version"] for each in by_name["ts_inference_requests_total"]] == [
        "default",
        "1.0",
    ]
    assert sum(each.value for each in by_name["Requests2XX"]) == len([x for x in access if " 200 " in x])
    assert [each.value for each in by_name["Requests4XX"]] == [1.0]
    assert {
        *("ts_inference_latency_microseconds", "ts_queue_latency_microseconds", "QueueTime"),
        *("WorkerThreadTime", "WorkerLoadTime", "MemoryUsed", "CPUUtilization", "DiskUsage"),
    } < by_name.keys()
    own = {(each.name, each.unit, each.request_ids) for each in readings(logs / "model_metrics.log")}
    assert {("PredictionTime", "ms", (asked,)), ("HandlerTime", "ms", (named,)), ("Listed", "Count", (asked,))} < own
    assert shown["ts_inference_requests_total"][0][1] == 1.0
    assert shown["Unlisted"][0][1] == 2.0


@pytest.mark.parametrize(
    ("mode", "on_page", "in_files"),
    [
        ("prometheus", {"ts_inference_requests_total", "Requests2XX", "PredictionTime", "Listed", "Apples"}, set()),
        ("log", set(), {"ts_inference_requests_total", "Requests2XX", "PredictionTime", "Listed", "Apples"}),
        ("legacy", {"ts_inference_requests_total"}, {"Requests2XX", "PredictionTime", "Listed", "Apples"}),
    ],
)
def test_each_mode_of_torchserve(start: Serve, tmp_path: Path, mode: str, on_page: set, in_files: set) -> None:
    (tmp_path / "metrics.yaml").write_text(LISTED)
    (tmp_path / "measure.py").write_text(COMMAND)
    settings = (f"metrics_config={tmp_path}/metrics.yaml", f"system_metrics_cmd={tmp_path}/measure.py a b")
    server = start(f"metrics_mode={mode}", *settings, METRICS_LOCATION="numbers")
    ask(server)
    once(lambda: "trouble" in server.log, "the measuring")
    shown = page(server)
    assert shown.keys() == on_page
    if mode == "prometheus":
        host = shown["Requests2XX"][0][0]["Hostname"]
        assert shown["Listed"] == [
            ({"ModelName": "red", "Level": "measuring", "Colour": "Model", "Hostname": host}, 2.0)
        ]
        assert shown["Apples"] == [({"Level": "Host", "Hostname": "orchard"}, 3.5)]
        assert page(server, "?name[]=Listed&name[]=Nobody").keys() == {"Listed"}
    assert server.stop() == 0
    assert "no metric" in server.log
    files = [tmp_path / "numbers" / name for name in ("ts_metrics.log", "model_metrics.log")]
    assert {each.name for path in files if path.exists() for each in readings(path)} == in_files
    assert (tmp_path / "logs" / "access_log.log").exists()


def test_a_flood_of_lines_and_values_is_all_there_and_harms_nobody(start: Serve, tmp_path: Path) -> None:
    server = start()
    ask(server, "20000 20000")
    ask(server)
    flood = sum(value for _, value in page(server)["Flood"])
    assert server.stop() == 0
    lines = (tmp_path / "logs" / "model_log.log").read_text().splitlines()
    assert [line.rsplit(" ", 1)[1] for line in lines if " - line " in line] == [str(n) for n in range(20000)]
    assert server.log.count(" - line ") <= 1000
    assert flood == 20000.0
    logged = readings(tmp_path / "logs" / "model_metrics.log")
    assert sum(each.value for each in logged if each.name == "Flood") == 20000.0


def test_a_dead_worker_takes_no_counter_with_it(start: Serve) -> None:
    server = start("disable_system_metrics=true")
    ask(server)
    worker = server.get("models/measuring").json()[0]["workers"][0]
    before = page(server)
    for process in server.family():
        if process.pid == worker["pid"]:
            process.kill()
    once(lambda: server.get("models/measuring").json()[0]["workers"][0]["pid"] not in (0, worker["pid"]), "a new one")
    once(lambda: server.post("predictions/measuring", b"").status_code == 200, "an answer")
    after = page(server)
    assert after["Unlisted"][0][1] == before["Unlisted"][0][1] + 1
    assert len(after["WorkerLoadTime"]) == 1
    assert after["CPUUtilization"] == []
    assert server.stop() == 0


def test_no_files_where_none_are_wanted(start: Serve, tmp_path: Path) -> None:
    server = start(LOG_LOCATION="", METRICS_LOCATION="")
    ask(server)
    assert server.stop() == 0
    assert not (tmp_path / "logs").exists()
    assert "POST /predictions/measuring" in server.log


def test_a_folder_that_cannot_be_made(model: Path, tmp_path: Path) -> None:
    (tmp_path / "logs").write_text("in the way")
    with socket.create_server(("127.0.0.1", 0)) as taken:  # a server that cannot listen ends by itself
        words = ("serve", "--model-store", str(model), "--port", str(taken.getsockname()[1]), "--ncs")
        told = run(*words, folder=tmp_path, environ={"LOG_LOCATION": "logs"})
        untold = run(*words, folder=tmp_path)
    assert told.returncode == 1
    assert b"LOG_LOCATION='logs': cannot make this folder" in told.stderr
    assert b"No log files: the folder 'logs' cannot be made" in untold.stderr


def test_a_list_of_metrics_with_a_mistake_stops_the_start(model: Path, tmp_path: Path) -> None:
    (tmp_path / "c.properties").write_text("metrics_config=nowhere.yaml\n")
    words = ("serve", "--model-store", str(model), "--port", "0", "--ncs", "--ts-config", "c.properties")
    done = run(*words, folder=tmp_path)
    assert done.returncode == 1
    assert b"metrics_config='nowhere.yaml' cannot be used: No such file or directory." in done.stderr
    assert not (tmp_path / "key_file.json").exists()


LOG4J = """<?xml version="1.0"?>
<Configuration>
  <Properties><Property name="where">${env:SOMEWHERE:-special}</Property></Properties>
  <Appenders>
    <Console name="OUT"><PatternLayout pattern="%p|%c|%m%n"/></Console>
    <RollingFile name="requests" fileName="${where}/requests.txt" filePattern="x.%d.gz">
      <PatternLayout><Pattern>%d{yyyy} %m%n</Pattern></PatternLayout>
      <Policies><SizeBasedTriggeringPolicy size="1 KB"/><CronTriggeringPolicy schedule="0"/></Policies>
      <DefaultRolloverStrategy max="1"/>
    </RollingFile>
    <Kafka name="kafka"/>
  </Appenders>
  <Loggers>
    <Logger name="ACCESS_LOG" level="info" additivity="false"><AppenderRef ref="requests"/></Logger>
    <Logger name="MODEL_LOG" level="off"/>
    <Logger name="TS_METRICS" level="all" additivity="false"><AppenderRef ref="kafka"/></Logger>
    <Root level="info"><AppenderRef ref="OUT"/></Root>
  </Loggers>
</Configuration>
"""


def test_a_log4j_file_says_which_log_goes_where(start: Serve, tmp_path: Path) -> None:
    (tmp_path / "log4j2.xml").write_text(LOG4J)
    server = start(flags=("--log-config", "log4j2.xml"), SOMEWHERE="there")
    ask(server, "2")
    for _ in range(40):
        server.get("ping")
    assert server.stop() == 0
    assert not (tmp_path / "logs").exists()
    assert "not honoured: CronTriggeringPolicy, the appender kafka (Kafka)." in server.log
    assert "INFO|tsnb|Stopping." in server.logged
    assert "GET /ping" not in server.log
    assert "MODEL_LOG" not in server.log
    assert "INFO|MODEL_METRICS|PredictionTime.ms:" in server.log  # additive: the root's console has it
    assert "TS_METRICS" not in server.log
    text = (tmp_path / "there" / "requests.txt").read_text()
    assert re.match(r'\d{4} /127.0.0.1:\d+ "', text)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [("log4j2.xml", "<Configuration>", "cannot be read"), ("log4j.properties", "a=b", "only log4j2's XML form is")],
)
def test_a_log_config_that_cannot_be_used(model: Path, tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with socket.create_server(("127.0.0.1", 0)) as taken:  # a server that cannot listen ends by itself
        words = ("serve", "--model-store", str(model), "--port", str(taken.getsockname()[1]), "--ncs")
        assert said in run(*words, "--log-config", name, folder=tmp_path).stderr.decode()


def test_a_server_that_belongs_to_a_kernel_writes_nothing_beside_it(model: Path, tmp_path: Path) -> None:
    reading, writing = os.pipe()
    words = ["--model-store", str(model), "--port", "0", "--ncs", "--lifeline", str(reading)]
    server = Server(words, tmp_path, {}, (reading,)).until_ready()
    os.close(reading)
    os.close(writing)
    assert server.ended([]) == 0
    assert [path.name for path in tmp_path.iterdir()] == []
