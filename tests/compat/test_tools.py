"""The modules of ``ts`` that are tools rather than parts of handlers."""

from __future__ import annotations

import argparse
import io
import json
import logging
import os
import socket
import subprocess
import sys

import pytest

from tsnb.cli.torchserve import torchserve
from tsnb.engine.system_metrics import readings
from tsnb.worker.loader import COMPAT

HOST = [
    "CPUUtilization",
    "DiskAvailable",
    "DiskUsage",
    "DiskUtilization",
    "MemoryAvailable",
    "MemoryUsed",
    "MemoryUtilization",
]


@pytest.fixture(autouse=True)
def path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(COMPAT)


def flags(parser: argparse.ArgumentParser) -> set[str]:
    return {flag for action in parser._actions for flag in action.option_strings}


def test_torchserves_flags_are_those_of_the_command() -> None:
    from ts.arg_parser import ArgParser

    command = argparse.ArgumentParser()
    torchserve(command)
    assert flags(ArgParser.ts_parser()) == flags(command)
    args = ArgParser.extract_args(["--start", "--models", "a=a.mar", "b", "--ncs", "--dt", "--enable-model-api"])
    assert (args.start, args.stop, args.models, args.ts_config) == (True, False, ["a=a.mar", "b"], None)
    assert (args.no_config_snapshots, args.token_auth, args.model_mode) == (True, True, True)


def test_the_command_line_of_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    from ts.arg_parser import ArgParser

    monkeypatch.setattr("sys.argv", ["torchserve", "--stop"])
    assert ArgParser.extract_args().stop


def test_the_collector_prints_what_system_metrics_cmd_expects(caplog: pytest.LogCaptureFixture) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ts.metrics.metric_collector", "--gpu", "0"],
        input=f"{os.getpid()}\n",
        env={**os.environ, "PYTHONPATH": COMPAT},
        capture_output=True,
        text=True,
        check=True,
    )
    *_, empty, process = done.stdout.splitlines()
    found = readings(done.stdout)
    assert sorted(reading.name for reading in found) == HOST
    assert {reading.dimensions for reading in found} == {(("Level", "Host"),)}
    assert {reading.host for reading in found} == {socket.gethostname()}
    assert empty == ""
    assert caplog.text == ""
    pid, _, size = process.partition(":")
    assert (int(pid), int(size) > 2**20) == (os.getpid(), True)


def test_a_process_that_is_gone_has_no_memory(caplog: pytest.LogCaptureFixture) -> None:
    from ts.metrics.process_memory_metric import check_process_mem_usage, get_cpu_usage

    with caplog.at_level(logging.INFO):
        check_process_mem_usage(io.StringIO(f"{os.getpid()},,nonsense\n"))
    assert f"{os.getpid()}:" in caplog.text
    assert "nonsense:0" in caplog.text
    assert get_cpu_usage("2147483647") == 0


def test_metrics_as_json() -> None:
    from ts.metrics.dimension import Dimension
    from ts.metrics.metric import Metric
    from ts.metrics.metric_encoder import MetricEncoder

    metric = Metric("Cats", 3, "count", [Dimension("Level", "Model")], "r1")
    found = json.loads(json.dumps([metric, Dimension("a", "b")], cls=MetricEncoder))
    assert found[0]["MetricName"] == "Cats"
    assert found[0]["Dimensions"] == [{"Name": "Level", "Value": "Model"}]
    assert found[1] == {"Name": "a", "Value": "b"}
    with pytest.raises(TypeError):
        json.dumps(object(), cls=MetricEncoder)


def test_timeit_tells_and_returns(capsys: pytest.CaptureFixture[str]) -> None:
    from ts.utils.timeit_decorator import timeit

    @timeit
    def double(number: int) -> int:
        return 2 * number

    assert double(4) == 8
    assert double.__name__ == "double"
    assert "'double' took a total of" in capsys.readouterr().out


def test_the_hub_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    from ts.utils.hf_utils import download_model

    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(ImportError, match="needs the package huggingface_hub"):
        download_model("a/b")
