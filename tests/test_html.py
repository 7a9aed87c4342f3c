"""Escaping by default, and numbers as people write them."""

from __future__ import annotations

import re

import pytest

from tsnb import html

HOSTILE = "<script>alert('&\")</script>"


def test_hostile_text_stays_text() -> None:
    made = [
        html.tag("p", HOSTILE),
        html.tag("p", title=HOSTILE),
        html.table([HOSTILE], [[HOSTILE]], caption=HOSTILE),
        html.badge(HOSTILE),
        html.bars({HOSTILE: 0.5}),
        html.page(HOSTILE),
        html.join([HOSTILE, HOSTILE], HOSTILE),
    ]
    for text in made:
        assert "<script" not in text
        assert "&lt;script&gt;" in text


def test_attributes_cannot_be_left() -> None:
    assert html.tag("p", title='" onclick="x') == '<p title="&quot; onclick=&quot;x"></p>'


def test_tag_writes_attributes_as_html_names_them() -> None:
    assert html.tag("td", "a", html.tag("b", "c"), class_="x", aria_hidden="true", hidden=True, id=None) == (
        '<td class="x" aria-hidden="true" hidden>a<b>c</b></td>'
    )


def test_numbers_stand_right() -> None:
    made = html.table(["name", "size", "n"], [["a", html.bytes_text(5), 1], ["b", html.bytes_text(6), 2]])
    assert made.count('class="tsnb-num"') == 6


def test_bars_are_ranked_and_cut() -> None:
    made = html.bars({f"label {number}": number / 20 for number in range(20)}, limit=3)
    assert made.index("label 19") < made.index("label 18") < made.index("label 17")
    assert "label 16" not in made
    assert "and 17 more" in made


def test_what_stands_side_by_side_reads_without_style() -> None:
    words = re.sub("<[^>]+>", "", html.line(html.badge("200 OK"), None, html.tag("span", "4.5 ms")))
    assert words == "200 OK · 4.5 ms"
    assert re.findall(r">([^<]+)</td>", html.bars({"two": 0.992, "one": 0.008})) == ["two", "99.2%", "one", "0.8%"]


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1 kB"),
        (1234, "1.2 kB"),
        (99_960, "100 kB"),
        (999_900, "1 MB"),
        (1.5e9, "1.5 GB"),
        (3e15, "3000 TB"),
    ],
)
def test_bytes_text(size: float, text: str) -> None:
    assert html.bytes_text(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 µs"),
        (82e-6, "82 µs"),
        (0.0041, "4.1 ms"),
        (0.00999, "10 ms"),
        (0.2, "200 ms"),
        (1.23, "1.2 s"),
        (59.9, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
    ],
)
def test_seconds_text(seconds: float, text: str) -> None:
    assert html.seconds_text(seconds) == text


def test_count_text() -> None:
    assert [html.count_text(number, "worker") for number in (0, 1, 1204)] == ["0 workers", "1 worker", "1,204 workers"]
    assert html.count_text(2, "query", "queries") == "2 queries"


def test_whole_numbers_in_a_table_are_easy_to_read() -> None:
    written = html.table(("a", "b", "c"), [(12345, True, 0.5)])
    assert all(f">{cell}</td>" in written for cell in ("12,345", "True", "0.5"))
