"""One notebook server and one browser for all tests here; what a failing test saw is kept in ``artifacts/``."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, ConsoleMessage, Page, sync_playwright

from tests.notebook_server import NotebookServer
from tests.ui import chromium
from tests.ui.pages import SMALL, copy_notebook, write_notebook, write_settings

HERE = Path(__file__).parent
ARTIFACTS = HERE / "artifacts"
NOTEBOOKS = HERE.parent.parent / "notebooks"

OURS = re.compile("blob:|anywidget|/tsnb/|Plugin 'tsnb")
"""A widget's code runs from a blob; a plugin that cannot start is named."""

FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.ui)
            item.add_marker(pytest.mark.xdist_group("ui"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item):
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(scope="package")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NotebookServer]:
    """JupyterLab, which serves Notebook 7's pages too, on a folder with copies of the notebooks."""
    folder = tmp_path_factory.mktemp("notebooks")
    copy_notebook(NOTEBOOKS / "01_first_light.ipynb", folder)
    write_settings(folder)
    for name in ("keys", "restart"):
        write_notebook(folder / f"{name}.ipynb", [source.replace("NAME", name) for source in SMALL])
    with NotebookServer(folder, app="lab") as server:
        yield server


@pytest.fixture(scope="package")
def context() -> Iterator[BrowserContext]:
    """The browser, as one person uses it; gone after the last test here, for it runs an event loop in this thread."""
    if chromium.find() is None:
        pytest.skip("no Chromium on PATH (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        context = browser.new_context(viewport={"width": 1400, "height": 1000})
        context.grant_permissions(["clipboard-read", "clipboard-write"])
        context.tracing.start(screenshots=True, snapshots=True)
        yield context
        browser.close()


@pytest.fixture
def page(context: BrowserContext, kept: None) -> Page:
    """An empty page, closed after the test."""
    return context.new_page()


@pytest.fixture(scope="package")
def complaints(context: BrowserContext) -> list[str]:
    """Errors on the console and exceptions nobody caught, of every page, as they happen."""
    seen: list[str] = []

    def on_console(message: ConsoleMessage) -> None:
        if message.type == "error":
            seen.append(f"{message.text} ({message.location['url']})")

    context.on("console", on_console)
    context.on("weberror", lambda web: seen.append(f"{web.error.message}\n{web.error.stack}"))
    return seen


@pytest.fixture(autouse=True)
def nothing_to_complain_about(complaints: list[str]) -> Iterator[None]:
    """No test leaves an error of a widget or of the server on the console (Notebook 7 has some of its own)."""
    complaints.clear()
    yield
    assert [each for each in complaints if OURS.search(each)] == []


@pytest.fixture(autouse=True)
def kept(request: pytest.FixtureRequest, context: BrowserContext, nothing_to_complain_about: None) -> Iterator[None]:
    """A trace and a picture of every page, where the test failed. Pages opened in the test are closed."""
    before = context.pages
    context.tracing.start_chunk(title=request.node.name)
    yield
    folder = ARTIFACTS / request.node.name
    shutil.rmtree(folder, ignore_errors=True)
    if request.node.stash.get(FAILED, False):
        for number, page in enumerate(context.pages):
            page.screenshot(path=folder / f"page-{number}.png")
        context.tracing.stop_chunk(path=folder / "trace.zip")
    else:
        context.tracing.stop_chunk()
    for page in set(context.pages) - set(before):
        page.close()
