"""The main job, headless: ``make demo``.

Starts a real notebook server, opens a kernel in it, and types the cells of
notebook 01 there: train on scikit-learn's digits, write a handler, archive,
serve, predict every held-out digit through the REST endpoint, scale, serve a
second version. Prints what a reader would want to know; exits with 1 when
something is not as promised.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from tests.notebook_server import NotebookServer

NOTEBOOK = HERE / "01_first_light.ipynb"

FACTS = """
import json as _json
_client = tsnb.Client()
print(_json.dumps({
    "url": _client.address.prediction("digits"),
    "accuracy": float(accuracy),
    "workers": {m.spec.version: len(m.workers) for m in _client.describe("digits")},
    "pids": [w.pid for m in _client.describe("digits") for w in m.workers],
}))
"""


def main() -> int:
    """Run the cells, print the facts; 0 if they are as promised."""
    cells = {cell["id"]: "".join(cell["source"]) for cell in json.loads(NOTEBOOK.read_text())["cells"]}
    with tempfile.TemporaryDirectory() as folder, NotebookServer(Path(folder)) as server, server.kernel() as kernel:
        for cell in ("load", "data", "train"):
            kernel.run(cells[cell])
        started = time.monotonic()
        for cell in ("handler", "archive", "serve", "sample"):
            kernel.run(cells[cell])
        first = kernel.run("_first = " + cells["predict-file"] + "\nprint(_first.json())")
        seconds = time.monotonic() - started
        kernel.run(cells["accuracy"])
        before = json.loads(kernel.run(FACTS))
        kernel.run(cells["scale"])
        after = json.loads(kernel.run(FACTS))
        for cell in ("handler-2", "archive-2", "serve-2"):
            kernel.run(cells[cell])
        one, two = (
            kernel.run(f"_answer = {cells[name]}\nprint(_answer.json())") for name in ("predict-v1", "predict-v2")
        )
        pids = json.loads(kernel.run(FACTS))["pids"]
    print(f"served at        {before['url']}")
    print(f"first answer     {first.strip()}, {seconds:.2f} s after the handler cell was run")
    print(f"accuracy         {before['accuracy']:.1%} of the held-out digits, through the endpoint")
    print(f"workers          {before['workers']['1.0']}, after %scale {after['workers']['1.0']}")
    print(f"version 1.0      {one.strip()}")
    print(f"version 2.0      {two.strip()}")
    left = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
    print(f"processes left   {len(left)}")
    return 0 if before["accuracy"] >= 0.95 and after["workers"]["1.0"] == 4 and not left else 1


if __name__ == "__main__":
    sys.exit(main())
