"""Notebook 01 in JupyterLab, from top to bottom; in between, the card of the served model is used."""

from __future__ import annotations

import math
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Locator, expect

from tests.notebook_server import NotebookServer
from tests.ui.pages import CELL_TIMEOUT, NotebookPage, badge

SERVE = "%serve digits --workers 2"
ZERO = [0, 0, 0.6, 1, 1, 0.5, 0, 0] + [0, 0.8, 0.7, 0, 0, 0.7, 0.8, 0] * 6 + [0, 0, 0.6, 1, 1, 0.5, 0, 0]


@pytest.fixture(scope="module")
def first_light(server: NotebookServer, context: BrowserContext) -> Iterator[NotebookPage]:
    """The notebook, run down to its first predictions."""
    page = context.new_page()
    notebook = NotebookPage(page, server, "01_first_light.ipynb").open()
    notebook.select("%scale digits 4")
    notebook.menu("Run", "Run All Above Selected Cell")
    notebook.finished(notebook.cell("from concurrent.futures"))
    yield notebook
    page.close()


@pytest.fixture
def card(first_light: NotebookPage) -> Locator:
    return first_light.card(SERVE)


def execution_number(notebook: NotebookPage, words: str) -> str:
    """The number a cell was run with."""
    prompt = notebook.cell(words).locator(".jp-InputPrompt")
    expect(prompt).to_have_text(re.compile(r"\d+"), timeout=CELL_TIMEOUT)
    return re.search(r"\d+", prompt.inner_text())[0]


def workers(server: NotebookServer, version: str = "1.0") -> list[dict[str, Any]]:
    """The workers of a version as the server has them."""
    models = server.get("tsnb/-/models/digits")["models"]
    return next(model["workers"] for model in models if model["spec"]["version"] == version)


def test_the_card_shows_the_model_that_is_served(card, server):
    expect(card.locator(".tsnb-title")).to_have_text("digits")
    expect(badge(card)).to_have_text("ready")
    expect(card).to_contain_text(f"{server.url}tsnb/predictions/digits")
    for worker in workers(server):
        row = card.get_by_role("row").filter(has_text=str(worker["pid"]))
        expect(row).to_contain_text("ready")
    expect(card.locator(".tsnb-figures")).to_contain_text(re.compile(r"Requests[\d,]+"))
    seen = re.search(r"Requests([\d,]+)", card.locator(".tsnb-figures").inner_text().replace("\n", ""))
    assert int(seen[1].replace(",", "")) >= 450 + 3  # those of the notebook; other tests add to them


def test_the_slider_scales_the_workers(card, server):
    card.get_by_role("slider", name="Workers").fill("3")
    expect(card.locator(".tsnb-scaler")).to_contain_text("3ready")
    now = workers(server)
    assert [worker["state"] for worker in now] == ["ready"] * 3
    expect(card.get_by_role("row")).to_have_count(1 + 3)
    for worker in now:
        expect(card).to_contain_text(str(worker["pid"]))
    card.get_by_role("slider", name="Workers").fill("1")
    expect(card.locator(".tsnb-scaler")).to_contain_text("1ready")
    expect(card.get_by_role("row")).to_have_count(1 + 1)


def test_json_in_the_box_is_answered(card):
    card.get_by_role("textbox", name="Request body").fill(f'{{"x": {ZERO}}}')
    card.get_by_role("button", name="Send", exact=True).click()
    answer = card.locator(".tsnb-answer")
    expect(answer).to_contain_text("200 OK")
    expect(answer).to_contain_text('"digit": 0')


def test_a_file_in_the_box_is_answered(card, first_light, server):
    predicted = first_light.cell("%predict digits sample.png").locator(".jp-OutputArea-output")
    digit = re.search(r'"digit": (\d)', predicted.inner_text())
    with card.page.expect_file_chooser() as chooser:
        card.get_by_role("button", name="Choose file").click()
    chooser.value.set_files(server.folder / "sample.png")
    expect(card).to_contain_text("sent as image/png")
    card.get_by_role("button", name="Send", exact=True).click()
    expect(card.locator(".tsnb-answer")).to_contain_text(digit[0])
    card.get_by_role("button", name="Remove the file").click()


def test_a_request_that_fails_shows_what_the_handler_raised(card, first_light):
    card.get_by_role("textbox", name="Request body").fill('{"x": [1, 2, 3]}')
    card.get_by_role("button", name="Send", exact=True).click()
    answer = card.locator(".tsnb-answer")
    expect(answer).to_contain_text("Prediction failed")
    expect(answer).to_contain_text(f"Cell In[{execution_number(first_light, '%%handler')}], line 16, in picture")
    expect(answer).to_contain_text("RuntimeError")


def test_a_drawn_digit_is_answered(card, server):
    card.get_by_role("button", name="Draw").click()
    board = card.get_by_role("application", name="Drawing board")
    board.scroll_into_view_if_needed()
    box = board.bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    ring = [(middle[0] + 42 * math.sin(step / 6), middle[1] - 70 * math.cos(step / 6)) for step in range(39)]
    mouse = card.page.mouse
    mouse.move(*ring[0])
    mouse.down()
    for place in ring[1:]:
        mouse.move(*place)
    mouse.up()
    card.get_by_role("combobox", name="Size of the picture").select_option("64")
    expect(card).to_contain_text("sent as image/png, 64 × 64")
    card.get_by_role("button", name="Send", exact=True).click()
    answer = card.locator(".tsnb-answer")
    expect(answer).to_contain_text('"digit": 0')
    expect(answer.get_by_role("img", name="preprocess")).to_be_visible()
    card.get_by_role("button", name="Type instead").click()


def test_the_curl_line_of_the_card_works_in_a_shell(card, server):
    with card.page.expect_file_chooser() as chooser:
        card.get_by_role("button", name="Choose file").click()
    chooser.value.set_files(server.folder / "sample.png")
    card.get_by_role("tab", name="curl").click()
    expect(card.locator(".tsnb-call pre")).to_contain_text("@sample.png")
    card.get_by_role("button", name="Copy this call").click()
    expect(card.get_by_role("button", name="Copy this call")).to_have_text("Copied")
    copied = card.page.evaluate("navigator.clipboard.readText()")
    done = subprocess.run(
        ["sh", "-ec", copied],
        cwd=server.folder,
        env=os.environ | {"TSNB_TOKEN": server.token},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert '"digit"' in done.stdout, done.stderr
    card.get_by_role("tab", name="Try it").click()
    card.get_by_role("button", name="Remove the file").click()


def test_a_killed_worker_is_seen_to_return(card, server):
    before = workers(server)
    victim = before[0]
    os.kill(victim["pid"], signal.SIGKILL)
    row = card.get_by_role("row").filter(has=card.page.get_by_role("cell", name=victim["id"], exact=True))
    expect(row).not_to_contain_text(str(victim["pid"]))
    expect(row).to_contain_text("ready")
    expect(card.locator(".tsnb-scaler")).to_contain_text(f"{len(before)}ready")
    expect(row.get_by_role("cell").last).to_have_text("1")


def test_the_rest_of_the_notebook_ends_with_a_card_that_is_not_served(first_light):
    """The last in this notebook: after it, the model is gone."""
    last = first_light.cell("%unserve digits")
    first_light.select("%scale digits 4")
    first_light.menu("Run", "Run Selected Cell and All Below")
    first_light.finished(last)
    for start in (SERVE, "%serve digits --version 2.0"):
        card = first_light.card(start)
        expect(badge(card)).to_have_text("not served")
        expect(card.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    error = first_light.cell('%predict digits {"x": [1').locator(".jp-OutputArea-output")
    second_handler = execution_number(first_light, "the three likeliest digits out")
    expect(error).to_contain_text(f"Cell In[{second_handler}]:16", timeout=CELL_TIMEOUT)  # the lines of the cell
    expect(error).to_contain_text("RuntimeError")
