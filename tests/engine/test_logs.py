"""Lines of workers: their level, the requests they belong to, and how they are kept."""

import asyncio

import pytest

from tests.engine.conftest import until
from tests.engine.test_local import run
from tsnb.engine.logs import LogRing
from tsnb.errors import HandlerFailed
from tsnb.messages import Parameter, Request
from tsnb.protocol import MAX_LINE_IDS, line_mark, read_line

TALKER = """
    import logging, os, sys, warnings
    print("while loading")
    def handle(data, context):
        if data is None:
            return
        print("one\\ntwo")
        print("no end", end="")
        print(" yet")
        print("to stderr", file=sys.stderr)
        logging.getLogger("mine").warning("careful")
        logging.getLogger("mine").debug("never seen")
        logging.getLogger("mine").error("many\\nlines")
        os.write(1, b"from below\\n")
        return [context.get_request_id(0)] * len(data)
"""


def test_marks_come_off_again():
    assert read_line(line_mark("ERROR", ["a", "b"]) + "text: \x1f") == ("ERROR", ("a", "b"), "text: \x1f")
    assert read_line(line_mark("INFO", []) + "") == ("INFO", (), "")
    assert read_line("plain") == ("", (), "plain")
    assert read_line("odd \x1e one") == ("", (), "odd \x1e one")
    assert len(read_line(line_mark("INFO", [str(n) for n in range(100)]) + "x")[1]) == MAX_LINE_IDS


def test_no_two_lines_have_the_same_time():
    ring = LogRing(100)
    for number in range(50):
        ring.add("9000", "stdout", str(number))
    times = [line.time for line in ring.lines()]
    assert sorted(set(times)) == times
    assert [line.text for line in ring.lines(after=times[40])] == [str(number) for number in range(41, 50)]


def test_lines_without_a_mark_have_the_level_of_their_stream():
    ring = LogRing(10)
    ring.add("9000", "stdout", "out")
    ring.add("9000", "stderr", "err")
    assert [line.level for line in ring.lines()] == ["INFO", "WARNING"]


def test_a_worker_s_lines_know_their_level_and_their_request(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", TALKER)
            request = Request("asked", {}, (Parameter("body", b""),))
            await b.engine.predict("m", None, request)
            await until(lambda: len(b.engine.logs("m")) >= 9, "nine lines")
            found = sorted((line.text, line.level, line.request_ids) for line in b.engine.logs("m"))
            mine = ("asked",)
            assert found == sorted(
                [
                    ("while loading", "INFO", ()),
                    ("one", "INFO", mine),
                    ("two", "INFO", mine),
                    ("no end yet", "INFO", mine),
                    ("to stderr", "WARNING", mine),
                    ("careful", "WARNING", mine),
                    ("many", "ERROR", mine),
                    ("lines", "ERROR", mine),
                    ("from below", "INFO", ()),
                ]
            )

    run(scenario())


def test_every_request_of_a_batch_is_named(bench):
    async def scenario():
        async with bench() as b:
            source = """
                import time
                def handle(data, context):
                    if data:
                        print("batch of", len(data))
                        raise ValueError("no")
            """
            await b.serve("m", source, yaml="batchSize: 2\nmaxBatchDelay: 5000\nbatchPolicy: window")
            found = await asyncio.gather(b.ask("m"), b.ask("m"), return_exceptions=True)
            assert [type(each) for each in found] == [HandlerFailed] * 2
            ids = {each.request_id for each in found}
            await until(lambda: [line for line in b.engine.logs("m") if line.text == "batch of 2"], "the line")
            (line,) = [line for line in b.engine.logs("m") if line.text == "batch of 2"]
            assert set(line.request_ids) == ids

    run(scenario())


@pytest.mark.parametrize("level", ["DEBUG", "INFO", "CRITICAL"])
def test_every_level_is_read(level):
    assert read_line(line_mark(level, ["x"]) + "y")[0] == level
