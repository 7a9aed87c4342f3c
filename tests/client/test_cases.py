"""Recorded requests as cases: readable, exact, and compared within tolerances."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tsnb.client import Client
from tsnb.client.cases import Case, Content, Sent, differences, read
from tsnb.errors import BadRequest, NotFound
from tsnb.messages import Parameter, Recorded, Reply, Request


def recorded(sent: bytes = b"[1, 2]", answered: bytes = b'{"sum": 3}', kind: str = "application/json") -> Recorded:
    headers = {"Content-Type": kind, "User-Agent": "curl", "Host": "h", "X-Own": "1", "X-Tsnb-Timing": "1"}
    asked = Request("id-1", headers, (Parameter("body", sent, kind),))
    return Recorded(asked, "m", "1.0", 1, 0.0, 0.1, 200, reply=Reply(answered))


@pytest.mark.parametrize(
    ("sent", "form"),
    [
        (b"[1, 2]", {"json": [1, 2]}),
        (b"[1,2]", {"text": "[1,2]"}),
        (b'{"a": 1e5}', {"text": '{"a": 1e5}'}),
        (b"NaN", {"text": "NaN"}),
        (b"hello \xc3\xbc", {"text": "hello ü"}),
        (b"\x89PNG", {"base64": "iVBORw=="}),
        (b"", {"text": ""}),
        (b"null", {"json": None}),
        (b"1" * 400, {"json": int("1" * 400)}),
    ],
)
def test_what_was_sent_is_readable_and_exact(sent: bytes, form: dict[str, object]) -> None:
    case = Case.of(recorded(sent))
    line = json.loads(case.line())
    assert {key: line["send"][0][key] for key in form} == form
    (again,) = read([case.line()])
    assert again.request.parameters[0].value == sent


def test_a_case_keeps_what_a_handler_may_read_and_not_how_the_request_travelled() -> None:
    case = Case.of(recorded())
    assert case.headers == {"Content-Type": "application/json", "X-Own": "1"}
    assert read([case.line()]) == [case]


def test_what_failed_is_no_case() -> None:
    with pytest.raises(BadRequest, match="has no recorded answer"):
        Case.of(Recorded(Request("id"), "m", "1.0", 1, 0.0, 0.1, 503))


@pytest.mark.parametrize(
    ("was", "now", "found"),
    [
        ({"p": 0.5}, {"p": 0.5004}, []),
        ({"p": 0.5}, {"p": 0.501}, ["answer.p: 0.501, was 0.5"]),
        (0.0, 1e-7, []),
        ([1, 2], [1.0, 2], []),
        ([1, 2], [1], ["answer: 1 items, was 2"]),
        ({"a": 1}, {"b": 1}, ["answer.a is missing", "answer.b is new: 1"]),
        ({"a": [{"b": "x"}]}, {"a": [{"b": "y"}]}, ['answer.a[0].b: "y", was "x"']),
        (True, 1, ["answer: 1, was true"]),
        (None, 0, ["answer: 0, was null"]),
        ("1", 1, ['answer: 1, was "1"']),
    ],
)
def test_numbers_may_be_close_and_all_else_is_the_same(was: object, now: object, found: list[str]) -> None:
    case = Case(answer=Content(json=was))
    assert differences(case, 200, json.dumps(now).encode()) == found


def test_tolerances_can_be_chosen() -> None:
    case = Case(answer=Content(json=[100.0]))
    assert differences(case, 200, b"[109]", rel=0.1) == []
    assert differences(case, 200, b"[109]", abs=9) == []
    assert differences(case, 200, b"[109]") == ["answer[0]: 109, was 100.0"]


def test_other_answers_are_compared_to_the_byte() -> None:
    assert differences(Case(answer=Content(text="yes")), 200, b"yes") == []
    assert differences(Case(answer=Content(base64="AAE=")), 200, b"\0\2") == [r"b'\x00\x02', was b'\x00\x01'"]
    assert differences(Case(answer=Content(json=1)), 200, b"\xff") == [r"b'\xff' is no JSON, was 1"]
    assert differences(Case(status=201), 200, b"") == ["status 200, was 201"]


def test_a_file_may_have_comments_and_names_the_line_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "cases.jsonl"
    path.write_text('# made by hand\n\n{"send": [], "answer": {"text": "x"}}\n')
    assert read(path) == [Case(answer=Content(text="x"))]
    path.write_text('{"send": 3}\n')
    with pytest.raises(BadRequest, match=r"Line 1 of .*cases.jsonl is no case"):
        read(path)
    with pytest.raises(BadRequest, match="cannot be read"):
        read(tmp_path / "missing.jsonl")


def test_a_real_server_passes_and_fails(client: Client) -> None:
    text = "text/plain"
    good = Case([Sent(text="hello", type=text)], answer=Content(json={"type": "str", "value": "hello"}), id="good")
    wrong = Case([Sent(text="hello", type=text)], answer=Content(json={"type": "str", "value": "bye"}), id="wrong")
    broken = Case([Sent(text="fail", type=text)], id="broken")
    teapot = Case([Sent(text="teapot", type=text)], status=418, answer=Content(json={"short": "stout"}))
    report = client.check("talkative", [good, teapot])
    assert report.ok
    assert report.raise_for_failures() is report
    assert repr(report).startswith("2 of 2 answers of talkative as recorded\n  build 1; numbers within 0.001")
    report = client.check("talkative", [good, wrong, broken])
    assert [each.ok for each in report] == [True, False, False]
    assert report[1].differences == ('answer.value: "hello", was "bye"',)
    assert report[2].differences == ("ValueError in handle: the number 7 is bad",)
    with pytest.raises(AssertionError, match="1 of 3 answers"):
        report.raise_for_failures()
    shown = report._repr_html_()
    assert shown.count('class="tsnb-bad"') == 2
    assert "2 failed" in shown


def test_files_and_several_parameters_are_sent_as_they_were(client: Client) -> None:
    asked = Request("r", {}, (Parameter("body", b"\xff\xfe", "application/octet-stream"), Parameter("k", b"1", "")))
    now = client.replay("talkative", asked)
    assert now.reply is not None
    assert b"2 bytes" in now.reply.body


def test_a_replay_is_told_in_full_and_not_kept(client: Client) -> None:
    before = {each.request.id for each in client.requests("talkative")}
    now = client.replay("talkative", Request("old", {}, (Parameter("body", b"fail", "text/plain"),)))
    assert now.failure is not None
    assert (now.status, now.failure.type, now.build) == (503, "ValueError", 1)
    assert now.request.replay_of == "old"
    assert now.request.id != "old"
    assert {each.request.id for each in client.requests("talkative")} == before


def test_a_stream_is_replayed_as_one_answer(client: Client) -> None:
    now = client.replay("three_parts", Request("old", {}, (Parameter("body", b"x", "text/plain"),)))
    assert now.reply is not None
    assert now.reply.body == client.predict("three_parts", "x").content


def test_what_is_not_kept_cannot_be_replayed(client: Client) -> None:
    with pytest.raises(NotFound, match="No request nonsense of this model is kept"):
        client.replay("talkative", "nonsense")
    with pytest.raises(NotFound):
        client.replay("nobody", Request("old"))
