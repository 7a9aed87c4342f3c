"""Archives travel both ways: TorchServe serves tsnb's, tsnb serves torch-model-archiver's."""

import io
import subprocess
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
