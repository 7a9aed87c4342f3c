"""The card in other places: a restarted kernel, Notebook 7, the keyboard alone, a base URL that needs quoting."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.notebook_server import NotebookServer
from tests.ui.pages import SMALL, NotebookPage, badge, write_notebook, write_settings

QUOTED = "/a%20b%40c/"
MOST_TABS = 40


@pytest.fixture(scope="module")
def quoted(context: BrowserContext, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookServer]:
    """Notebook 7 behind a base URL with a space and an at sign."""
    folder = tmp_path_factory.mktemp("quoted")
    write_settings(folder)
    write_notebook(folder / "a b.ipynb", [source.replace("NAME", "quoted") for source in SMALL])
    write_notebook(folder / "seven.ipynb", [source.replace("NAME", "seven") for source in SMALL])
    with NotebookServer(folder, app="notebook", base_url=QUOTED) as server:
        yield server


def served(notebook: NotebookPage) -> Locator:
    """Run the notebook down to its card."""
    notebook.open().select("%unserve")
    notebook.menu("Run", "Run All Above Selected Cell")
    notebook.finished(notebook.cell("%serve"))
    card = notebook.card("%serve")
    expect(badge(card)).to_have_text("ready")
    return card


def say(card: Locator, words: str) -> None:
    """Send text from the box and see it come back."""
    card.get_by_role("textbox", name="Request body").fill(words)
    card.get_by_role("button", name="Send").click()
    expect(card.locator(".tsnb-answer")).to_contain_text(words)


def test_the_card_lives_on_after_a_reload_of_the_page_and_ends_with_the_kernel(page, server):
    notebook = NotebookPage(page, server, "restart.ipynb")
    served(notebook)
    page.keyboard.press("Control+s")
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
    card = notebook.open().card("%serve")
    say(card, "still here")

    [worker] = server.get("tsnb/-/models/restart")["models"][0]["workers"]
    os.kill(worker["pid"], signal.SIGSTOP)  # so that a request is on its way when the kernel goes
    try:
        card.get_by_role("button", name="Send").click()
        expect(card).to_contain_text("Sending…")
        notebook.menu("Kernel", "Restart Kernel…")
        page.get_by_role("button", name="Confirm Kernel Restart").click()
        expect(card).to_contain_text("disconnected")
    finally:
        os.kill(worker["pid"], signal.SIGCONT)
    expect(card.locator(".tsnb-answer")).to_contain_text("The kernel is gone")
    expect(card.get_by_role("button", name="Send")).to_be_disabled()
    expect(card.get_by_role("slider")).to_be_disabled()


def test_the_card_lives_in_notebook_7(page, quoted):
    notebook = NotebookPage(page, quoted, "seven.ipynb", application="notebooks")
    card = served(notebook)
    say(card, "hello seven")
    card.get_by_role("slider", name="Workers").fill("2")
    expect(card.locator(".tsnb-scaler")).to_contain_text("2ready")
    notebook.run("%unserve")
    expect(badge(notebook.card("%serve"))).to_have_text("not served")


def tab_to(page: Page, target: Locator) -> None:
    """Press Tab until an element has the focus."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if target.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError(f"{MOST_TABS} times Tab did not reach {target}")


def test_the_card_can_be_used_with_the_keyboard_alone(page, server):
    notebook = NotebookPage(page, server, "keys.ipynb")
    card = served(notebook)
    notebook.select("%serve")
    slider = card.get_by_role("slider", name="Workers")
    tab_to(page, slider)
    page.keyboard.press("ArrowRight")
    expect(card.locator(".tsnb-scaler")).to_contain_text("2ready")
    expect(slider).to_be_focused()
    tab_to(page, card.get_by_role("textbox", name="Request body"))
    page.keyboard.type('{"by": "keys"}')
    tab_to(page, card.get_by_role("button", name="Send"))
    page.keyboard.press("Enter")
    expect(card.locator(".tsnb-answer")).to_contain_text('"by": "keys"')
    page.keyboard.press("Control+s")  # JupyterLab's own, although a button of the card has the focus
    expect(page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
    unserve = card.get_by_role("button", name="Unserve")
    unserve.press("Enter")
    keep = card.get_by_role("button", name="Keep")
    expect(keep).to_be_focused()
    keep.press("Escape")
    expect(unserve).to_be_visible()
    expect(card.get_by_role("button", name="Swap in archive")).to_be_focused()


def test_the_card_and_its_curl_line_with_a_base_url_that_needs_quoting(page, quoted):
    card = served(NotebookPage(page, quoted, "a b.ipynb"))
    expect(card).to_contain_text(f"{QUOTED}tsnb/predictions/quoted")
    say(card, "hello there")
    card.get_by_role("tab", name="curl").click()
    code = card.locator(".tsnb-call pre")
    expect(code).to_contain_text("hello there")
    calls = code.inner_text()
    done = subprocess.run(
        ["sh", "-ec", calls],
        env=os.environ | {"TSNB_TOKEN": quoted.token},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert '"you said"' in done.stdout, (calls, done.stdout, done.stderr)
