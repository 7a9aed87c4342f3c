"""``%serve NAME --watch FILE.py``: saving the file swaps; a real kernel, a real server, a real file."""

import re
import time

import pytest

HANDLER = "def handle(data, context):\n    if data is None:\n        return None\n    return [CODE for row in data]\n"
DEADLINE = 60


@pytest.fixture(scope="module")
def folder(kernel):
    from pathlib import Path

    assert kernel.run("%load_ext tsnb").ok
    return Path(kernel.value("__import__('os').getcwd()"))


@pytest.fixture
def save(folder):
    def write(code):
        (folder / "echo.py").write_text(HANDLER.replace("CODE", code))

    return write


@pytest.fixture
def watched(kernel, save):
    kernel.run("%unserve echo")
    save("'first'")
    for text in ("%archive echo --handler echo.py", "%serve echo --watch echo.py"):
        outcome = kernel.run(text)
        assert outcome.ok, outcome.error
    yield kernel
    kernel.run("%unserve echo")


def shown(kernel, words):
    """The next state of the display under the cell that has these words."""
    end = time.monotonic() + DEADLINE
    while True:
        message = kernel.client.get_iopub_msg(timeout=max(0.1, end - time.monotonic()))
        text = message["content"].get("data", {}).get("text/plain", "")
        if message["msg_type"] == "update_display_data" and words in text:
            assert "text/html" in message["content"]["data"]
            return text


def ask(kernel):
    outcome = kernel.run("_answer = %predict echo 1")
    assert outcome.ok, outcome.error
    return kernel.value("_answer.text")


def test_a_saved_file_is_live(watched, save):
    save("'second'")
    text = shown(watched, "live in")
    assert re.search(r"echo 1\.0 ← echo\.py\n +\d\d:\d\d:\d\d echo 1\.0 → build 2 live in .* 0 dropped", text)
    assert ask(watched) == "second"


def test_a_file_that_fails_is_shown_and_the_watch_goes_on(watched, save, folder):
    assert ask(watched) == "first"
    save("1 / 0")
    text = shown(watched, "keeps serving")
    assert f"{folder / 'echo.py'}:4, in" in text
    assert "ZeroDivisionError: division by zero" in text
    assert "\x1b" not in text
    assert ask(watched) == "first"
    save("'fixed'")
    assert "build 1 of echo 1.0 keeps serving" in shown(watched, "live in"), "the earlier outcome stays below"
    assert ask(watched) == "fixed"


def test_a_syntax_error_is_shown(watched, save):
    save("(")
    assert "SyntaxError" in shown(watched, "keeps serving")


def test_back_to_what_is_served_needs_no_swap(watched, save):
    assert ask(watched) == "first"
    save("1 / 0")
    shown(watched, "keeps serving")
    save("'first'")
    shown(watched, "the file is what is served again")


def test_a_file_changed_before_the_watch_goes_live_at_once(kernel, watched, save):
    assert kernel.run("%serve echo").ok, "no watch any more"
    save("'meanwhile'")
    assert ask(kernel) == "first"
    assert kernel.run("%serve echo --watch echo.py").ok
    shown(kernel, "live in")
    assert ask(kernel) == "meanwhile"


def test_it_ends_with_the_model(watched):
    (name,) = watched.value("[t.name for t in __import__('threading').enumerate() if 'tsnb-watch' in t.name]")
    assert name == "tsnb-watch-echo"
    outcome = watched.run("%unserve echo")
    assert outcome.ok
    watched.run("while [t for t in __import__('threading').enumerate() if 'tsnb-watch' in t.name]:\n    pass")


def test_it_ends_when_somebody_else_unregisters_the_model(watched, save):
    assert watched.run("get_ipython()._tsnb[0].running().unregister('echo')").ok
    save("'second'")
    assert "echo 1.0 is not served any more" in shown(watched, "not served")


def test_it_ends_with_the_extension(watched):
    watched.run("_session = get_ipython()._tsnb[0]\n_watcher = _session.watchers['echo']")
    assert watched.run("%unload_ext tsnb").ok
    assert watched.value("_watcher._stopped.is_set()")
    assert watched.run("%load_ext tsnb").ok


@pytest.mark.parametrize(
    ("file", "words"),
    [("nobody.py", "there is no such file"), ("other.py", "echo has no file other.py, it has echo.py")],
)
def test_a_file_that_cannot_be_watched_is_one_red_line(watched, folder, file, words):
    (folder / "other.py").write_text("")
    outcome = watched.run(f"%serve echo --watch {file}")
    assert words in outcome.error
    assert len(outcome.error.splitlines()) == 1
