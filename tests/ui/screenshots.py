"""The pictures of docs/images: notebooks 01 and 04 in JupyterLab, light and dark, and the steps of notebook 03.

Run by ``make screenshots``; look at each.
"""

from __future__ import annotations

import io
import math
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.notebook_server import NotebookServer
from tests.ui import chromium
from tests.ui.pages import NotebookPage, copy_notebook, write_settings

ROOT = Path(__file__).parent.parent.parent
IMAGES = ROOT / "docs" / "images"
NOTEBOOK = ROOT / "notebooks" / "01_first_light.ipynb"

WIDTH = 1240
HEIGHT = 1400
FOOT = 46
SHARPNESS = 1.5
COLOURS = 256
MARGIN = 6
WIDEST = 960
SERVE = "%serve digits --workers 2"

TOOLS = ROOT / "notebooks" / "04_try_and_load.ipynb"

LOOP = ROOT / "notebooks" / "03_edit_and_debug.ipynb"
BEFORE = ("%load_ext", "load_iris", 'NAMES = ["setosa", "versicolor"]', "%archive", "%serve", "Counter(ask")
STEPS = (
    ("%predict iris", "loop_1_fails.png"),
    ("failed = [", ""),
    ("%replay {failed", "loop_2_replay.png"),
    ("keep_asking", ""),
    ('"virginica"]', "loop_3_swap.png"),
    ("stop.set()", ""),
    ("%replay --all-failed", "loop_4_fixed.png"),
)
"""Cells of notebook 03 in their order, by words in them, and the pictures of some."""


def main() -> None:
    """Both themes, one after the other."""
    IMAGES.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        for word in ("light", "dark"):
            with tempfile.TemporaryDirectory() as folder:
                write_settings(Path(folder), theme=f"JupyterLab {word.title()}")
                copy_notebook(NOTEBOOK, Path(folder))
                copy_notebook(TOOLS, Path(folder))
                with NotebookServer(Path(folder), app="lab") as server:
                    walk(browser, server, word)
                    tools(browser, server, word)
        with tempfile.TemporaryDirectory() as folder:
            write_settings(Path(folder), theme="JupyterLab Light")
            copy_notebook(LOOP, Path(folder))
            with NotebookServer(Path(folder), app="lab") as server:
                loop(browser, server)
        browser.close()


def loop(browser: Browser, server: NotebookServer) -> None:
    """Walk through notebook 03 cell by cell, and take a picture of each step of the loop."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SHARPNESS)
    notebook = NotebookPage(page, server, LOOP.name).open()
    page.keyboard.press("Control+b")
    for words in BEFORE:
        notebook.run(words)
    for words, picture in STEPS:
        cell = notebook.run(words)
        if picture:
            keep(around(cell), picture)
    page.close()


def tools(browser: Browser, server: NotebookServer, word: str) -> None:
    """Walk through notebook 04: a drawn digit in the try-it box, a load test, and the fleet."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SHARPNESS)
    notebook = NotebookPage(page, server, TOOLS.name).open()
    page.keyboard.press("Control+b")
    notebook.select("%try strokes")
    notebook.menu("Run", "Run All Above Selected Cell")
    notebook.run("%try strokes")
    box = notebook.card("%try strokes")
    draw_a_three(box)
    for _ in range(2):  # the first one loads what the kernel needs for it
        box.get_by_role("button", name="Send", exact=True).click()
        expect(box.locator(".tsnb-answer")).to_contain_text("200 OK")
        expect(box.get_by_role("button", name="Send", exact=True)).to_be_enabled()
    keep(around(box), f"try_{word}.png")
    notebook.run("%loadtest strokes {")
    keep(around(notebook.card("%loadtest strokes {")), f"loadtest_{word}.png")
    notebook.run("%unserve")
    page.close()


def draw_a_three(box: Locator) -> None:
    """Two bows on the board, with the mouse."""
    box.get_by_role("button", name="Draw").click()
    box.get_by_role("combobox", name="Pen").select_option("thick")
    board = box.get_by_role("application", name="Drawing board")
    board.scroll_into_view_if_needed()
    edge = board.bounding_box()
    x, y, side = edge["x"], edge["y"], edge["width"]
    bows = [(upper, step) for upper in (True, False) for step in range(11)]
    turns = [(upper, -0.3 + step * (math.pi + 0.6) / 10) for upper, step in bows]
    places = [
        (0.45 + 0.17 * math.sin(turn), (0.29 if upper else 0.71) - 0.21 * math.cos(turn)) for upper, turn in turns
    ]
    box.page.mouse.move(x + places[0][0] * side, y + places[0][1] * side)
    box.page.mouse.down()
    for across, down in places[1:]:
        box.page.mouse.move(x + across * side, y + down * side)
    box.page.mouse.up()


def walk(browser: Browser, server: NotebookServer, word: str) -> None:
    """Run the notebook in one theme and take its pictures on the way."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SHARPNESS)
    notebook = NotebookPage(page, server, NOTEBOOK.name).open()
    page.keyboard.press("Control+b")  # the file browser's panel
    notebook.select("from concurrent.futures")
    notebook.menu("Run", "Run All Above Selected Cell")
    notebook.finished(notebook.cell("%%predict"))
    card = notebook.card(SERVE)
    expect(card.locator(".tsnb-figures")).to_contain_text("Requests3")
    frame(notebook.cell("%%handler digits"), card)
    keep(page.screenshot(), f"first_light_{word}.png")
    try_a_file(card, server.folder / "sample.png")
    keep(around(card), f"card_{word}.png")
    if word == "light":
        failing = notebook.run('%predict digits {"x": [1')
        notebook.select("%unserve")
        keep(around(failing), "traceback.png")
    notebook.run("%unserve")
    page.close()


def try_a_file(card: Locator, path: Path) -> None:
    """Send a picture from the card's box."""
    with card.page.expect_file_chooser() as chooser:
        card.get_by_role("button", name="Choose file").click()
    chooser.value.set_files(path)
    for number in (4, 5):  # the first one loads what the kernel needs for it
        card.get_by_role("button", name="Send", exact=True).click()
        expect(card.locator(".tsnb-answer")).to_contain_text("200 OK")
        expect(card.locator(".tsnb-figures")).to_contain_text(f"Requests{number}")


def leave(page: Page) -> None:
    """No hover and no focus ring in the picture."""
    page.mouse.move(0, 0)
    page.evaluate("document.activeElement.blur()")


def frame(first: Locator, last: Locator) -> None:
    """Make the window as high as the notebook from one element to another, with the first at its upper edge."""
    to_top = "element => element.scrollIntoView({block: 'start', behavior: 'instant'})"
    first.evaluate(to_top)
    box = last.bounding_box()
    last.page.set_viewport_size({"width": WIDTH, "height": round(box["y"] + box["height"]) + FOOT})
    first.evaluate(to_top)


def around(element: Locator) -> bytes:
    """A picture of an element and a little of what is around it."""
    element.evaluate("element => element.scrollIntoView({block: 'center', behavior: 'instant'})")
    leave(element.page)
    box = element.bounding_box()
    left, top = max(0, round(box["x"]) - MARGIN), max(0, round(box["y"]) - MARGIN)
    width, height = min(WIDEST, round(box["width"]) + 2 * MARGIN), round(box["height"]) + 2 * MARGIN
    return element.page.screenshot(clip={"x": left, "y": top, "width": width, "height": height})


def keep(png: bytes, name: str) -> None:
    """Write a picture with few colours, which is a fraction of the bytes."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    few = picture.quantize(COLOURS, method=Image.Quantize.MEDIANCUT, kmeans=2, dither=Image.Dither.NONE)
    few.save(IMAGES / name, optimize=True)
    print(
        f"{(IMAGES / name).relative_to(ROOT)}: {picture.width} × {picture.height}, {(IMAGES / name).stat().st_size:,} B"
    )


if __name__ == "__main__":
    main()
