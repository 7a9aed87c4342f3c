"""%record and %check in a real kernel: traffic becomes a regression test."""

import json

import pytest
from support import kernel as kernels

HANDLER = """%%handler scaled
def handle(data, context):
    if data is None:
        return None
    return [{"y": FACTOR * row["body"]["x"]} for row in data]
"""

TRAFFIC = """
from threading import Thread
client = get_ipython()._tsnb[0].running()
Thread(target=lambda: [client.predict("scaled", {"x": n}) for n in range(COUNT)]).start()
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with kernels.kernel(tmp_path_factory.mktemp("notebook")) as kernel:
        for cell in (
            "%load_ext tsnb\n%config Tsnb.fresh_check = False",
            "FACTOR = 0.1",
            HANDLER,
            "%archive scaled",
            "%serve scaled",
        ):
            outcome = kernel.run(cell)
            assert outcome.ok, outcome.error
        yield kernel


def slowly(count):
    """Requests that begin when the server was asked to keep them."""
    return TRAFFIC.replace("COUNT", str(count)).replace(
        "target=lambda:", "target=lambda: __import__('time').sleep(1) or"
    )


def recorded_cell(kernel):
    kernel.run(slowly(3))
    outcome = kernel.run("%record scaled --n 3")
    assert outcome.ok, outcome.error
    assert "recorded 3 requests of scaled → the cell below" in outcome.text
    (payload,) = [each for each in outcome.payload if each["source"] == "set_next_input"]
    return payload["text"]


def test_the_next_requests_become_a_cell_that_passes_then_fails(kernel):
    cell = recorded_cell(kernel)
    first, _, *lines = cell.splitlines()
    assert first == "%%check scaled --rel 0.001 --abs 1e-06"
    assert [json.loads(line)["send"][0]["json"] for line in lines] == [{"x": n} for n in range(3)]
    assert json.loads(lines[1])["answer"] == {"json": {"y": 0.1}}
    passed = kernel.run(cell)
    assert passed.ok, passed.error
    assert "3 of 3 answers of scaled as recorded" in passed.text
    assert "passed" in passed.data["text/html"]
    kernel.run("FACTOR = 0.2")
    kernel.run(HANDLER)
    kernel.run("%archive scaled")
    kernel.run("%serve scaled")
    failed = kernel.run(cell)
    assert not failed.ok
    assert failed.errors[0]["ename"] == "AssertionError"
    assert "only 1 of 3 answers of scaled as recorded" in failed.error
    assert "answer.y: 0.2, was 0.1" in failed.text
    assert len(failed.errors[0]["traceback"]) == 1


def test_a_file_works_as_well(kernel):
    kernel.run(slowly(2))
    outcome = kernel.run("%record scaled --n 2 --to tests/scaled.jsonl")
    assert outcome.ok, outcome.error
    assert "tests/scaled.jsonl" in outcome.text
    assert "2 of 2 answers" in kernel.run("%check scaled tests/scaled.jsonl").text


def test_waiting_ends_by_itself_or_by_an_interrupt(kernel):
    outcome = kernel.run("%record scaled --n 1000000")
    assert "BadRequest" in outcome.error
    assert "from 1 to 200" in outcome.error
    outcome = kernel.run("%record scaled --n 5 --wait 0.1")
    assert "nothing was recorded of scaled: no request came" in outcome.error
    kernel.run(slowly(2))
    outcome = kernel.run("%record scaled --n 5 --wait 10 --to few.jsonl")
    assert "recorded 2 requests" in outcome.text, outcome.error

    def stop(message):
        if "Recording the next" in message["content"].get("text", ""):
            kernel.interrupt()

    outcome = kernel.run("%record scaled --n 5", on_output=stop)
    assert "Stopped after 0." in outcome.stdout
    assert "BadRequest" in outcome.error


def test_those_that_are_kept_already_can_be_taken(kernel):
    kernel.run("%predict scaled '{\"x\": 7}'")
    outcome = kernel.run("%record scaled --last --n 2 --to kept.jsonl")
    assert outcome.ok, outcome.error
    assert "recorded" in outcome.text
