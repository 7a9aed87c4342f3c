"""Edit a handler cell of a served model and run it: the new code answers, or the old goes on. All is real."""

import re
import threading
import time

import httpx
import pytest

LIVE = r"adder 1\.0 → build (\d+) live in \d[\d.]* m?s, (\d+ checks?) passed, 0 dropped"

CELL = """%%handler adder
import torch
from tsnb import BaseHandler

class Adder(BaseHandler):
    def preprocess(self, data):
        return torch.tensor([[float(row["body"])] for row in data])

    def postprocess(self, out):
        return [{"sum": float(row), "code": CODE} for row in out]
"""


def cell(code, options=""):
    return CELL.replace("CODE", str(code)).replace("adder\n", f"adder {options}\n", 1)


@pytest.fixture(scope="module")
def served(kernel):
    for text in (
        "%load_ext tsnb",
        "import torch\nnet = torch.nn.Linear(1, 1)\ntorch.nn.init.ones_(net.weight)\ntorch.nn.init.zeros_(net.bias)",
        cell("'first'"),
        "%archive adder --model net",
        "%serve adder --workers 2",
    ):
        outcome = kernel.run(text)
        assert outcome.ok, outcome.error
    return kernel


@pytest.fixture
def fresh(served):
    """The model with its first code, whatever the test before did to it."""
    served.run("%unserve adder")
    for text in (cell("'first'", "--no-swap"), "%archive adder --model net", "%serve adder --workers 2"):
        outcome = served.run(text)
        assert outcome.ok, outcome.error
    assert ask(served) == "first"
    return served


def ask(kernel, data="1"):
    outcome = kernel.run(f"_answer = %predict adder {data}")
    assert outcome.ok, outcome.error
    return kernel.value("_answer.json()['code']")


def spec(kernel):
    return kernel.value(
        "[(s.spec.version, s.spec.build, s.spec.min_workers) "
        "for s in get_ipython()._tsnb[0].running().describe('adder')]"
    )


def address(kernel):
    return kernel.value(
        "(lambda a: [a.prediction('adder'), a.inference_token or ''])(get_ipython()._tsnb[0].running().address)"
    )


# --- the handler cell --------------------------------------------------------------------------------


def test_an_edited_cell_answers_the_next_request(fresh):
    outcome = fresh.run(cell("'second'"))
    assert outcome.ok, outcome.error
    build, checks = re.search(LIVE, outcome.text).groups()
    assert (build, checks) == ("2", "1 check")
    assert "text/html" in outcome.data
    assert ask(fresh) == "second"


def test_the_same_cell_again_swaps_nothing(fresh):
    outcome = fresh.run(cell("'first'"))
    assert "adder 1.0: build 1 has this code already" in outcome.text
    assert spec(fresh) == [["1.0", 1, 2]]


def test_a_helper_in_another_cell_counts_as_an_edit(fresh):
    assert fresh.run("def name(): return 'one'").ok
    assert re.search(LIVE, fresh.run(cell("name()")).text)
    assert fresh.run("def name(): return 'two'").ok
    assert re.search(LIVE, fresh.run(cell("name()")).text)
    assert ask(fresh) == "two"


@pytest.mark.parametrize(
    ("code", "kind", "stage", "line"),
    [
        ("1 / 0", "ZeroDivisionError", "postprocess", 10),
        ("row.nothing", "AttributeError", "postprocess", 10),
    ],
)
def test_code_that_fails_a_recorded_request_stays_out(fresh, code, kind, stage, line):
    outcome = fresh.run(cell(code))
    (error,) = outcome.errors
    assert error["ename"] == "HandlerFailed"
    assert re.search(rf"Cell In\[\d+\]:{line}", outcome.error)
    assert kind in outcome.error
    last = outcome.error.splitlines()[-1]
    assert last.startswith("\x1b[31mHandlerFailed")
    assert f"build 1 of adder 1.0 keeps serving: the new code failed in {stage} on request " in last
    assert ask(fresh) == "first"


def test_code_that_does_not_initialize_stays_out(fresh):
    body = cell("0") + "\n    def initialize(self, context):\n        raise RuntimeError('no weights')\n"
    outcome = fresh.run(body)
    assert re.search(r"Cell In\[\d+\]:13", outcome.error)
    assert "no weights" in outcome.error
    assert "keeps serving: the new code failed in initialize" in outcome.error.splitlines()[-1]
    assert ask(fresh) == "first"


def test_the_fix_after_a_failure_goes_live(fresh):
    assert not fresh.run(cell("1 / 0")).ok
    assert re.search(LIVE, fresh.run(cell("'fixed'")).text)
    assert ask(fresh) == "fixed"


def test_check_names_the_request_to_answer(fresh):
    outcome = fresh.run(cell("'positive' if 1 // max(0, int(row)) else ''", "--check 0"))
    assert "ZeroDivisionError" in outcome.error
    assert "failed in postprocess on what --check sent" in outcome.error.splitlines()[-1]
    outcome = fresh.run(cell("'positive' if 1 // max(0, int(row)) else ''", "--check [1, 2][0]"))
    assert re.search(LIVE, outcome.text), outcome.error
    assert ask(fresh) == "positive"


def test_no_swap_leaves_what_is_served(fresh):
    outcome = fresh.run(cell("'later'", "--no-swap"))
    assert outcome.ok
    assert "live" not in outcome.text
    assert ask(fresh) == "first"


def test_rollback_goes_back_and_forth(fresh):
    assert fresh.run(cell("'second'")).ok
    outcome = fresh.run("%rollback adder")
    assert re.search(r"adder 1\.0 → build 1 live again in", outcome.text), outcome.error
    assert ask(fresh) == "first"
    assert fresh.run("%rollback adder/1.0").ok
    assert ask(fresh) == "second"
    assert fresh.run("%rollback adder").ok
    assert re.search(LIVE, fresh.run(cell("'second'")).text), "the cell's code can be brought in again"


def test_rollback_without_a_swap_is_one_red_line(fresh):
    outcome = fresh.run("%rollback adder")
    assert "nothing to go back to" in outcome.error
    assert len(outcome.error.splitlines()) == 1


def test_the_version_served_last_gets_the_code_or_the_one_named(fresh):
    for text in ("%archive adder --version 2.0 --model net", "%serve adder"):
        assert fresh.run(text).ok
    assert "adder 2.0 → build 2 live" in fresh.run(cell("'two'")).text
    assert ask(fresh) == "first", "1.0 is the default still"
    assert "adder 1.0 → build 2 live" in fresh.run(cell("'one'", "--version 1.0")).text
    assert ask(fresh) == "one"
    outcome = fresh.run(cell("'nine'", "--version 9"))
    assert "adder 9 is not served" in outcome.error


def test_a_model_with_another_handler_goes_on(fresh):
    assert fresh.run("open('other.py', 'w').write('def handle(data, context):\\n    return data and [\"other\"]')").ok
    assert fresh.run("%unserve adder").ok
    assert fresh.run("%archive adder --handler other.py").ok
    assert fresh.run("%serve adder").ok
    outcome = fresh.run(cell("'new'"))
    assert "adder 1.0 goes on as it is: its handler is other.py" in outcome.text


def test_without_its_server_the_cell_only_writes_its_module(fresh):
    import psutil

    server = psutil.Process(fresh.value("get_ipython()._tsnb[0].running().server()['pid']"))
    server.kill()
    fresh.run("while get_ipython()._tsnb[0].connection.find():\n    pass")
    outcome = fresh.run(cell("'second'"))
    assert outcome.ok, outcome.error
    assert "adder was not swapped: no server runs" in outcome.text


# --- under load --------------------------------------------------------------------------------------


class Load:
    """Sixteen callers who ask again and again."""

    def __init__(self, url, token):
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._stop = threading.Event()
        self.answers = []
        self.failures = []
        self._threads = [threading.Thread(target=self._ask) for _ in range(16)]

    def _ask(self):
        with httpx.Client(headers=self._headers, timeout=30, trust_env=False) as client:
            while not self._stop.is_set():
                try:
                    response = client.post(self._url, content=b"1", headers={"content-type": "application/json"})
                    response.raise_for_status()
                    self.answers.append(response.json()["code"])
                except Exception as error:
                    self.failures.append(repr(error))

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *exc):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)


def test_five_swaps_under_load_fail_nobody(fresh):
    with Load(*address(fresh)) as load:
        for number in range(5):
            outcome = fresh.run(cell(number))
            assert outcome.ok, outcome.error
            assert number in after(load, len(load.answers), number)
    assert load.failures == []
    assert {0, 1, 2, 3, 4} <= set(load.answers)
    assert load.answers[-1] == 4
    order = [load.answers.index(number) for number in range(5)]
    assert order == sorted(order)


def after(load, count, wanted):
    """Answers from now on, once the wanted one is among them."""
    deadline = time.monotonic() + 30
    while wanted not in load.answers[count:]:
        assert time.monotonic() < deadline, load.failures[-1:]
        threading.Event().wait(0.01)
    return load.answers[count:]


# --- the archive and %serve --------------------------------------------------------------------------


ARCHIVED = "__import__('tsnb').open_archive('model_store/adder.mar')"


def test_a_small_archive_gets_the_new_code_at_once(fresh):
    outcome = fresh.run(cell("'kept'"))
    assert "adder.mar has it too" in outcome.text
    assert "'kept'" in fresh.value(f"{ARCHIVED}.handler_source()")
    assert "'kept'" in fresh.value(f"{ARCHIVED}.provenance['cell']")
    assert fresh.value(f"sorted({ARCHIVED}.files)") == [
        "MAR-INF/MANIFEST.json",
        "MAR-INF/tsnb.json",
        "adder.pth",
        "adder.py",
        "adder.tsnb.json",
        "adder_model.py",
        "adder_model.tsnb.json",
    ]
    assert fresh.run("%unserve adder").ok
    assert fresh.run("%serve adder").ok
    assert ask(fresh) == "kept"


@pytest.fixture
def large(fresh):
    """As if the archive were too large to be written anew at once."""
    fresh.run("import tsnb.magics.refresh as _refresh\n_small, _refresh.SMALL = _refresh.SMALL, 100")
    yield fresh
    fresh.run("_refresh.SMALL = _small")


def test_a_large_archive_keeps_the_old_code_and_this_is_told(large):
    outcome = large.run(cell("'newer'"))
    assert re.search(
        r"adder\.mar \(\d[\d.]* kB\) still holds the code from before; %archive writes it anew", outcome.text
    )
    assert "'first'" in large.value(f"{ARCHIVED}.handler_source()")
    assert "is served already, as build 2" in large.run("%serve adder").stdout
    assert ask(large) == "newer"
    assert large.run("%unserve adder").ok
    outcome = large.run("%serve adder")
    assert outcome.ok, outcome.error
    assert "The archive lacks the latest code of its cell" in outcome.stdout
    assert ask(large) == "newer"


def test_serving_another_archive_of_a_served_version_swaps(fresh):
    assert fresh.run(cell("'second'", "--no-swap")).ok
    assert fresh.run("%archive adder --model net").ok
    with Load(*address(fresh)) as load:
        outcome = fresh.run("%serve adder")
        assert outcome.ok, outcome.error
        after(load, 0, "second")
    assert load.failures == []
    assert re.search(LIVE, outcome.stdout)
    assert spec(fresh) == [["1.0", 2, 2]]


def test_new_weights_are_swapped_too(fresh):
    assert fresh.run("torch.nn.init.constant_(net.weight, 3)").ok
    assert fresh.run("%archive adder --model net").ok
    assert re.search(LIVE, fresh.run("%serve adder").stdout)
    assert fresh.run("torch.nn.init.ones_(net.weight)\n_answer = %predict adder 2").ok
    assert fresh.value("_answer.json()['sum']") == 6


def test_serving_the_same_archive_changes_the_workers_only(fresh):
    outcome = fresh.run("%serve adder --workers 1")
    assert "adder 1.0 is served already, as build 1" in outcome.stdout
    assert spec(fresh) == [["1.0", 1, 1]]


def test_an_archive_that_fails_leaves_the_old_one_serving(fresh):
    assert fresh.run(cell("1 / 0", "--no-swap")).ok
    assert fresh.run("%archive adder --model net").ok
    outcome = fresh.run("%serve adder")
    assert "ZeroDivisionError" in outcome.error
    assert "build 1 of adder 1.0 keeps serving" in outcome.error.splitlines()[-1]
    assert ask(fresh) == "first"


def test_other_settings_need_a_new_registration(fresh):
    outcome = fresh.run("%serve adder --batch-size 4")
    assert outcome.ok, outcome.error
    assert "adder 1.0 is replaced: its settings change" in outcome.stdout
    assert spec(fresh) == [["1.0", 1, 2]]


def test_an_edit_after_a_rollback_reaches_the_archive(fresh):
    assert fresh.run(cell("'second'")).ok
    assert fresh.run("%rollback adder").ok
    assert "adder.mar has it too" in fresh.run(cell("'third'")).text
    assert "'third'" in fresh.value(f"{ARCHIVED}.handler_source()")


def test_an_archive_written_meanwhile_is_left_alone_and_this_is_told(fresh):
    assert fresh.run(cell("'other'", "--no-swap")).ok
    assert fresh.run("%archive adder --model net").ok
    assert "adder.mar is another one than was served, and stays as it is" in fresh.run(cell("'third'")).text
    assert "'other'" in fresh.value(f"{ARCHIVED}.handler_source()")


def test_python_and_commands_of_the_notebook_find_its_server(fresh):
    assert fresh.value("__import__('tsnb').Client().predict('adder', 1).json()['code']") == "first"
    outcome = fresh.run("import sys\n!{sys.executable} -m tsnb models")
    assert "adder" in outcome.stdout


def test_code_that_never_went_live_is_no_request_to_replay(fresh):
    assert not fresh.run(cell("1 / 0")).ok
    failed = fresh.value("[r.request.id for r in __import__('tsnb').Client().requests('adder') if r.failure][-1]")
    assert "is no client's request but new code that failed in postprocess" in fresh.run(f"%replay {failed}").error
    listed = fresh.run("%requests adder").text
    assert re.search(rf"{failed[:8]} .* check .* in postprocess", listed), listed
    assert " 0 failed" in listed
    assert "0 of 0 failed requests" in fresh.run("%replay --all-failed adder").text
