"""New code for a served version: no request dropped, none answered by half-new code, and back again."""

import asyncio
import os

import pytest

from tests.engine.conftest import until
from tests.engine.test_local import run
from tsnb.engine.api import Registration
from tsnb.errors import BadRequest, HandlerFailed, WorkersFailed
from tsnb.messages import Parameter, Request, Revision


def code(answer):
    return f"def handle(data, context):\n    return [{answer!r}] * len(data or [])\n"


def test_new_code_answers_the_next_request_and_rollback_goes_back(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", code("one"), workers=2)
            swapped = await b.engine.swap("m", None, Revision({"handler.py": code("two")}))
            assert (swapped.build, swapped.workers) == (2, 2)
            assert (await b.ask("m")).body == b"two"
            assert (await b.engine.rollback("m", None)).build == 1
            assert (await b.ask("m")).body == b"one"
            assert (await b.engine.rollback("m", None)).build == 2
            assert (await b.ask("m")).body == b"two"
            await b.engine.swap("m", None, Revision({"handler.py": code("three")}))
            assert b.engine.describe("m")[0].spec.build == 3

    run(scenario())


def test_without_an_earlier_code_there_is_no_way_back(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", code("one"))
            with pytest.raises(BadRequest, match="nothing to go back to"):
                await b.engine.rollback("m", None)

    run(scenario())


def test_twenty_swaps_under_load_drop_nothing(bench):
    async def scenario():
        async with bench(job_queue_size=1000) as b:
            await b.serve("m", code("0"), workers=2)
            live, stop, answers = {"0"}, asyncio.Event(), []

            async def client():
                while not stop.is_set():
                    before = set(live)
                    body = (await b.ask("m")).body.decode()
                    assert body in before | live, "an answer by code that was not live"
                    answers.append(body)

            clients = [asyncio.create_task(client()) for _ in range(16)]
            for number in range(1, 21):
                live.add(str(number))
                await b.engine.swap("m", None, Revision({"handler.py": code(str(number))}))
                live.clear()
                live.add(str(number))
                count = len(answers)
                await until(lambda count=count: len(answers) > count, "an answer after a swap")
            stop.set()
            await asyncio.gather(*clients)
            assert answers[-1] == "20"
            assert {str(n) for n in range(1, 21)} <= set(answers)

    run(scenario())


@pytest.mark.parametrize(
    ("broken", "type_name"),
    [
        ("def handle(data, context:\n", "SyntaxError"),
        ("raise RuntimeError('at import')", "RuntimeError"),
        ("import os\nos._exit(3)", "LoadFailed"),
    ],
)
def test_code_that_does_not_load_changes_nothing(bench, broken, type_name):
    async def scenario():
        async with bench() as b:
            await b.serve("m", code("one"))
            pid = b.workers("m")[0].pid
            with pytest.raises(WorkersFailed) as caught:
                await b.engine.swap("m", None, Revision({"handler.py": broken}))
            assert caught.value.failure.type == type_name
            assert (await b.ask("m")).body == b"one"
            assert b.workers("m")[0].pid == pid
            assert b.engine.describe("m")[0].spec.build == 1

    run(scenario())


def test_code_that_fails_a_recorded_request_changes_nothing(bench):
    picky = """
        def handle(data, context):
            return [1 // int(row["body"]) for row in data or []]
    """

    async def scenario():
        async with bench() as b:
            await b.serve("m", code("one"))
            await b.ask("m", b"0")
            assert len(b.engine.requests("m")) == 1
            with pytest.raises(HandlerFailed) as caught:
                await b.engine.swap(
                    "m", None, Revision({"handler.py": "".join(line[8:] + "\n" for line in picky.splitlines())})
                )
            assert caught.value.failure.type == "ZeroDivisionError"
            assert (await b.ask("m", b"0")).body == b"one"

    run(scenario())


def test_a_named_check_replaces_the_recorded_ones(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", code("one"))
            await b.ask("m", b"0")
            check = Request("check", {}, (Parameter("body", b"7"),))
            strict = "def handle(data, context):\n    return [7 // int(row['body']) for row in data or []]\n"
            swapped = await b.engine.swap("m", None, Revision({"handler.py": strict}, checks=(check,)))
            assert swapped.checked == 1

    run(scenario())


def test_big_files_are_shared_between_builds(bench):
    async def scenario():
        async with bench() as b:
            url = b.put("m", code("one"))
            (b.store / url / "weights.bin").write_bytes(os.urandom(2 << 20))
            await b.engine.register(Registration(url, initial_workers=1))
            await b.engine.swap("m", None, Revision({"handler.py": code("two")}))
            new = b.engine.describe("m")[0].spec.model_dir
            assert os.path.samefile(f"{new}/weights.bin", b.store / url / "weights.bin")
            assert (b.store / url / "handler.py").read_text() == code("one")

    run(scenario())


def test_a_file_outside_the_model_folder_is_refused(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", code("one"))
            with pytest.raises(BadRequest):
                await b.engine.swap("m", None, Revision({"../handler.py": code("two")}))
            assert (await b.ask("m")).body == b"one"

    run(scenario())


def test_a_whole_archive_can_take_over(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", code("one"))
            other = b.put("m", code("two"), version="9")
            await b.engine.swap("m", None, Revision(url=other))
            assert (await b.ask("m")).body == b"two"
            assert b.engine.describe("m")[0].spec.version == "1.0"

    run(scenario())


def test_a_failed_request_is_kept_with_what_was_sent(bench):
    async def scenario():
        async with bench() as b:
            await b.serve("m", "def handle(data, context):\n    return [1 // int(row['body']) for row in data or []]\n")
            with pytest.raises(HandlerFailed) as caught:
                await b.ask("m", b"0")
            b.engine.remember(caught.value.request_id, caught.value.failure)  # as the REST door does with every failure
            kept = b.engine.request(caught.value.request_id)
            assert bytes(kept.request.parameters[0].value) == b"0"
            assert kept.failure.type == "ZeroDivisionError"

    run(scenario())
