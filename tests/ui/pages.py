"""A notebook in a browser, as a person uses it: open it, run cells, look at what they show."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Locator, Page, expect

from tests.notebook_server import NotebookServer

START_TIMEOUT = 90_000
CELL_TIMEOUT = 60_000
LOOK_TIMEOUT = 30_000
"""Milliseconds: an application's start, a cell's end, and what a live view may take to show a change."""
expect.set_options(timeout=LOOK_TIMEOUT)

SMALL = (
    "%load_ext tsnb",
    """%%handler NAME
class Echo:
    def initialize(self, context):
        self.initialized = True

    def handle(self, rows, context):
        return [{"you said": row["body"]} for row in rows]
""",
    "%archive NAME",
    "%serve NAME --workers 1",
    "%unserve NAME",
)
"""The sources of a notebook that serves an echo; NAME stands for the model's name."""


def write_notebook(path: Path, sources: Sequence[str]) -> None:
    """A notebook of code cells."""
    cells: list[dict[str, object]] = [
        {
            "cell_type": "code",
            "id": f"cell-{number}",
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for number, source in enumerate(sources)
    ]
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": kernel, "nbformat": 4, "nbformat_minor": 5}))


def copy_notebook(path: Path, folder: Path) -> None:
    """A notebook as nobody has run it yet."""
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"]:
        if cell["cell_type"] == "code":
            cell |= {"outputs": [], "execution_count": None}
    (folder / path.name).write_text(json.dumps(notebook))


def write_settings(folder: Path, theme: str = "JupyterLab Light") -> None:
    """What a person would have chosen in JupyterLab's settings; before the server of this folder starts."""
    settings = {
        "notification": {"fetchNews": "false", "checkForUpdates": False},
        "themes": {"theme": theme},
    }
    place = folder / ".config" / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    place.mkdir(parents=True, exist_ok=True)
    for name, values in settings.items():
        (place / f"{name}.jupyterlab-settings").write_text(json.dumps(values))
    labconfig = folder / ".config" / "labconfig"
    labconfig.mkdir(parents=True, exist_ok=True)
    unneeded = {"disabledExtensions": {"nbdime-jupyterlab": True}}  # came with pytest-notebook
    (labconfig / "page_config.json").write_text(json.dumps(unneeded))


class NotebookPage:
    """One notebook, open in JupyterLab (``application="lab/tree"``) or in Notebook 7 (``"notebooks"``)."""

    def __init__(self, page: Page, server: NotebookServer, name: str, application: str = "lab/tree") -> None:
        self.page = page
        self.server = server
        self.sources = _sources(server.folder / name)
        self._url = f"{server.url}{application}/{quote(name)}?token={server.token}&reset"

    def open(self) -> NotebookPage:
        """Go there and wait for the kernel."""
        self.page.goto(self._url)
        self.page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=START_TIMEOUT)
        kernel = self.page.locator(".jp-Toolbar-kernelName")
        expect(kernel).to_have_text(re.compile("Python 3"), timeout=START_TIMEOUT)
        indicator = self.page.locator(".jp-NotebookPanel .jp-Notebook-ExecutionIndicator")
        expect(indicator).to_have_attribute("data-status", "idle", timeout=START_TIMEOUT)
        return self

    def cell(self, words: str) -> Locator:
        """The first code cell with these words."""
        index = next(index for index, source in enumerate(self.sources) if words in source)
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)

    def select(self, words: str) -> Locator:
        """Click beside a cell, so that it is the selected one in command mode."""
        cell = self.cell(words)
        cell.locator(".jp-InputPrompt").click()
        return cell

    def menu(self, name: str, entry: str) -> None:
        """Choose an entry of the menu bar."""
        self.page.get_by_role("menuitem", name=name, exact=True).click()
        self.page.locator(".lm-Menu-item").filter(has=self.page.get_by_text(entry, exact=True)).click()

    def run(self, words: str) -> Locator:
        """Run one cell and wait for its end; the cell."""
        cell = self.select(words)
        self.page.keyboard.press("Control+Enter")
        return self.finished(cell)

    def finished(self, cell: Locator) -> Locator:
        """Wait until a cell has its number."""
        expect(cell.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]"), timeout=CELL_TIMEOUT)
        return cell

    def card(self, words: str) -> Locator:
        """The live card under a cell, in sight."""
        card = self.cell(words).locator(".tsnb-card")
        card.scroll_into_view_if_needed(timeout=LOOK_TIMEOUT)
        return card


def badge(card: Locator) -> Locator:
    """The word at the top of a card that says how its model is."""
    return card.locator("> .tsnb-head > .tsnb-badge")


def _sources(path: Path) -> list[str]:
    """The text of each cell; markdown counts as empty."""
    cells = json.loads(path.read_text())["cells"]
    return ["".join(cell["source"]) if cell["cell_type"] == "code" else "" for cell in cells]
