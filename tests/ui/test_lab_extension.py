"""The panel, archives and all that the JupyterLab extension adds, with real workers."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.notebook_server import NotebookServer
from tests.ui.accessibility import violations
from tests.ui.lab import Lab, put, serve, unserve_all, until, workers
from tests.ui.pages import LOOK_TIMEOUT, START_TIMEOUT, NotebookPage, write_notebook, write_settings

MANY = 100
MOST_TABS = 60

WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with an echo of two versions, and archives among the user's own files."""
    folder = tmp_path_factory.mktemp("lab")
    write_settings(folder)
    store = folder / "model_store"
    for version in ("1.0", "2.0"):
        put(store, "echo", "echo.py", version)
    put(store, "moody", "moody.py", "1.0")
    put(folder, "net", "echo.py", "1.0", provenance={"python": "3.11", "torch": "2.13"})
    put(folder, "net", "talkative.py", "2.0")
    (folder / "shout.py").write_text("def handle(data, context):\n    return data and [str(data[0]['body']).upper()]\n")
    write_notebook(folder / "magics.ipynb", ["%load_ext tsnb", "%serve echo --wor"])
    _write_saved(folder / "saved.ipynb")
    return folder


def _write_saved(path: Path) -> None:
    """A notebook with the card of a model that nobody serves any more, as it was saved."""
    write_notebook(path, ["%serve gone"])
    notebook = json.loads(path.read_text())
    html = '<div class="tsnb tsnb-page"><b>gone</b> was served once</div>'
    view = {"model_id": "0" * 32, "version_major": 2, "version_minor": 0}
    data = {"text/html": html, "text/plain": "gone was served once", WIDGET_VIEW: view}
    notebook["cells"][0]["outputs"] = [{"output_type": "display_data", "data": data, "metadata": {}}]
    path.write_text(json.dumps(notebook))


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[NotebookServer]:
    with NotebookServer(folder, app="lab") as server:
        yield server


@pytest.fixture(scope="module")
def opened(server: NotebookServer, context: BrowserContext) -> Iterator[Lab]:
    page = context.new_page()
    page.set_default_timeout(LOOK_TIMEOUT)
    yield Lab(page, server).open()
    page.close()


@pytest.fixture
def lab(opened: Lab, server: NotebookServer) -> Iterator[Lab]:
    """JupyterLab with ``echo 1.0`` served by one worker; nothing is served afterwards."""
    serve(server, "echo-1.0.mar")
    opened.page.bring_to_front()
    opened.show_panel()
    expect(opened.version("echo 1.0")).to_contain_text("1 of 1 worker")
    yield opened
    opened.close_tabs()
    unserve_all(server)
    expect(opened.panel).not_to_contain_text("echo")


def test_opening_jupyterlab_starts_no_engine_and_no_worker(opened, server):
    expect(opened.show_panel()).to_contain_text("No model is served.")
    assert server.get("tsnb/-/panel")["running"] is False


def test_the_panel_follows_what_happens_elsewhere(lab, server):
    version = lab.version("echo 1.0")
    expect(version).to_contain_text("default")
    expect(version).to_contain_text(f"pid {workers(server, 'echo')[0]['pid']}")
    assert server.request("POST", "tsnb/predictions/echo", b"hello")[0] == 200
    expect(version).to_contain_text("1 request")
    serve(server, "echo-2.0.mar", workers=0)
    expect(lab.version("echo 2.0")).to_contain_text("no workers")
    expect(lab.page.locator(".tsnb-status")).to_contain_text("1 / 1")


def test_workers_are_scaled_and_versions_change_places(lab, server):
    version = lab.version("echo 1.0")
    version.get_by_role("button", name="One worker more").click()
    expect(version).to_contain_text("2 of 2 workers")
    version.get_by_role("button", name="One worker fewer").click()
    expect(version).to_contain_text("1 of 1 worker")
    expect(version.get_by_role("listitem")).to_have_count(1)
    serve(server, "echo-2.0.mar")
    second = lab.version("echo 2.0")
    second.get_by_role("button", name="More for echo 2.0").click()
    lab.choose("Make Default Version")
    expect(second).to_contain_text("default")
    second.get_by_role("button", name="More for echo 2.0").click()
    lab.choose("Unserve…")
    expect(lab.page.locator(".jp-Dialog")).to_contain_text("Version 1.0 becomes the default one")
    lab.page.get_by_role("button", name="Unserve", exact=True).click()
    expect(second).to_have_count(0)
    expect(version).to_contain_text("default")


def test_a_killed_worker_is_told_with_its_end_and_returns(lab, server):
    [victim] = workers(server, "echo")
    os.kill(victim["pid"], signal.SIGKILL)
    notice = lab.page.get_by_role("button", name="Show traceback")
    notice.first.wait_for()
    notice.first.click()
    expect(lab.main()).to_contain_text("was killed by SIGKILL")
    version = lab.version("echo 1.0")
    expect(version).to_contain_text("1 restart")
    expect(version).to_contain_text("1 of 1 worker")
    expect(lab.page.locator(".tsnb-status")).to_contain_text("1 / 1")


def test_a_request_by_hand_and_the_log_of_what_it_printed(lab, server):
    serve(server, "moody-1.0.mar")
    version = lab.version("moody 1.0")
    version.get_by_role("button", name="Try moody 1.0").click()
    lab.main().get_by_role("textbox", name="Request body").fill('{"mood": "cheerful"}')
    lab.main().get_by_role("button", name="Send").click()
    expect(lab.main().locator(".tsnb-answer")).to_contain_text('"mood": "cheerful"')
    version.get_by_role("button", name="Logs of moody 1.0").click()
    expect(lab.main().get_by_role("log")).to_contain_text("somebody is cheerful")
    version.get_by_role("button", name="More for moody 1.0").click()
    lab.choose("Copy URL")
    expect(lab.page.get_by_text("URL of moody copied.")).to_be_visible()
    assert lab.page.evaluate("navigator.clipboard.readText()") == f"{server.url}tsnb/predictions/moody"
    version.get_by_role("button", name="More for moody 1.0").click()
    lab.choose("Open in Log Console")
    expect(lab.page.locator(".jp-LogConsole")).to_contain_text("somebody is cheerful")
    lab.page.locator(".lm-TabBar-tab").filter(has_text="Log: tsnb").locator(".lm-TabBar-tabCloseIcon").click()


def test_a_request_by_hand_that_fails_shows_what_the_handler_raised(lab, server, complaints):
    serve(server, "moody-1.0.mar")
    lab.page.keyboard.press("Control+Alt+y")
    lab.page.locator(".jp-Dialog select").select_option("moody 1.0")
    lab.page.locator(".jp-Dialog").get_by_role("button", name="Ok").click()
    trial = lab.main()
    trial.get_by_role("textbox", name="Request body").fill('{"no": "mood"}')
    trial.get_by_role("button", name="Send").click()
    expect(trial).to_contain_text("503 · Prediction failed")
    expect(trial.locator(".tsnb-answer")).to_contain_text("KeyError: 'mood'")
    complaints[:] = [each for each in complaints if "503" not in each]  # the browser notes each such answer


def test_a_file_is_sent_by_hand(lab, server):
    lab.version("echo 1.0").get_by_role("button", name="Try echo 1.0").click()
    trial = lab.main()
    with lab.page.expect_file_chooser() as chooser:
        trial.get_by_role("button", name="Choose file…").click()
    chooser.value.set_files(server.folder / "shout.py")
    expect(trial).to_contain_text("shout.py")
    trial.get_by_role("button", name="Send").click()
    expect(trial.locator(".tsnb-answer")).to_contain_text("200")
    trial.get_by_role("button", name="Remove the file").click()
    expect(trial.get_by_role("textbox", name="Request body")).to_be_visible()


def test_a_hundred_models_are_found_by_scrolling(lab, server):
    for number in range(MANY):
        status, body = server.request("POST", f"tsnb/models?url=echo-1.0.mar&model_name=m{number:03}&initial_workers=0")
        assert status == 200, body
    folds = lab.panel.get_by_role("button", name=re.compile(r"^m\d\d\d"))
    expect(folds).to_have_count(MANY)
    first, last = folds.first, folds.last
    expect(first).to_be_in_viewport()
    lab.panel.locator(".tsnb-panel-body").hover()
    lab.page.mouse.wheel(0, 100_000)
    expect(last).to_be_in_viewport()
    expect(first).not_to_be_in_viewport()
    last.click()
    lab.version("m099 1.0").get_by_role("button", name="One worker more").click()
    expect(lab.version("m099 1.0")).to_contain_text("1 of 1 worker")
    expect(last).to_be_in_viewport()
    lab.panel.get_by_role("searchbox", name="Filter models").fill("m04")
    expect(folds).to_have_count(10)
    expect(lab.panel.get_by_role("status")).to_have_text("10 models found")
    assert violations(lab.page, "#tsnb-panel") == []


def test_models_are_shut_down_from_the_running_panel(lab, server):
    serve(server, "echo-2.0.mar")
    serve(server, "moody-1.0.mar")
    lab.side("jp-running-sessions")
    item = lab.page.locator('.jp-RunningSessions-item[data-context="moody 1.0"]')
    expect(item).to_contain_text("1 / 1 ready")
    item.hover()
    item.locator(".jp-RunningSessions-itemShutdown").click()
    expect(item).to_have_count(0)
    lab.page.get_by_role("button", name="Unserve All").click()
    lab.page.locator(".jp-Dialog").get_by_role("button", name="Unserve All").click()
    until(lab.page, lambda: server.get("tsnb/-/panel")["models"] == [], "all models are gone")
    lab.show_panel()
    expect(lab.panel).to_contain_text("No model is served.")


def test_the_panel_can_be_used_with_the_keyboard_alone(lab, server):
    more = lab.version("echo 1.0").get_by_role("button", name="One worker more")
    lab.panel.get_by_role("button", name="Refresh").focus()
    for _ in range(MOST_TABS):
        lab.page.keyboard.press("Tab")
        if more.evaluate("element => element === document.activeElement"):
            break
    lab.page.keyboard.press("Enter")
    expect(lab.version("echo 1.0")).to_contain_text("2 of 2 workers")
    expect(more).to_be_focused()
    lab.page.keyboard.press("Tab")
    fold = lab.panel.get_by_role("button", name=re.compile("^echo"))
    fold.focus()
    lab.page.keyboard.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "false")
    lab.page.keyboard.press("Enter")
    expect(fold).to_have_attribute("aria-expanded", "true")


def test_two_tabs_show_the_same(lab, server, page):
    other = Lab(page, server).open("lab/workspaces/other?reset")
    other.show_panel()
    other.version("echo 1.0").get_by_role("button", name="One worker more").click()
    for each in (other, lab):
        each.page.bring_to_front()
        expect(each.version("echo 1.0")).to_contain_text("2 of 2 workers")


def test_an_archive_opens_is_compared_and_served(lab, server):
    lab.side("filebrowser")
    before = (server.folder / "net-1.0.mar").read_bytes()
    lab.file("net-1.0.mar").dblclick()
    view = lab.main()
    expect(view.locator(".tsnb-content")).to_contain_text("modelVersion")
    expect(view).to_contain_text("torch")
    expect(view.locator(".cm-content")).to_contain_text("def handle")
    expect(view.locator(".cm-content span").filter(has_text=re.compile("^def$")).first).to_be_visible()
    view.get_by_role("button", name="MANIFEST.json").click()
    expect(view.locator(".cm-content")).to_contain_text("modelName")
    assert violations(lab.page, "#jp-main-dock-panel .tsnb-view") == []
    lab.page.keyboard.press("Control+s")
    view.get_by_role("button", name="Compare with…").click()
    chooser = lab.page.locator(".jp-Dialog")
    chooser.locator(".jp-DirListing-item").filter(has_text="net-2.0.mar").click()
    chooser.get_by_role("button", name="Select").click()
    expect(lab.main().locator(".tsnb-diff")).to_contain_text("+def answer(body, context, index):")
    expect(lab.main()).to_contain_text("model.modelVersion")
    assert (server.folder / "net-1.0.mar").read_bytes() == before
    lab.main().get_by_role("button", name="The other way round").click()
    expect(lab.main().locator(".tsnb-diff")).to_contain_text("-def answer(body, context, index):")
    lab.file("net-1.0.mar").click()
    lab.file("net-2.0.mar").click(modifiers=["Control"])
    lab.file("net-2.0.mar").click(button="right")
    lab.choose("Compare Selected")
    expect(lab.main().locator(".tsnb-diff")).to_contain_text("+def answer(body, context, index):")
    lab.file("net-2.0.mar").click()
    lab.file("net-2.0.mar").click(button="right")
    lab.choose("Serve")
    lab.show_panel()
    expect(lab.version("net 2.0")).to_contain_text("1 of 1 worker")


def test_code_becomes_an_archive_that_is_served(lab, server):
    lab.side("filebrowser")
    lab.file("shout.py").click(button="right")
    lab.choose("Archive This…")
    dialog = lab.page.locator(".jp-Dialog")
    expect(dialog.get_by_label("Model name")).to_have_value("shout")
    dialog.get_by_role("button", name="Archive", exact=True).click()
    lab.show_panel()
    expect(lab.version("shout 1.0")).to_contain_text("1 of 1 worker")
    assert server.request("POST", "tsnb/predictions/shout", b"x", **{"Content-Type": "text/plain"}) == (200, b"X")


def test_a_saved_card_without_its_kernel_shows_what_it_said(page, server):
    Lab(page, server).open("lab/workspaces/saved/tree/saved.ipynb?reset")
    output = page.locator(".jp-Notebook .jp-OutputArea-output")
    expect(output).to_contain_text("gone was served once")
    expect(output.get_by_text("model not found")).not_to_be_visible()


def test_options_of_magics_are_completed(server, page):
    notebook = NotebookPage(page, server, "magics.ipynb").open()
    notebook.run("%load_ext tsnb")
    notebook.cell("--wor").locator(".cm-content").click()
    page.keyboard.press("End")
    page.keyboard.press("Tab")
    expect(page.locator(".jp-Completer")).to_contain_text("--workers")
    page.keyboard.press("Enter")
    expect(notebook.cell("--wor").locator(".cm-content")).to_contain_text("--workers")


def test_the_launcher_opens_a_notebook_with_a_handler_that_runs(page, server):
    lab = Lab(page, server).open("lab/workspaces/new?reset")
    page.locator(".jp-LauncherCard").filter(has_text="Handler Notebook").click()
    lab.tab("handler.ipynb").wait_for(timeout=START_TIMEOUT)
    cells = json.loads((server.folder / "handler.ipynb").read_text())["cells"]
    with server.kernel() as kernel:
        shown = [kernel.run("".join(cell["source"])) for cell in cells if cell["cell_type"] == "code"]
    assert "HELLO" in shown[-2]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_nothing_serious_is_wrong_for_those_who_cannot_see_or_point(lab, server, theme):
    lab.choose_theme(theme)
    serve(server, "echo-2.0.mar", workers=0)
    expect(lab.version("echo 2.0")).to_be_visible()
    assert violations(lab.page, "#tsnb-panel") == []
    assert violations(lab.page, ".tsnb-status") == []
    lab.version("echo 1.0").get_by_role("button", name="Try echo 1.0").click()
    lab.main().get_by_role("textbox", name="Request body").wait_for()
    assert violations(lab.page, "#jp-main-dock-panel .tsnb-trial") == []
    lab.choose_theme("JupyterLab Light")


def test_the_panel_in_notebook_7(server, page, complaints):
    serve(server, "echo-1.0.mar")
    page.goto(f"{server.url}notebooks/magics.ipynb?token={server.token}")
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=START_TIMEOUT)
    page.keyboard.press("Escape")
    page.keyboard.press("Control+Alt+m")
    lab = Lab(page, server)
    version = lab.version("echo 1.0")
    expect(version).to_contain_text("1 of 1 worker")
    version.get_by_role("button", name="One worker more").click()
    expect(version).to_contain_text("2 of 2 workers")
    page.goto(f"{server.url}edit/net-1.0.mar?token={server.token}")
    expect(page.locator(".tsnb-content")).to_contain_text("modelVersion", timeout=START_TIMEOUT)
    unserve_all(server)
