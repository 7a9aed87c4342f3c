"""JupyterLab and Notebook 7 with the panel of models, as a person uses them."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, expect
from support.served import HANDLERS

from tests.notebook_server import NotebookServer
from tests.ui.pages import LOOK_TIMEOUT, START_TIMEOUT
from tsnb.archive.write import archive

SHOW_PANEL = "Control+Alt+m"


def put(folder: Path, name: str, handler: str, version: str, **options: Any) -> Path:
    """``NAME-VERSION.mar`` in a folder, from a handler in tests/archives/handlers."""
    folder.mkdir(exist_ok=True)
    made = archive(name, version=version, handler=HANDLERS / handler, export_path=folder, force=True, **options)
    return made.rename(folder / f"{name}-{version}.mar")


def serve(server: NotebookServer, url: str, workers: int = 1) -> None:
    """Register an archive of the model store."""
    status, body = server.request("POST", f"tsnb/models?url={url}&initial_workers={workers}")
    assert status == 200, body


def unserve_all(server: NotebookServer) -> None:
    """Leave no model, default versions last."""
    models = server.get("tsnb/-/panel")["models"]
    for model in sorted(models, key=lambda each: each["default"]):
        server.request("DELETE", f"tsnb/models/{model['name']}/{model['version']}")


def workers(server: NotebookServer, name: str) -> list[dict[str, Any]]:
    """The workers of a model's only version as the server has them."""
    return next(model["workers"] for model in server.get("tsnb/-/panel")["models"] if model["name"] == name)


class Lab:
    """JupyterLab in a page, with the panel of models."""

    def __init__(self, page: Page, server: NotebookServer) -> None:
        self.page = page
        self.server = server
        self.panel = page.locator("#tsnb-panel")

    def open(self, path: str = "lab?reset") -> Lab:
        """Go there and wait until it can be used."""
        self.page.goto(f"{self.server.url}{path}{'&' if '?' in path else '?'}token={self.server.token}")
        expect(self.page.locator("#jupyterlab-splash")).to_have_count(0, timeout=START_TIMEOUT)
        self.page.locator(".jp-DirListing-item").first.wait_for(timeout=START_TIMEOUT)
        return self

    def show_panel(self) -> Locator:
        """The panel, by its shortcut."""
        self.page.keyboard.press(SHOW_PANEL)
        expect(self.panel).to_be_visible()
        return self.panel

    def version(self, label: str) -> Locator:
        """A version in the panel, as ``digits 1.0``."""
        return self.panel.get_by_role("group", name=label, exact=True)

    def file(self, name: str) -> Locator:
        """A file in the file browser."""
        return self.page.locator(".jp-DirListing-item").filter(has=self.page.get_by_text(name, exact=True))

    def side(self, name: str) -> None:
        """A panel of the left sidebar; the tab of one that is shown would hide it."""
        tab = self.page.locator(f'.lm-TabBar-tab[data-id="{name}"]')
        if tab.get_attribute("aria-selected") != "true":
            tab.click()

    def choose(self, words: str) -> None:
        """An entry of the menu that is open."""
        self.page.locator(".lm-Menu-item").filter(has=self.page.get_by_text(words, exact=True)).click()

    def tab(self, words: str | re.Pattern[str]) -> Locator:
        """A tab of the main area."""
        return self.page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(has_text=words)

    def choose_theme(self, name: str) -> None:
        """Another theme, by the menu; it is in force when the page says so."""
        self.page.get_by_role("menuitem", name="Settings", exact=True).click()
        self.page.locator(".lm-Menu-item").filter(has=self.page.get_by_text("Theme", exact=True)).hover()
        self.choose(name)
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-name", name)
        self.page.keyboard.press("Escape")

    def close_tabs(self) -> None:
        """Leave the launcher alone in the main area."""
        others = self.page.locator("#jp-main-dock-panel .lm-TabBar-tab").filter(has_not_text="Launcher")
        while others.count():
            others.last.locator(".lm-TabBar-tabCloseIcon").click()

    def main(self) -> Locator:
        """The document in front."""
        return self.page.locator("#jp-main-dock-panel .tsnb-view").locator("visible=true")


def until(page: Page, condition: Callable[[], bool], what: str) -> None:
    """Wait for something on the server, while the page goes on."""
    for _ in range(LOOK_TIMEOUT // 100):
        if condition():
            return
        page.wait_for_timeout(100)
    raise AssertionError(f"it did not happen in time: {what}")
