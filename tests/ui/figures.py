"""The figures of docs/jupyterlab.md, measured: ``.venv/bin/python -m tests.ui.figures``.

Size of the bundle, the panel's first paint, scrolling through a hundred models, and what the extension adds to the
start of JupyterLab (with it and without it, in turns, medians).
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
sys.path[:0] = [str(ROOT / "tests")]

from tests.notebook_server import NotebookServer  # noqa: E402
from tests.ui import chromium  # noqa: E402
from tests.ui.lab import SHOW_PANEL, Lab, put  # noqa: E402
from tests.ui.pages import write_settings  # noqa: E402

MODELS = 100
ROUNDS = 7
STARTS = 16

PAINT = """() => new Promise((resolve) => {
  let begun = 0;
  addEventListener("keydown", () => { begun ||= performance.now(); }, true);
  const look = () => {
    const seen = begun && document.querySelector("#tsnb-panel .tsnb-model")?.checkVisibility();
    if (seen) requestAnimationFrame(() => setTimeout(() => resolve(performance.now() - begun)));
    else requestAnimationFrame(look);
  };
  look();
})"""
"""Milliseconds from a key to the frame after the first model is on the screen."""

SCROLL = """async () => {
  const body = document.querySelector("#tsnb-panel .tsnb-panel-body");
  const frames = [];
  let before = performance.now();
  for (let n = 0; n < 120; n += 1) {
    body.scrollTop += 60;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - before);
    before = now;
  }
  return { frames: frames.slice(2), travelled: body.scrollTop };
}"""
"""Milliseconds of each frame while the panel scrolls from its top."""


def paint(page: Page) -> float:
    """Open the panel, which was never shown on this page."""
    page.evaluate(f"window.painted = ({PAINT})(); undefined")
    page.keyboard.press(SHOW_PANEL)
    return float(page.evaluate("window.painted"))


RESTORED = """
window.restored = new Promise((resolve) => {
  let seen = false;
  new MutationObserver(() => {
    const there = document.getElementById("jupyterlab-splash") !== null;
    if (seen && !there) resolve(performance.now());
    seen = there;
  }).observe(document, { childList: true, subtree: true });
});
"""
"""Milliseconds from the beginning of the page to the end of JupyterLab's splash screen."""


def restored(lab: Lab) -> float:
    """Milliseconds until JupyterLab is restored, from the browser's cache."""
    lab.open()
    return float(lab.page.evaluate("window.restored"))


def main() -> None:
    """Print all figures."""
    size = sum(path.stat().st_size for path in (ROOT / "tsnb" / "labextension").rglob("*") if path.is_file())
    print(f"bundle: {size / 1000:.0f} kB")
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        folder = Path(name)
        write_settings(folder)
        put(folder / "model_store", "echo", "echo.py", "1.0")
        browser = chromium.launch(playwright)
        with NotebookServer(folder, app="lab") as server:
            for number in range(MODELS):
                server.request("POST", f"tsnb/models?url=echo-1.0.mar&model_name=m{number:03}&initial_workers=0")
            paints = []
            for _ in range(ROUNDS):
                page = browser.new_page()
                Lab(page, server).open()
                paints.append(paint(page))
                page.close()
            print(f"first paint with {MODELS} models: {statistics.median(paints):.0f} ms (most {max(paints):.0f})")
            page = browser.new_page()
            lab = Lab(page, server).open()
            lab.show_panel()
            page.evaluate("document.querySelectorAll('#tsnb-panel .tsnb-fold').forEach((fold) => fold.click())")
            frames = sorted(page.evaluate(SCROLL)["frames"])
            page.close()
            print(f"scrolling {MODELS} unfolded models: median frame {statistics.median(frames):.1f} ms, "
                  f"95 % within {frames[int(0.95 * len(frames))]:.1f} ms, longest {frames[-1]:.1f} ms")  # fmt: skip
        compare_starts(browser, folder)
        browser.close()


def compare_starts(browser: Browser, folder: Path) -> None:
    """With the extension and without it, in turns: what else the machine does meets both alike."""
    page_config = folder / ".config" / "labconfig" / "page_config.json"
    without = '{"disabledExtensions": {"nbdime-jupyterlab": true, "tsnb": true}}'
    configs = {"with": page_config.read_text(), "without": without}
    taken: dict[str, list[float]] = {word: [] for word in configs}
    with NotebookServer(folder, app="lab") as server:
        page = browser.new_page()
        page.add_init_script(RESTORED)
        lab = Lab(page, server)
        for _ in range(STARTS):
            for word, text in configs.items():
                page_config.write_text(text)
                taken[word].append(restored(lab))
    pairs = list(zip(taken["with"][1:], taken["without"][1:], strict=True))  # the first fills the cache
    more = statistics.median(one - other for one, other in pairs)
    print(f"start of JupyterLab: {statistics.median(other for _, other in pairs):.0f} ms without the extension, "
          f"{more:+.0f} ms with it (least {min(taken['without']):.0f} and {min(taken['with']):.0f})")  # fmt: skip


if __name__ == "__main__":
    main()
