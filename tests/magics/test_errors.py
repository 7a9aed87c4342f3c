"""The text of a failure, without a kernel."""

from tsnb.magics.errors import failure_lines, plain
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
