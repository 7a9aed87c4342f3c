"""Archives travel both ways: TorchServe serves tsnb's, tsnb serves torch-model-archiver's."""

import io
import json
import subprocess
import sys
import textwrap

import pytest
from PIL import Image

from tests.conformance.calls import call
from tests.conformance.houses import House
from tests.conformance.servers import Server
from tsnb.archive.write import archive

pytestmark = [pytest.mark.torchserve, pytest.mark.timeout(300)]

MODEL = """
    import torch

    class Net(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = torch.nn.Linear(64, 10)
            self.norm = torch.nn.BatchNorm1d(10)

        def forward(self, x):
            return self.norm(self.linear(x))
"""

HANDLER = """
    import io

    import numpy as np
    import torch
    from PIL import Image
    from ts.torch_handler.base_handler import BaseHandler


    class Handler(BaseHandler):
        def preprocess(self, requests):
            return torch.stack([self.row(r.get("data") or r.get("body")) for r in requests])

        def row(self, value):
            if isinstance(value, dict):
                return torch.tensor(value["x"], dtype=torch.float32)
            image = Image.open(io.BytesIO(value)).convert("L").resize((8, 8))
            return torch.from_numpy(np.asarray(image, dtype=np.float32) / 255).flatten()

        def postprocess(self, scores):
            return [{"scores": [round(s, 5) for s in row]} for row in scores.tolist()]
"""


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """Model file, weights and handler, as a user has them lying about."""
    import torch

    folder = tmp_path_factory.mktemp("parts")
    (folder / "model.py").write_text(textwrap.dedent(MODEL))
    (folder / "handler.py").write_text(textwrap.dedent(HANDLER))
    (folder / "index.txt").write_text("an extra file\n")
    space: dict = {}
    exec(textwrap.dedent(MODEL), space)
    torch.manual_seed(1)
    torch.save(space["Net"]().eval().state_dict(), folder / "weights.pth")
    return folder


def files(parts, **more):
    return {
        "version": "1.0",
        "handler": str(parts / "handler.py"),
        "model_file": str(parts / "model.py"),
        "serialized_file": str(parts / "weights.pth"),
        "extra_files": str(parts / "index.txt"),
        **more,
    }


def picture():
    buffer = io.BytesIO()
    Image.linear_gradient("L").save(buffer, "PNG")
    return buffer.getvalue()


def ask(server, name):
    """The answers to a JSON body and to a picture."""
    numbers = {"x": [n / 64 for n in range(64)]}
    return predict(server, name, numbers), predict(server, name, picture(), content_type="image/png")


def predict(server, name, body, **more):
    answer = call(f"POST /predictions/{name}", body, **more).ask(server)
    assert answer["status"] == 200, (answer, server.tail())
    return answer["body"]


def test_the_same_archives_give_the_same_answers_in_both_servers(torchserve, parts, tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    for name, form in (("made_default", "default"), ("made_stored", "zip-store"), ("made_tgz", "tgz")):
        archive(name, export_path=str(store), archive_format=form, **files(parts))
    for name, form in (("theirs_default", "default"), ("theirs_tgz", "tgz"), ("theirs_folder", "no-archive")):
        flags = [f"--{key.replace('_', '-')}={value}" for key, value in files(parts).items()]
        command = [torchserve / "torch-model-archiver", f"--model-name={name}", f"--archive-format={form}", *flags]
        subprocess.run([*command, f"--export-path={store}"], check=True)
    names = ["made_default", "made_stored", "made_tgz", "theirs_default", "theirs_tgz", "theirs_folder"]
    suffixes = {"tgz": ".tar.gz", "folder": ""}
    load = tuple(f"{name}={name}{suffixes.get(name.partition('_')[2], '.mar')}" for name in names)

    answers = {}
    for kind in ("torchserve", "tsnb"):
        folder = tmp_path / kind
        folder.mkdir()
        with Server(kind, House(load=load), folder, store) as server:
            answers[kind] = {name: ask(server, name) for name in names}
    assert answers["tsnb"] == answers["torchserve"]
    assert len({answer for pair in answers["tsnb"].values() for answer in pair}) == 2


NOTEBOOK = """
from pathlib import Path
import sys

from IPython.core.interactiveshell import InteractiveShell

shell = InteractiveShell.instance(colors="nocolor")
for cell in sys.stdin.read().split("# ---"):
    shell.run_cell(cell.strip(), store_history=True).raise_error()
"""

CELLS = """
%load_ext tsnb
# ---
import numpy as np
import torch
from torch import nn
# ---
WIDTH = 64

class Block(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.inner = nn.Sequential(nn.Linear(WIDTH, n), nn.BatchNorm1d(n))

    def forward(self, x):
        return self.inner(x)

class Net(nn.Module):
    def __init__(self, n=4):
        super().__init__()
        self.block = Block(n)

    def forward(self, x):
        return self.block(x).softmax(1)

torch.manual_seed(3)
net = Net(n=10).eval()
plain = nn.Sequential(nn.Linear(64, 10), nn.Softmax(1)).eval()

def numbers(row):
    value = row.get("data") or row.get("body")
    return np.asarray(value["x"], dtype=np.float32)
# ---
%%handler {name}
from ts.torch_handler.base_handler import BaseHandler


class Scores(BaseHandler):
    def preprocess(self, requests):
        return torch.from_numpy(np.stack([numbers(row) for row in requests])).to(self.device)

    def postprocess(self, scores):
        return [{"scores": [round(s, 5) for s in row]} for row in scores.tolist()]
# ---
%archive {name} --version 1.5 --model {model} {flags}
# ---
from pathlib import Path
numbers_in = torch.arange(64).unsqueeze(0) / 64
expected = [round(s, 5) for s in {model}(numbers_in)[0].tolist()]
Path("{name}.txt").write_text(str(expected))
"""


@pytest.mark.parametrize(
    ("name", "model", "flags"),
    [("eager", "net", ""), ("scripted", "plain", ""), ("packed", "net", "--archive-format tgz")],
)
def test_what_a_notebook_archives_is_served_unchanged_by_torchserve(torchserve, tmp_path, name, model, flags):
    cells = CELLS.replace("{name}", name).replace("{model}", model).replace("{flags}", flags)
    made = subprocess.run([sys.executable, "-c", NOTEBOOK], input=cells, text=True, cwd=tmp_path, capture_output=True)
    assert made.returncode == 0, made.stdout + made.stderr
    file = f"{name}.tar.gz" if "tgz" in flags else f"{name}.mar"
    numbers = {"x": [n / 64 for n in range(64)]}
    for kind in ("torchserve", "tsnb"):
        folder = tmp_path / kind
        folder.mkdir()
        with Server(kind, House(load=(f"{name}={file}",)), folder, tmp_path / "model_store") as server:
            answer = predict(server, f"{name}/1.5", numbers)
            assert json.loads(answer)["scores"] == pytest.approx(json.loads((tmp_path / f"{name}.txt").read_text()))
