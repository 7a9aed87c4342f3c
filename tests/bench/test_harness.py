"""The harness of ``make bench``: what it believes, what it writes, and one real server under it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from benchmarks.book import Book
from benchmarks.client import Connection, dechunk, request_bytes
from benchmarks.correctness import WrongAnswer, check, same
from benchmarks.goals import verdicts
from benchmarks.peers import PEERS
from benchmarks.server import started, until_it_answers
from benchmarks.tables import document
from benchmarks.tasks import inputs


def book_with(ours: float, theirs: float) -> Book:
    book = Book()
    for rate in (ours, ours * 9, ours / 9):  # the median counts
        book.add("echo", "16 connections", "tsnb", "batch 16", rate=rate, p50=0.2)
    book.add("echo", "16 connections", "mosec", "batch 1", rate=theirs, p50=0.9)
    return book


@pytest.mark.parametrize(("theirs", "reached"), [(10_000.0, True), (10_001.0, False)])
def test_a_goal_is_reached_or_not(theirs: float, reached: bool) -> None:
    found = [verdict for verdict in verdicts(book_with(30_000, theirs)) if "mosec" in verdict.wanted]
    assert [verdict.reached for verdict in found] == [reached]


def test_the_table_keeps_the_rows_where_tsnb_loses_and_what_was_not_measured() -> None:
    book = book_with(1000, 2000)
    book.note("mlp", "ray", "could not\nbe installed")
    text = document(book)
    mosec, ours = (
        next(line for line in text.splitlines() if line.startswith(f"| {name}")) for name in ("Mosec", "**ts")
    )
    assert "| 0.50 | 1 |" in mosec
    assert "| 1,000 |" in ours
    assert text.index(mosec) < text.index(ours)
    assert "- mlp, ray: could not be installed" in text


def test_a_book_comes_back_from_its_file(tmp_path: Path) -> None:
    book = book_with(1, 2)
    book.save(tmp_path / "results.json")
    assert Book.load(tmp_path / "results.json") == book


def test_answers_agree_up_to_rounding_and_time() -> None:
    assert same({"p": [0.1, 0.9], "seconds": 1.0}, {"p": [0.100001, 0.9], "seconds": 2.0})
    assert not same({"p": [0.2, 0.9]}, {"p": [0.1, 0.9]})
    assert not same([1.0], [1.0, 2.0])
    assert not same({"answer": 41}, {"answer": 42})


def test_chunks_are_joined() -> None:
    assert dechunk(b"3\r\nabc\r\n2;x=y\r\nde\r\n0\r\n\r\n") == b"abcde"


def test_a_real_server_is_started_checked_held_still_and_ended(tmp_path: Path) -> None:
    peer = PEERS["tsnb"]
    with started(peer.launch("mlp", 16, 10, tmp_path), tmp_path) as server:
        body = peer.body("mlp", inputs.values("mlp")[0], 16)
        until_it_answers(server, body, inputs.content_type("mlp"))
        assert check(server, peer, "mlp", 16) == inputs.COUNT
        with pytest.raises(WrongAnswer):
            check(server, peer, "echo", 16)
        members = server.family.members()
        server.family.pause()
        end = time.monotonic() + 10
        while {member.status() for member in members} != {"stopped"}:
            assert time.monotonic() < end
        server.family.resume()
        with Connection(server.url) as connection:
            assert connection.ask(request_bytes(server.url, body, "application/json")).status == 200
        assert server.family.pss() > 50
    assert not [member for member in members if member.is_running()]
