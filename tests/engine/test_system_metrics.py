"""Measuring the machine: by itself, by a command, and what a handler counts in a real worker."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

import pytest

from tests.engine.conftest import until
from tests.engine.test_local import run
from tsnb.config import Config
from tsnb.engine import system_metrics
from tsnb.engine.metric_lines import Reading, parse
from tsnb.engine.placement import Device
from tsnb.engine.system_metrics import SystemMetrics, look_at_gpus
from tsnb.errors import ConfigError


async def measured(times: int = 1, **settings: object) -> list[list[Reading]]:
    """What is reported, until it was reported so often."""
    found: list[list[Reading]] = []
    config = Config(**{"metric_time_interval": 1, **settings})  # type: ignore[arg-type]
    task = asyncio.create_task(SystemMetrics(config, found.append, lambda: [11, 22]).run())
    await until(lambda: len(found) >= times, f"{times} reports")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return found


def test_the_machine_is_measured_again_and_again() -> None:
    first, second = asyncio.run(measured(2))[:2]
    for found in (first, second):
        values = {each.name: each.value for each in found if not each.name.startswith("GPU")}
        assert values.keys() == {
            *("CPUUtilization", "MemoryUsed", "MemoryAvailable", "MemoryUtilization"),
            *("DiskUsage", "DiskAvailable", "DiskUtilization"),
        }
        assert 0 <= values["CPUUtilization"] <= 100
        assert 0 < values["MemoryUtilization"] <= 100
        assert all(value > 0 for name, value in values.items() if name != "CPUUtilization")


def test_each_gpu_has_three_metrics() -> None:
    found = look_at_gpus([Device(0, "A", 80 * 2**30, 20 * 2**30, 97), Device(1, "B")])
    labels = [(("Level", "Host"), ("DeviceId", number)) for number in "01"]
    assert found == [
        Reading("GPUMemoryUtilization", "Percent", 25.0, labels[0]),
        Reading("GPUMemoryUsed", "Megabytes", 20 * 1024.0, labels[0]),
        Reading("GPUUtilization", "Percent", 97.0, labels[0]),
        Reading("GPUMemoryUtilization", "Percent", 0.0, labels[1]),
        Reading("GPUMemoryUsed", "Megabytes", 0.0, labels[1]),
        Reading("GPUUtilization", "Percent", 0.0, labels[1]),
    ]


def test_a_command_measures_instead(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    script = tmp_path / "measure.py"
    script.write_text(
        "import sys\n"
        "pids = sys.stdin.readline().strip()\n"
        "for n, pid in enumerate(pids.split(',')):\n"
        "    print(f'Pid{n}.Count:{pid}|#Level:Host|#hostname:h,timestamp:1')\n"
        "print(f'Arguments.Count:{len(sys.argv) - 1}|#Level:Host|#hostname:h,timestamp:1')\n"
        "print('\\nnonsense')\n"
    )
    (found,) = asyncio.run(measured(system_metrics_cmd=f"{script} a b"))[:1]
    assert [(each.name, each.value, each.host) for each in found] == [
        ("Pid0", 11.0, "h"),
        ("Pid1", 22.0, "h"),
        ("Arguments", 2.0, "h"),
    ]
    assert "not a metric: 'nonsense'" in caplog.text


def test_torchserves_own_script_is_found_by_its_path_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    command = "ts/metrics/metric_collector.py --gpu 0"
    (found,) = asyncio.run(measured(system_metrics_cmd=command))[:1]
    assert {"CPUUtilization", "MemoryUsed", "DiskAvailable"} <= {each.name for each in found}


def test_a_command_may_import_ts(tmp_path: Path) -> None:
    script = tmp_path / "measure.py"
    script.write_text(
        "from ts.metrics.dimension import Dimension\n"
        "from ts.metrics.metric import Metric\n"
        "print(Metric('Heat', 51, 'percent', [Dimension('Level', 'Host')]))\n"
    )
    (found,) = asyncio.run(measured(system_metrics_cmd=f"{script}"))[:1]
    assert [(each.name, each.value) for each in found] == [("Heat", 51.0)]


@pytest.mark.parametrize(
    ("tail", "ids"),
    [
        ("h,timestamp:7", ()),
        ("h,requestID:a,b,timestamp:7", ("a", "b")),
        ("h,requestID:null,timestamp:7", ()),
        ("h,7", ()),
        ("h,7,request-1", ("request-1",)),
        ("h,7,a,b", ("a", "b")),
    ],
)
def test_the_forms_of_a_line(tail: str, ids: tuple[str, ...]) -> None:
    """The last three are what TorchServe's own scripts and workers print."""
    for kind in ("", "GAUGE"):
        typed = f"|#type:{kind}" if kind else ""
        found = parse(f"Load.Percent:1.5|#Level:Host,A:b{typed}|#hostname:{tail}")
        assert found == Reading("Load", "Percent", 1.5, (("Level", "Host"), ("A", "b")), "h", ids, 7, kind)


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("/nowhere/at/all", "No such file or directory"),
        (f"{sys.executable} -c import(", "SyntaxError"),
        ("sleep 60", "took more than 0.2 s"),
    ],
)
def test_a_command_that_fails_is_told_and_tried_again(
    command: str, said: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(system_metrics, "PATIENCE", 0.2 if command.startswith("sleep") else 30.0)

    async def scenario() -> None:
        config = Config(system_metrics_cmd=command, metric_time_interval=1)
        task = asyncio.create_task(SystemMetrics(config, lambda found: None, list).run())
        await until(lambda: caplog.text.count(said) >= 2, "two complaints")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(scenario())


COUNTER = """
    import os
    def handle(data, context):
        if data is None:
            return
        body = data[0].get("body")
        context.metrics.add_counter("Own", 1)
        if body == b"die":
            os._exit(3)
        if body == b"fail":
            raise ValueError("no")
        return ["ok"]
"""


def test_counters_outlive_workers_failures_and_swaps(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            await b.serve("m", COUNTER)
            for body in (b"", b"fail", b"die"):
                await asyncio.gather(b.ask("m", body), return_exceptions=True)
            await until(lambda: b.workers("m")[0].state == "ready", "a new worker")
            await b.ask("m")
            text = b.engine.metrics_text()
            assert _value(text, "Own") == 3.0  # what a worker counted before it died is lost with its batch
            assert _value(text, "ts_inference_requests_total") == 4.0
            assert text.count("\nWorkerLoadTime{") == 1
            await b.engine.scale("m", None, 3, wait=True)
            assert b.engine.metrics_text().count("\nWorkerLoadTime{") == 3
            await b.engine.scale("m", None, 1, wait=True)
            await until(lambda: b.engine.metrics_text().count("\nWorkerLoadTime{") == 1, "one worker")
            await b.engine.unregister("m")
            assert _value(b.engine.metrics_text(), "Own") == 3.0
            assert b.engine.metrics_text().count("\nWorkerLoadTime{") == 0

    run(scenario())


def _value(text: str, name: str) -> float:
    (line,) = [line for line in text.splitlines() if line.startswith(name + "{")]
    return float(line.rsplit(" ", 1)[1])


def test_a_list_with_a_mistake_is_refused_at_the_start(bench) -> None:
    async def scenario() -> None:
        async with bench(metrics_config=os.devnull) as b:
            with pytest.raises(ConfigError, match="metrics_config"):
                await b.engine.start()

    run(scenario())


def test_an_engine_by_itself_writes_metrics_where_it_is_told(bench, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(metrics_location=str(tmp_path / "logs")) as b:
            await b.serve("m", COUNTER)
            await b.ask("m")

    run(scenario())
    assert "Own.Count:1.0|" in (tmp_path / "logs" / "model_metrics.log").read_text()
    assert "ts_inference_requests_total.Count:1.0|" in (tmp_path / "logs" / "ts_metrics.log").read_text()
