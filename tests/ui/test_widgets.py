"""The try-it box, the load test, the fleet and the card's changes, in JupyterLab and Notebook 7 with real workers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.notebook_server import NotebookServer
from tests.ui.accessibility import violations
from tests.ui.pages import NotebookPage, badge, write_notebook

HANDLER = """%%handler talks
from ts.handler_utils.utils import send_intermediate_predict_response
class Talks:
    def initialize(self, context):
        self.initialized = True

    def handle(self, rows, context):
        return [self.answer(row["body"], context) for row in rows]

    def answer(self, body, context):
        if body == "fail":
            raise ValueError("the number 7 is bad")
        if body == "labels":
            return {"cat": 0.7, "dog": 0.25, "fox": 0.05}
        if body == "stream":
            for part in "abc":
                send_intermediate_predict_response([part], context.request_ids, "ok", 200, context)
            return "d"
        if isinstance(body, (bytes, bytearray)):
            return {"bytes": len(body), "png": bytes(body[1:4]) == b"PNG"}
        return {"you said": body, "numbers": list(range(40)), "inside": {"deep": {"deeper": "found me"}}}
"""
CARD, TRY, LOAD, FLEET = "%serve talks", "%try talks", "%loadtest talks 'x'", "%models"
LINES = ("%load_ext tsnb", HANDLER, "%archive talks", CARD, TRY, f"{LOAD} -c 1,2 --for 1s", FLEET, "%unserve talks")


@pytest.fixture(scope="module")
def notebook(server: NotebookServer, context: BrowserContext) -> Iterator[NotebookPage]:
    """A notebook in JupyterLab, run down to its try-it box."""
    write_notebook(server.folder / "widgets.ipynb", LINES)
    page = context.new_page()
    notebook = NotebookPage(page, server, "widgets.ipynb").open()
    notebook.select(LOAD)
    notebook.menu("Run", "Run All Above Selected Cell")
    notebook.finished(notebook.cell(TRY))
    yield notebook
    page.close()


@pytest.fixture
def all_shown(notebook: NotebookPage) -> NotebookPage:
    """The notebook with its load test and its fleet in sight, too, whichever tests ran before."""
    for words in (LOAD, FLEET):
        if notebook.cell(words).locator(".jp-OutputArea-output").count() == 0:
            notebook.run(words)
    return notebook


@pytest.fixture
def box(notebook: NotebookPage) -> Locator:
    return notebook.card(TRY)


@pytest.fixture
def card(notebook: NotebookPage) -> Locator:
    return notebook.card(CARD)


def send(box: Locator, words: str) -> Locator:
    """Type something and send it; the place of the answer."""
    box.get_by_role("textbox", name="Request body").fill(words)
    box.get_by_role("button", name="Send", exact=True).click()
    return box.locator(".tsnb-answer")


def test_an_answer_is_shown_as_its_kind_asks(box):
    answer = send(box, '{"a": 1}')
    expect(answer).to_contain_text("200 OK")
    expect(answer).to_contain_text("found me")
    expect(answer.get_by_role("img", name=re.compile("queue .* handle"))).to_be_visible()
    answer.get_by_text("Response headers").click()
    expect(answer.get_by_role("row", name="x-request-id")).to_be_visible()
    expect(answer.get_by_role("row", name="set-cookie")).to_have_count(0)
    expect(send(box, "labels").get_by_role("row", name="cat")).to_contain_text("70.0%")
    expect(send(box, "stream")).to_contain_text("abcd")


def test_other_questions_than_predictions(box):
    box.get_by_role("combobox", name="What to ask").select_option("Describe")
    box.get_by_role("button", name="Send", exact=True).click()
    expect(box.locator(".tsnb-answer")).to_contain_text("modelName")
    expect(box.get_by_role("textbox", name="Request body")).to_be_hidden()
    box.get_by_role("combobox", name="What to ask").select_option("Predict")
    expect(box.get_by_role("textbox", name="Path")).to_have_value("/predictions/talks")


def test_earlier_requests_are_sent_again_and_edited(box):
    expect(send(box, '{"b": 2}')).to_contain_text('"b": 2')
    expect(send(box, "labels").get_by_role("row", name="cat")).to_be_visible()
    box.get_by_text(re.compile(r"History \(\d+\)")).click()
    rows = box.get_by_role("table", name="Earlier requests").get_by_role("row")
    expect(rows.first).to_contain_text("labels")
    before = rows.count()
    rows.nth(1).get_by_role("button", name="Resend").click()
    expect(rows).to_have_count(before + 1)
    expect(box.locator(".tsnb-answer")).to_contain_text('"b": 2')
    rows.first.get_by_role("button", name="Edit").click()
    expect(box.get_by_role("textbox", name="Request body")).to_have_value('{"b": 2}')
    box.get_by_text(re.compile(r"History \(\d+\)")).click()


def test_a_recorded_request_fills_the_box(box):
    expect(send(box, "labels").get_by_role("row", name="cat")).to_be_visible()
    recorded = box.get_by_role("combobox", name="Recorded request")
    recorded.blur()
    recorded.focus()
    expect(recorded.locator("option").nth(1)).to_contain_text("200")
    recorded.select_option(index=recorded.locator("option").count() - 1)
    expect(box.get_by_role("textbox", name="Request body")).not_to_have_value("")


def test_a_drawing_by_keys_alone(box):
    box.get_by_role("button", name="Draw").press("Enter")
    board = box.get_by_role("application", name="Drawing board")
    expect(board).to_be_focused()
    for key in ("Space", *["ArrowRight"] * 5, *["ArrowDown"] * 5, "Space"):
        board.press(key)
    box.get_by_role("button", name="Send", exact=True).press("Enter")
    expect(box.locator(".tsnb-answer")).to_contain_text('"png": true')
    box.get_by_role("button", name="Type instead").click()


DROP = """(zone, [name, type, text]) => {
  const data = new DataTransfer();
  data.items.add(new File([text], name, { type }));
  zone.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
}"""

PASTE = """async (text) => {
  const canvas = document.createElement("canvas");
  const picture = await new Promise((done) => canvas.toBlob(done));
  const data = new DataTransfer();
  data.items.add(new File([picture], "picture.png", { type: "image/png" }));
  text.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""


def test_a_dropped_file_and_a_pasted_picture_are_sent(box):
    box.locator(".tsnb-zone").evaluate(DROP, ["body.json", "application/json", '{"dropped": 1}'])
    expect(box).to_contain_text("body.json")
    box.get_by_role("button", name="Send", exact=True).click()
    expect(box.locator(".tsnb-answer")).to_contain_text('"dropped": 1')
    box.get_by_role("button", name="Remove the file").click()
    box.get_by_role("textbox", name="Request body").evaluate(PASTE)
    expect(box).to_contain_text("sent as image/png")
    box.get_by_role("button", name="Send", exact=True).click()
    expect(box.locator(".tsnb-answer")).to_contain_text('"png": true')
    box.get_by_role("button", name="Remove the file").click()


def test_a_request_becomes_a_cell_that_runs(box, notebook):
    send(box, '{"from": "a cell"}')
    box.get_by_role("tab", name="Python").click()
    expect(box.locator(".tsnb-call pre")).to_contain_text("a cell")
    box.get_by_role("button", name="Insert as cell").click()
    expect(box).to_contain_text("inserted below")
    notebook.page.keyboard.press("Control+Enter")
    inserted = notebook.page.locator(".jp-Notebook .jp-Cell").nth(LINES.index(TRY) + 1)
    expect(inserted.locator(".jp-OutputArea-output")).to_contain_text("200")
    inserted.locator(".jp-InputPrompt").click()
    notebook.page.keyboard.press("d")
    notebook.page.keyboard.press("d")
    expect(notebook.page.locator(".jp-Notebook .jp-Cell")).to_have_count(len(LINES))
    box.get_by_role("tab", name="Try it").click()


def test_a_failure_is_listed_and_tried_again(card):
    expect(send(card, "fail")).to_contain_text("the number 7 is bad")
    card.get_by_text(re.compile("Last errors")).click()
    card.get_by_role("button", name=re.compile("^Send request .* again")).first.click()
    expect(card.locator(".tsnb-outcome")).to_contain_text("fails as before")
    expect(card.get_by_role("img", name=re.compile("mean latency"))).to_be_attached()
    card.get_by_text(re.compile("Last errors")).click()


def test_code_is_swapped_and_rolled_back_after_a_question(card):
    card.get_by_role("button", name="Swap in archive").click()
    expect(card).to_contain_text("live in place of build 1?")
    card.get_by_role("button", name="Keep").click()
    card.get_by_role("button", name="Swap in archive").click()
    card.get_by_role("button", name="Swap", exact=True).click()
    expect(card).to_contain_text("build 2 live")
    card.get_by_role("button", name="Roll back").click()
    card.get_by_role("button", name="Roll back").click()
    expect(card).to_contain_text(re.compile("build . live"))


def test_workers_drain_and_come_back(card):
    card.get_by_role("button", name="Drain").click()
    card.get_by_role("button", name="Drain").click()
    expect(badge(card)).to_have_text("no workers")
    card.get_by_role("button", name="One worker more").click()
    expect(badge(card)).to_have_text("ready")


def test_a_load_test_is_live_and_stays(notebook):
    cell = notebook.select(LOAD)
    notebook.page.keyboard.press("Control+Enter")
    test = cell.locator(".tsnb-card")
    expect(test.get_by_role("progressbar")).to_be_visible()
    notebook.finished(cell)
    test = notebook.card(LOAD)
    expect(badge(test)).to_have_text("done")
    expect(test.get_by_role("img", name="answers per second against connections")).to_be_visible()
    expect(test.get_by_role("row")).to_have_count(1 + 2)
    expect(cell.locator(".tsnb-card")).to_have_count(1)
    test.get_by_role("button", name="Run again").click()
    test.get_by_role("button", name="Stop").click()
    expect(badge(test)).to_have_text("stopped")


def test_the_fleet_scales_in_place(notebook):
    notebook.run(FLEET)
    fleet = notebook.cell(FLEET).locator(".tsnb-fleet")
    expect(fleet).to_contain_text(re.compile(r"Memory\d+% of"))
    fleet.get_by_role("button", name="One worker more for talks 1.0").click()
    more = notebook.page.get_by_role("button", name="One worker more for talks 1.0")
    expect(fleet.locator(".tsnb-scaler").filter(has=more)).to_contain_text("2+ready")


PARTS = ((CARD, ".tsnb-card"), (TRY, ".tsnb-card"), (LOAD, ".tsnb-card"), (FLEET, ".tsnb-fleet"))


def found_by_axe(notebook: NotebookPage) -> list[str]:
    """What is wrong with any widget; each is brought into sight first."""
    found = []
    for words, kind in PARTS:
        widget = notebook.cell(words).locator(kind)
        widget.scroll_into_view_if_needed()
        widget.evaluate("element => element.id = 'looked-at'")
        found += [f"{words}: {each}" for each in violations(notebook.page, "#looked-at")]
        widget.evaluate("element => element.removeAttribute('id')")
    return found


def test_nothing_serious_for_people_who_cannot_see_or_point(all_shown):
    assert found_by_axe(all_shown) == []


def test_the_dark_theme_is_followed(all_shown, card):
    notebook = all_shown
    ink = "element => getComputedStyle(element).color"
    light = card.evaluate(ink)
    choose_theme(notebook.page, "JupyterLab Dark")
    try:
        expect(notebook.page.locator("body[data-jp-theme-light='false']")).to_have_count(1)
        assert card.evaluate(ink) != light
        assert found_by_axe(notebook) == []
    finally:
        choose_theme(notebook.page, "JupyterLab Light")


def test_panel_and_widgets_do_not_meddle_with_each_other(all_shown, box):
    """Both have their own style sheets, with names in common."""
    page = all_shown.page
    expect(send(box, "labels").get_by_role("row", name="cat")).to_be_visible()
    assert box.locator(".tsnb-track > i").first.evaluate("bar => getComputedStyle(bar).minWidth") in ("0px", "auto")
    page.locator('.lm-TabBar-tab[data-id="tsnb-panel"]').click()
    bar = page.locator("#tsnb-panel .tsnb-bar").first
    track, words = bar.locator(".tsnb-track").bounding_box(), bar.locator(".tsnb-num").bounding_box()
    assert track["x"] + track["width"] <= words["x"]
    page.locator('.lm-TabBar-tab[data-id="filebrowser"]').click()


def choose_theme(page: Page, name: str) -> None:
    page.get_by_role("menuitem", name="Settings", exact=True).click()
    page.locator(".lm-Menu-item").filter(has_text=re.compile("^Theme$")).hover()
    page.locator(".lm-Menu-item").filter(has_text=re.compile(f"^{name}$")).click()


def test_all_widgets_say_that_the_kernel_is_gone(all_shown):
    """The last in this notebook: after it, nothing there lives."""
    notebook = all_shown
    notebook.menu("Kernel", "Restart Kernel…")
    notebook.page.get_by_role("button", name="Confirm Kernel Restart").click()
    for words, kind in PARTS:
        widget = notebook.cell(words).locator(kind)
        widget.scroll_into_view_if_needed()
        expect(widget).to_contain_text("disconnected")
    expect(notebook.card(TRY).get_by_role("button", name="Send", exact=True)).to_be_disabled()
    notebook.server.request("DELETE", "tsnb/models/talks/1.0")


def test_try_it_and_a_load_test_in_notebook_7(server, page):
    handler = HANDLER.replace("%%handler talks", "%%handler seventh")
    write_notebook(
        server.folder / "w7.ipynb", [each.replace("talks", "seventh") if each != HANDLER else handler for each in LINES]
    )
    notebook = NotebookPage(page, server, "w7.ipynb", application="notebooks").open()
    notebook.select("%models")
    notebook.menu("Run", "Run All Above Selected Cell")
    notebook.finished(notebook.cell("%loadtest"))
    expect(badge(notebook.card("%loadtest"))).to_have_text("done")
    expect(send(notebook.card("%try"), '{"in": "seven"}')).to_contain_text("seven")
    notebook.run("%unserve")
