"""The text of a failure, without a kernel."""

from typing import Any

from tsnb.errors import BadRequest, ModelNotFound
from tsnb.magics.errors import failure_lines, plain, rendered
from tsnb.messages import Failure, Frame


def shown(*frames: tuple[int, str]) -> str:
    made = tuple(Frame("m.py", number, function, "x") for number, function in frames)
    return "\n".join(plain(failure_lines(Failure("ValueError", "no", frames=made), None)))


def test_a_comprehension_on_the_same_line_is_told_once() -> None:
    text = shown((3, "handle"), (3, "handle.<locals>.<listcomp>"), (3, "<genexpr>"))
    assert text.count("m.py:3") == 1
    assert "in handle\n" in text


def test_a_comprehension_of_several_lines_keeps_its_own() -> None:
    assert "m.py:4, in <listcomp>" in shown((3, "handle"), (4, "<listcomp>"))


def test_a_function_that_calls_itself_is_told_each_time() -> None:
    assert shown((3, "handle"), (3, "handle")).count("m.py:3") == 2


def test_a_model_that_is_not_served_comes_with_the_next_step() -> None:
    error: Any = rendered(ModelNotFound("Model not found: digits"), None)
    other: Any = rendered(BadRequest("no"), None)
    said = plain(error._render_traceback_())
    assert said[-1].endswith("Model not found: digits. %models shows what is served; %serve digits serves it")
    assert error.message == "Model not found: digits", "other readers see the server's words"
    assert plain(other._render_traceback_()) == ["BadRequest: no"]


def test_an_error_without_frames_is_told_once() -> None:
    failure = Failure("ValueError", "no class", "import", traceback="ValueError: no class\n")
    assert sum("no class" in line for line in failure_lines(failure, None)) == 1
