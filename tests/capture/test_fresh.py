"""A written module is imported where nothing of the notebook is."""

import os

import psutil
import pytest

from tsnb.capture.fresh import Checker, order
from tsnb.messages import ImportOrder

DEADLINE = 60


@pytest.fixture(scope="module")
def checker():
    checker = Checker()
    checker.start()
    yield checker
    process = checker._process
    checker.close()
    assert process.poll() is not None


@pytest.fixture
def outcome(checker):
    def ask(source, links=None, **files):
        files = {f"{name}.py": text for name, text in files.items()}
        asked = ImportOrder("digits", {"digits.py": source, **files}, links or {})
        return checker.submit(asked).result(DEADLINE)

    return ask


HANDLE = "def handle(data, context): return data\n"


def test_a_good_module_passes(outcome):
    found = outcome(HANDLE)
    assert found.finished
    assert found.failure is None


@pytest.mark.parametrize(
    ("source", "kind", "words"),
    [
        ("import nosuchmodule\n", "ModuleNotFoundError", "nosuchmodule"),
        ("x = 1 / 0\n", "ZeroDivisionError", "division"),
        ("import sys\nsys.exit(3)\n", "SystemExit", "3"),
        ("import os\nos._exit(7)\n", "ImportFailed", "status 7"),
        ("x = (\n", "SyntaxError", "never closed"),
        ("x = 1\n", "ValueError", "neither a function handle"),
    ],
)
def test_what_fails_is_told(outcome, source, kind, words):
    failure = outcome(source).failure
    assert failure.type == kind
    assert words in failure.message
    assert failure.stage == "import"


def test_what_was_printed_is_told(outcome):
    assert "so far" in outcome("print('so far')\nraise RuntimeError\n").failure.output


def test_files_that_travel_are_there_and_others_are_not(outcome, tmp_path):
    (tmp_path / "labels.txt").write_text("a")
    source = "import helper\nopen('labels.txt')\n" + HANDLE
    assert outcome(source, {"labels.txt": str(tmp_path / "labels.txt")}, helper="X = 1").failure is None
    assert outcome(source, helper="X = 1").failure.type == "FileNotFoundError"


def test_one_module_leaves_nothing_for_the_next(outcome):
    assert outcome("import helper\nassert helper.X == 1\n" + HANDLE, helper="X = 1").failure is None
    assert outcome("import helper\nassert helper.X == 2\n" + HANDLE, helper="X = 2").failure is None


def test_what_a_module_starts_ends_with_it(outcome, tmp_path):
    note = tmp_path / "pid"
    source = f"import subprocess\nopen({str(note)!r}, 'w').write(str(subprocess.Popen(['sleep', '600']).pid))\n"
    assert outcome(source + HANDLE).failure is None
    started = [process for process in psutil.process_iter() if process.pid == int(note.read_text())]
    _, alive = psutil.wait_procs(started, 10)
    assert not [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]


def test_lines_are_those_of_the_cell(notebook, checker):
    module = notebook.capture("import os\nassert os.getpid() == " + str(os.getpid()) + "\n" + HANDLE)
    failure = checker.submit(order(module)).result(DEADLINE).failure
    (frame,) = failure.frames
    assert frame.lineno == 3
    assert frame.filename == module.segments[-1].filename


def test_a_child_that_left_is_started_again(checker, outcome):
    outcome(HANDLE)
    first = checker._process
    first.kill()
    first.wait(10)
    assert outcome(HANDLE).finished
    assert checker._process.pid != first.pid


def test_a_closed_checker_says_that_nothing_is_known():
    checker = Checker()
    checker.close()
    assert not checker.submit(ImportOrder("digits", {"digits.py": HANDLE})).result(DEADLINE).finished
