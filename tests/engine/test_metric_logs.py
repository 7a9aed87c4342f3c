"""Log files: the form of their lines, what is written under load, and how files are packed away."""

from __future__ import annotations

import gzip
import logging
import os
import time
from datetime import date, timedelta
from pathlib import Path

import pytest

from tsnb.engine import log_writer, metric_log
from tsnb.engine.log_files import RotatingFile
from tsnb.engine.log_layout import BARE, STANDARD, Layout
from tsnb.engine.log_writer import Channel, LogWriter, Output
from tsnb.engine.metric_definitions import Metric
from tsnb.engine.metric_lines import Line, Reading, parse
from tsnb.engine.metric_log import renderer

HOST = Metric("Requests2XX", "counter", "Count", ("Level", "Hostname"))
TIME = Metric("PredictionTime", "gauge", "ms", ("ModelName", "Level", "Hostname"))
SERVER_LINE = Line.of(HOST, (("Level", "Host"), ("Hostname", "vm")))
MODEL_LINE = Line.of(TIME, (("ModelName", "m"), ("Level", "Model"), ("Hostname", "vm")), backend=True)


# --- lines ---------------------------------------------------------------------------------------


def test_lines_are_those_of_torchserve_and_can_be_read_back() -> None:
    text = SERVER_LINE.text(1.0, 1795383864.77)
    assert text == "Requests2XX.Count:1.0|#Level:Host|#hostname:vm,timestamp:1795383864"
    assert parse(text) == Reading("Requests2XX", "Count", 1.0, (("Level", "Host"),), "vm", (), 1795383864)
    text = MODEL_LINE.text(0.98, 1795383866.0, "a-1,b-2")
    assert text == (
        "PredictionTime.ms:0.98|#ModelName:m,Level:Model|#hostname:vm,requestID:a-1,b-2,timestamp:1795383866"
    )
    assert parse(text) == Reading(
        "PredictionTime", "ms", 0.98, (("ModelName", "m"), ("Level", "Model")), "vm", ("a-1", "b-2"), 1795383866
    )
    assert "requestID:null," in MODEL_LINE.text(1.0, 0.0)
    assert parse(MODEL_LINE.text(1.0, 0.0)).request_ids == ()


def test_odd_labels_stay_within_their_line() -> None:
    metric = Metric("Odd", "gauge", "a.b:c|d#e", ("Colour", "Hostname"))
    line = Line.of(metric, (("Colour", "a:b,c|d#e\nf"), ("Hostname", "h\n|")))
    assert parse(line.text(7.0, 1.0)) == Reading("Odd", "a_b_c_d_e", 7.0, (("Colour", "a:b_c_d_e_f"),), "h__", (), 1)


@pytest.mark.parametrize("text", ["", "garbage", "A.b:c|#|#hostname:h,timestamp:1", "A.b:1|#x|#timestamp:1"])
def test_what_is_no_metric_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a metric|could not convert"):
        parse(text)


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        (STANDARD, "2026-01-31T23:59:59,123 [WARN ] W-9000-m_1.0-stdout MODEL_LOG - 100 % sure\n"),
        (BARE, "2026-01-31T23:59:59,123 - 100 % sure\n"),
        ("%d{yyyy-MM-dd HH:mm:ss.SSS} %5level|%-20logger{36}|%msg%n", "2026-01-31 23:59:59.123  WARN|"),
        ("%date{dd MMM 'at' HH:mm} %p%% %m%n", "31 Jan at 23:59 WARN% 100 % sure\n"),
        ("%m%n", "100 % sure\n"),
        ("%d %m", "2026-01-31 23:59:59,123 100 % sure"),
    ],
)
def test_patterns_of_log4j(pattern: str, expected: str) -> None:
    seconds = time.mktime((2026, 1, 31, 23, 59, 59, 0, 0, -1)) + 0.1234
    text = Layout(pattern).text(seconds, "WARNING", "W-9000-m_1.0-stdout", "MODEL_LOG", "100 % sure")
    assert text.startswith(expected)


@pytest.mark.parametrize("pattern", ["%highlight{%p} %m", "%X{id}", "%d{UNIX_MILLIS} %m", "%throwable"])
def test_patterns_that_are_not_known_are_named(pattern: str) -> None:
    with pytest.raises(ValueError, match="not known"):
        Layout(pattern)


# --- under load ----------------------------------------------------------------------------------


class Kept(Channel[metric_log.Event]):
    """Keeps what is put into it."""

    def __init__(self) -> None:
        super().__init__("kept", [])
        self.lines: list[Reading] = []

    def put(self, item: metric_log.Event, weight: int = 1) -> None:
        self.lines.append(parse(renderer(metric_log.SERVER, Layout("%m"))([item])))


def test_values_have_a_line_each_and_those_of_a_busy_second_are_put_together() -> None:
    server, model = Kept(), Kept()
    log = metric_log.MetricLog(server, model)
    for number in range(metric_log.MOST):
        log.put(100.0 + number / 10_000, SERVER_LINE, 1.0)
    for number in range(3000):
        log.put(100.7, SERVER_LINE, 1.0)
        log.put(100.7, MODEL_LINE, float(number), f"r{number}")
    assert [each.value for each in server.lines] == [1.0] * metric_log.MOST
    assert model.lines == []
    log.put(101.1, SERVER_LINE, 2.0)
    assert [each.value for each in server.lines[metric_log.MOST :]] == [3000.0, 2.0]
    assert [(each.value, each.request_ids) for each in model.lines] == [(2999.0, ("r2999",))]


@pytest.mark.parametrize("later", [50.0, 5000.0])
def test_a_clock_that_is_set_anew_loses_no_value(later: float) -> None:
    server = Kept()
    log = metric_log.MetricLog(server, None)
    for seconds in (100.0, later):
        for _ in range(metric_log.MOST + 10):
            log.put(seconds, SERVER_LINE, 1.0)
    log.put(later, MODEL_LINE, 1.0)
    log.close()
    assert sum(each.value for each in server.lines) == 2 * (metric_log.MOST + 10)


def test_the_name_of_a_log_is_its_logger() -> None:
    text = renderer(metric_log.SERVER, Layout("%c %m%n"))([(1.0, SERVER_LINE, 1.0, "")])
    assert text == "TS_METRICS Requests2XX.Count:1.0|#Level:Host|#hostname:vm,timestamp:1\n"


def test_what_cannot_be_written_in_time_is_dropped_and_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    file = RotatingFile(tmp_path / "a.log")
    channel: Channel[str] = Channel("a.log", [Output([file], "".join)], most=10)
    for number in range(25):
        channel.put(f"{number}\n")
    channel.flush()
    assert file.path.read_text().split() == [str(number) for number in range(10)]
    assert "15 entries of a.log were dropped" in caplog.text
    file.close()


def test_a_folder_that_goes_and_comes_back_costs_lines_not_the_server(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "logs").write_text("in the way")
    channel: Channel[str] = Channel("a.log", [Output([RotatingFile(tmp_path / "logs" / "a.log")], "".join)])
    for _ in range(3):
        channel.put("lost\n")
        channel.flush()
    assert caplog.text.count("cannot be written") == 1
    (tmp_path / "logs").unlink()
    channel.put("kept\n")
    channel.flush()
    assert (tmp_path / "logs" / "a.log").read_text() == "kept\n"
    channel.outputs[0].targets[0].close()


def test_the_writer_writes_what_is_left_when_it_closes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(log_writer, "PAUSE", 60.0)
    writer = LogWriter()
    channel = writer.add(Channel("a.log", [Output([RotatingFile(tmp_path / "a.log")], "".join)]))
    writer.start()
    channel.put("last words\n")
    writer.close()
    writer.close()
    assert (tmp_path / "a.log").read_text() == "last words\n"


def test_an_item_that_cannot_be_written_down_harms_no_other(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    writer = LogWriter()
    odd = writer.add(Channel("odd.log", [Output([RotatingFile(tmp_path / "odd.log")], lambda items: 1 / 0)]))
    good = writer.add(Channel("good.log", [Output([RotatingFile(tmp_path / "good.log")], "".join)]))
    odd.put("x")
    good.put("fine\n")
    with caplog.at_level(logging.ERROR):
        writer.start()
        writer.close()
    assert (tmp_path / "good.log").read_text() == "fine\n"
    assert "lines of a log were lost" in caplog.text


# --- files ---------------------------------------------------------------------------------------

TODAY = date(2026, 1, 31)


def packed(folder: Path) -> dict[str, str]:
    return {path.name: gzip.decompress(path.read_bytes()).decode() for path in sorted(folder.glob("*.gz"))}


def test_a_full_file_is_packed_and_a_second_one_of_that_day_numbered(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "ts_log.log", size=4)
    for text in ("one\n", "two\n", "three\n"):
        file.write(text, TODAY)
    file.close()
    assert file.path.read_text() == "three\n"
    day = TODAY.strftime("%d-%b")
    assert packed(tmp_path) == {f"ts_log.{day}.log.gz": "one\n", f"ts_log.{day}.2.log.gz": "two\n"}


def test_at_midnight_a_new_file_begins(tmp_path: Path) -> None:
    file = RotatingFile(tmp_path / "ts_log.log")
    file.write("yesterday\n", TODAY)
    file.write("today\n", TODAY + timedelta(days=1))
    file.close()
    assert file.path.read_text() == "today\n"
    assert packed(tmp_path) == {f"ts_log.{TODAY:%d-%b}.log.gz": "yesterday\n"}


def test_what_another_server_wrote_yesterday_is_packed_too(tmp_path: Path) -> None:
    path = tmp_path / "ts_log.log"
    path.write_text("old\n")
    yesterday = time.time() - 86400
    os.utime(path, (yesterday, yesterday))
    file = RotatingFile(path)
    file.write("new\n")
    file.close()
    assert path.read_text() == "new\n"
    assert list(packed(tmp_path).values()) == ["old\n"]


def test_only_the_latest_packed_files_are_kept(tmp_path: Path) -> None:
    (tmp_path / "ts_log.mine.log").write_text("somebody's")
    (tmp_path / "other_ts_log.01-Jan.log.gz").write_bytes(gzip.compress(b""))
    file = RotatingFile(tmp_path / "ts_log.log", size=1, keep=2)
    for number in range(6):
        file.write(f"{number}\n", TODAY)
        file.wait()
    file.close()
    assert sorted(text for name, text in packed(tmp_path).items() if name.startswith("ts_log")) == ["3\n", "4\n"]
    assert (tmp_path / "ts_log.mine.log").exists()
    assert (tmp_path / "other_ts_log.01-Jan.log.gz").exists()


@pytest.mark.parametrize("how", ["moved", "removed"])
def test_a_file_that_somebody_took_away_is_made_anew(tmp_path: Path, how: str) -> None:
    file = RotatingFile(tmp_path / "a.log")
    file.write("before\n")
    if how == "moved":
        file.path.rename(tmp_path / "taken")
    else:
        file.path.unlink()
    file.write("after\n")
    file.close()
    assert file.path.read_text() == "after\n"
