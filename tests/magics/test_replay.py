"""A request fails; the same bytes run through the same cell in the kernel; the cell is mended; all are fixed."""

import re

import pytest
from support import kernel as kernels

HANDLER = """%%handler picky
from tsnb import BaseHandler

class Picky(BaseHandler):
    def initialize(self, context):
        self.unit = UNIT

    def preprocess(self, data):
        return [self.read(row["body"]) for row in data]

    def read(self, value):
        print("reading", value)
        return 10 / value["x"]

    def inference(self, data):
        return data

    def postprocess(self, data):
        return [{"y": each, "unit": self.unit} for each in data]
"""
LINE = 13
"""The line of the cell that divides."""

MENDED = HANDLER.replace('10 / value["x"]', '10 / (value["x"] or 1)')


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with kernels.kernel(tmp_path_factory.mktemp("notebook")) as kernel:
        yield kernel


@pytest.fixture(scope="module")
def served(kernel):
    for cell in ("%load_ext tsnb", "UNIT = 'm'", HANDLER, "%archive picky", "%serve picky"):
        outcome = kernel.run(cell)
        assert outcome.ok, outcome.error
    return kernel


@pytest.fixture(scope="module")
def failed(served):
    """The id of a request that failed, and what the user saw of it."""
    outcome = served.run('%predict picky {"x": 0}')
    assert not outcome.ok
    found = re.search(r"request ([0-9a-f-]{36})", outcome.error)
    assert found, outcome.error
    return found[1], plain(outcome.error)


def plain(text):
    return re.sub(r"\x1b\[[\d;]*m", "", text)


def test_the_failure_shows_line_stage_inputs_request_and_output(failed):
    identity, shown = failed
    assert f"Cell In[3]:{LINE}, in read" in shown
    assert f'----> {LINE}         return 10 / value["x"]' in shown
    assert "ZeroDivisionError: division by zero" in shown
    assert "in preprocess" in shown
    assert "[{'body': {'x': int}}]" in shown
    assert identity in shown
    assert "reading {'x': 0}" in shown


def test_requests_lists_it(served, failed):
    outcome = served.run("listed = %requests picky\nlisted")
    text = outcome.text
    assert failed[0][:8] in text
    assert "ZeroDivisionError in preprocess" in text
    assert "503" in text
    assert 'tsnb-bad">503' in outcome.data["text/html"]


def test_replay_raises_the_same_at_the_same_line(served, failed):
    outcome = served.run(f"%replay {failed[0]}")
    (error,) = outcome.errors
    shown = plain(outcome.error)
    assert error["ename"] == "ZeroDivisionError"
    assert re.search(rf"Cell In\[3\](:|, line ){LINE}", shown), shown
    assert f'> {LINE}         return 10 / value["x"]' in shown
    assert "tsnb/" not in shown
    assert "reading {'x': 0}" in outcome.stdout


def test_the_start_of_an_id_is_enough(served, failed):
    assert served.run(f"%replay {failed[0][:8]}").errors[0]["ename"] == "ZeroDivisionError"


def test_debug_looks_inside_after_a_replay(served, failed):
    served.run(f"%replay {failed[0]}")
    outcome = served.run("%debug", answers=["p value", "up", "p row", "quit"])
    assert "{'x': 0}" in outcome.stdout
    assert "{'body': {'x': 0}}" in outcome.stdout


def test_debug_stops_in_the_stage_that_failed(served, failed):
    outcome = served.run(f"%replay {failed[0]} --debug", answers=["p data", "continue"])
    assert "[{'body': {'x': 0}}]" in outcome.stdout
    assert 'return [self.read(row["body"]) for row in data]' in plain(outcome.stdout)
    assert outcome.errors[0]["ename"] == "ZeroDivisionError"


def test_the_debugger_can_be_left(served, failed):
    outcome = served.run(f"%replay {failed[0]} --debug", answers=["quit"])
    assert outcome.ok, outcome.error
    assert "The debugger was left" in outcome.stdout
    assert served.run("1 + 1").text == "2"


def test_surroundings_are_as_before(served, failed):
    before = served.value("[__import__('os').getcwd(), __import__('sys').path]")
    served.run(f"%replay {failed[0]}")
    assert served.value("[__import__('os').getcwd(), __import__('sys').path]") == before
    assert served.value("'picky' in __import__('sys').modules") is False


def test_a_good_request_gives_the_same_answer(served):
    served.run('answer = %predict picky {"x": 4}')
    identity = served.value("[each.request.id for each in get_ipython()._tsnb[0].running().requests('picky')][-1]")
    outcome = served.run(f"again = %replay {identity}")
    assert outcome.ok, outcome.error
    assert served.value("again.json()") == {"y": 2.5, "unit": "m"}
    assert served.value("again.content == answer.content") is True
    assert {"decode", "preprocess", "inference", "postprocess", "encode"} <= set(served.value("list(again.timings)"))
    assert "same answer" in served.run(f"%replay {identity} --server").text


def test_a_visual_debugger_stops_at_a_breakpoint_of_the_cell(served, failed):
    stopped = served.with_breakpoint(HANDLER, LINE, f"%replay {failed[0]}")
    assert stopped["name"] == "read"
    assert stopped["line"] == LINE


def test_errors_are_one_line(served):
    assert "NotFound: no request nonsense is kept" in plain(served.run("%replay nonsense").error)
    assert "UsageError: which request?" in plain(served.run("%replay").error or served.run("%replay").stderr)


def test_what_failed_is_fixed_by_new_code_and_known_to_be(served, failed):
    """Last here: it changes what is served."""
    still = served.run("%replay --all-failed picky")
    assert "0 of 1 failed request" in still.text
    assert "still failing" in still.text
    served.run("%config Tsnb.fresh_check = False")
    assert served.run(MENDED).ok
    mended = served.run(f"%replay {failed[0]}")
    assert mended.ok, mended.error
    assert '"y": 10.0' in mended.text
    assert served.run("%archive picky --version 1.0").ok
    outcome = served.run("%serve picky")
    assert outcome.ok, outcome.error
    fixed = served.run("%replay --all-failed picky")
    assert fixed.ok, fixed.error
    assert "1 of 1 failed request of picky answered now" in fixed.text
    assert "all fixed" in fixed.data["text/html"]
    compared = served.run(f"%replay {failed[0]} --server")
    assert compared.text.splitlines()[0].endswith(": fixed")
    assert "503 ZeroDivisionError in preprocess: division by zero" in compared.text
    assert '"y": 10.0' in compared.text
