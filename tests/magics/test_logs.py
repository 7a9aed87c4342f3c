"""%logs in a real kernel: levels, workers, requests, and following until the interrupt."""

import re

import pytest
from support import kernel as kernels

HANDLER = """%%handler chatty
import logging, sys
logger = logging.getLogger("chatty")

def handle(data, context):
    if data is None:
        print("loading")
        return None
    for row in data:
        word = row["body"]
        assert word != "wrong"
        print("printed", word)
        logger.warning("warned of %s", word)
        print("complained of", word, file=sys.stderr)
    return ["ok"] * len(data)
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with kernels.kernel(tmp_path_factory.mktemp("notebook")) as kernel:
        for cell in ("%load_ext tsnb\n%config Tsnb.fresh_check = False", HANDLER, "%archive chatty", "%serve chatty"):
            outcome = kernel.run(cell)
            assert outcome.ok, outcome.error
        yield kernel


def logs(kernel, options, word):
    """The log, once this word is in it."""
    code = f"""
import time
end = time.monotonic() + 30
while True:
    found = get_ipython().run_line_magic("logs", "chatty {options}")
    if {word!r} in repr(found) or time.monotonic() > end:
        break
found"""
    return kernel.run(code)


def test_lines_have_level_worker_and_request(kernel):
    kernel.run("answer = %predict chatty 'one'")
    identity = kernel.value("answer.request_id")
    outcome = logs(kernel, "", "complained of one")
    text = outcome.text
    assert re.search(rf"\d\d:\d\d:\d\d INFO    9000 {identity[:8]} printed one", text), text
    assert re.search(rf"WARNING 9000 {identity[:8]} warned of one", text), text
    assert re.search(rf"WARNING 9000 {identity[:8]} complained of one", text), text
    assert re.search(r"INFO    9000 -        loading", text), text
    assert identity in outcome.data["text/html"]
    assert "var(--tsnb-busy)" in outcome.data["text/html"]


def test_a_traceback_names_the_cell(kernel):
    assert not kernel.run("%predict chatty 'wrong'").ok
    text = logs(kernel, "--level error", "AssertionError").text
    assert re.search(r"Cell In\[\d+\], line \d+, in handle", text), text
    kernel.run("%predict chatty 'after'")


def test_lines_can_be_chosen(kernel):
    kernel.run("answer = %predict chatty 'two'")
    identity = kernel.value("answer.request_id")
    text = logs(kernel, "--level warning", "complained of two").text
    assert "warned of two" in text
    assert "printed" not in text
    text = logs(kernel, f"--request {identity[:10]}", "complained of two").text
    assert len(text.splitlines()) == 4
    assert "have written no such lines yet" in kernel.run("%logs chatty --worker 1").text
    assert len(kernel.run("%logs chatty -n 2").text.splitlines()) == 3
    assert "BadRequest" in kernel.run("%logs chatty --level loud").error


def test_follow_shows_lines_as_they_come_until_the_interrupt(kernel):
    kernel.run(
        "from itertools import count\nfrom threading import Event, Thread\n"
        "client, enough = get_ipython()._tsnb[0].running(), Event()\n"
        "def ask():\n"
        "    for n in count():\n"
        "        client.predict('chatty', f'number {n}')\n"
        "        if enough.wait(0.1):\n"
        "            return\n"
        "Thread(target=ask).start()"
    )
    seen = []

    def look(message):
        before = len(seen)
        seen.extend(re.findall(r"complained of number (\d+)", message["content"].get("text", "")))
        if before < 5 <= len(seen):
            kernel.interrupt()

    outcome = kernel.run("%logs chatty --follow -n 0", on_output=look)
    kernel.run("enough.set()")
    assert outcome.ok, outcome.error
    assert len(seen) >= 5
    assert seen == [str(int(seen[0]) + n) for n in range(len(seen))]
    assert f"printed number {seen[-2]}" in outcome.stdout
    assert kernel.run("6 * 7").text == "42"
