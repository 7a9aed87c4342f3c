"""The pictures of docs/jupyterlab.md: the panel, an archive, a comparison. Run by ``make screenshots``."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import torch
from playwright.sync_api import Browser, expect, sync_playwright

sys.path[:0] = [str(Path(__file__).parent.parent)]

from tests.notebook_server import NotebookServer  # noqa: E402
from tests.ui import chromium  # noqa: E402
from tests.ui.lab import Lab, serve  # noqa: E402
from tests.ui.pages import write_settings  # noqa: E402
from tests.ui.screenshots import SHARPNESS, keep, leave  # noqa: E402
from tsnb.archive.write import archive  # noqa: E402

WIDTH = 1240
HEIGHT = 720

HANDLER = '''"""Tells which digit is on a picture."""

import torch
from ts.torch_handler.base_handler import BaseHandler


class Digits(BaseHandler):
    def preprocess(self, requests):
        pixels = [request["body"]["x"] for request in requests]
        return torch.tensor(pixels)

    def postprocess(self, scores):
        return [{"digit": int(row.argmax())} for row in scores]
'''

MODEL = """import torch


class Net(torch.nn.Sequential):
    def __init__(self):
        super().__init__(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
"""

PIXELS = json.dumps({"x": [0.5] * 64}).encode()

ECHO = "def handle(data, context):\n    return data and [row['body'] for row in data]\n"


def fill(folder: Path) -> None:
    """Two versions of one model among the user's files, and a store to serve from."""
    torch.manual_seed(7)
    store = folder / "model_store"
    store.mkdir()
    files = {name: folder / f"{name}.py" for name in ("digits_handler", "net", "echo")}
    weights = folder / "net.pt"
    net = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    files["net"].write_text(MODEL)
    files["echo"].write_text(ECHO)
    for version, words in (("1.0", "picture"), ("2.0", "picture of eight by eight pixels")):
        files["digits_handler"].write_text(HANDLER.replace("picture.", f"{words}."))
        torch.save(net.state_dict(), weights)
        made = archive(
            "digits",
            version=version,
            handler=files["digits_handler"],
            model_file=files["net"],
            serialized_file=weights,
            export_path=folder,
            provenance={"python": "3.11.7", "torch": str(torch.__version__), "notebook": "digits.ipynb"},
        )
        made.rename(store / f"digits-{version}.mar")
        (folder / f"digits-{version}.mar").write_bytes((store / f"digits-{version}.mar").read_bytes())
        net[0].bias.data += 0.01
    archive("echo", version="1.0", handler=files["echo"], export_path=store)


def walk(browser: Browser, server: NotebookServer, word: str) -> None:
    """Take the pictures in one theme."""
    page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT}, device_scale_factor=SHARPNESS)
    lab = Lab(page, server).open()
    lab.file("digits-1.0.mar").dblclick()
    expect(lab.main().locator(".cm-content")).to_contain_text("class Digits")
    lab.show_panel()
    serve(server, "digits-1.0.mar", workers=2)
    serve(server, "digits-2.0.mar", workers=1)
    serve(server, "echo.mar", workers=0)
    for _ in range(12):
        server.request("POST", "tsnb/predictions/digits", PIXELS, **{"Content-Type": "application/json"})
    expect(lab.version("digits 1.0")).to_contain_text("12 requests")
    leave(page)
    keep(page.screenshot(), f"lab_{word}.png")
    lab.side("filebrowser")
    lab.file("digits-1.0.mar").click()
    lab.file("digits-2.0.mar").click(modifiers=["Control"])
    lab.file("digits-2.0.mar").click(button="right")
    lab.choose("Compare Selected")
    expect(lab.main()).to_contain_text("0.bias")
    leave(page)
    keep(page.screenshot(), f"lab_compare_{word}.png")
    page.close()


def main() -> None:
    """Both themes, one after the other."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        for word in ("light", "dark"):
            with tempfile.TemporaryDirectory() as name:
                folder = Path(name)
                write_settings(folder, theme=f"JupyterLab {word.title()}")
                fill(folder)
                with NotebookServer(folder, app="lab") as server:
                    walk(browser, server, word)
        browser.close()


if __name__ == "__main__":
    main()
