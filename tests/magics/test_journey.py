"""From a trained model to an endpoint in five cells: a real kernel, a real server, real digits."""

import json
import os
import re

import psutil
import pytest

TRAIN = """
import torch
from torch import nn
from sklearn.datasets import load_digits
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
labels = torch.tensor(digits.target)
"""

NET = """
class Block(nn.Module):
    def __init__(self, a, b):
        super().__init__()
        self.conv = nn.Conv2d(a, b, 3, padding=1)
    def forward(self, x):
        return self.conv(x).relu()

class Net(nn.Module):
    def __init__(self, width=8):
        super().__init__()
        self.block = Block(1, width)
        self.out = nn.Linear(width * 64, 10)
    def forward(self, x):
        return self.out(self.block(x).flatten(1))
"""

FIT = """
torch.manual_seed(0)
net = Net(width=16)
optimizer = torch.optim.Adam(net.parameters(), 3e-3)
for epoch in range(30):
    optimizer.zero_grad()
    nn.functional.cross_entropy(net(images[:1500]), labels[:1500]).backward()
    optimizer.step()
NAMES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
"""

HANDLER = """%%handler digits
import io, torch
from PIL import Image
from tsnb import BaseHandler

class Digits(BaseHandler):
    def preprocess(self, data):
        return torch.stack([self.image(row.get("body") or row.get("data")) for row in data])

    def image(self, value):
        if isinstance(value, (bytes, bytearray)):
            picture = Image.open(io.BytesIO(value)).convert("L")
            value = [[picture.getpixel((x, y)) / 16 for x in range(8)] for y in range(8)]
        return torch.tensor(value, dtype=torch.float32).reshape(1, 8, 8)

    def postprocess(self, out):
        return [{"digit": NAMES[int(row.argmax())]} for row in out]
"""


@pytest.fixture(scope="module")
def served(kernel):
    """The five cells of journey A."""
    for cell in ("%load_ext tsnb", TRAIN, NET, FIT, HANDLER):
        outcome = kernel.run(cell)
        assert outcome.ok, outcome.error
    archived = kernel.run("%archive digits --version 1.0 --model net")
    assert archived.ok, archived.error
    assert "digits.mar" in archived.text
    outcome = kernel.run("%serve digits --workers 2")
    assert outcome.ok, outcome.error
    assert "2 of 2 workers ready" in outcome.text
    assert "text/html" in outcome.data
    assert "application/vnd.jupyter.widget-view+json" in outcome.data
    return kernel


def predict(kernel, line):
    outcome = kernel.run(f"answer = %predict {line}")
    assert outcome.ok, outcome.error
    return kernel.value("answer.json()")


def test_held_out_digits(served):
    served.run(
        "found = [get_ipython().run_line_magic('predict', f'digits images[{i}]').json() for i in range(1500, 1540)]"
    )
    right = served.value("sum(one['digit'] == NAMES[int(labels[i])] for i, one in enumerate(found, 1500))")
    assert right >= 32


@pytest.mark.parametrize(
    "data",
    [
        "images[1500]",
        "images[1500].tolist()",
        "images[1500].numpy()",
        "sample.png",
        "'sample.png'",
        "$folder/sample.png",
        "{folder}/sample.png",
        "open('sample.png', 'rb').read()",
        "picture",
        "__import__('pathlib').Path('sample.png')",
    ],
)
def test_every_kind_of_data(served, data):
    served.run(
        "from PIL import Image\nimport os\nfolder = os.getcwd()\n"
        "picture = Image.fromarray((digits.images[1500]).astype('uint8'))\npicture.save('sample.png')"
    )
    expected = served.value("NAMES[int(net.eval()(images[1500:1501]).argmax())]")
    assert predict(served, f"digits {data}") == {"digit": expected}


def test_cell_form_with_json(served):
    body = served.value("images[1500].tolist()")
    outcome = served.run(f"%%predict digits\n{json.dumps(body)}\n")
    assert outcome.ok, outcome.error
    assert "200 OK" in outcome.text
    assert "text/html" in outcome.data


def test_result_has_all_that_a_caller_wants(served):
    served.run("r = %predict digits/1.0 images[1500]")
    assert served.value("[r.status, r.request_id is not None, r.elapsed > 0, len(r.content) > 0, r.text[0]]") == [
        200,
        True,
        True,
        True,
        "{",
    ]


def test_a_failing_request_shows_the_cell_s_own_lines(served):
    outcome = served.run('%predict digits ["not", "an", "image"]')
    assert not outcome.ok
    (error,) = outcome.errors
    assert error["ename"] == "HandlerFailed"
    assert "Cell In[5]:14" in outcome.error
    assert "return torch.tensor(value, dtype=torch.float32)" in outcome.error
    assert "in preprocess" in outcome.error
    assert "tsnb/" not in outcome.error
    assert outcome.error.splitlines()[-1].startswith("\x1b[31mHandlerFailed")


def test_models_scale_logs(served):
    assert "digits 1.0" in served.run("%models").text
    assert served.run("%scale digits 3").ok
    assert "3 of 3" in served.run("%models").text
    assert "log of digits" in served.run("%logs digits -n 5").text


def test_two_versions_and_their_default(served):
    assert served.run("%archive digits --version 2.0 --model net").ok
    assert served.run("%serve digits").ok
    assert predict(served, "digits/2.0 images[3]") == predict(served, "digits/1.0 images[3]")
    assert served.value("[s.spec.version for s in get_ipython()._tsnb[0].running().models() if s.default]") == ["1.0"]
    assert served.run("%default digits 2.0").ok
    assert served.value("[s.spec.version for s in get_ipython()._tsnb[0].running().models() if s.default]") == ["2.0"]
    refused = served.run("%unserve digits/2.0")
    assert not refused.ok
    assert "%default digits VERSION" in refused.error
    assert served.run("%default digits 1.0").ok
    by_file = served.run("%serve digits.mar")
    assert by_file.stdout.startswith("digits 2.0 is served already"), by_file.stdout
    assert "there is no archive other.mar in the model store" in served.run("%serve other.mar").error
    assert "digits 2.0 unregistered" in served.run("%unserve digits/2.0").text


def test_serving_again_replaces_the_version(served):
    assert served.run(HANDLER.replace('{"digit":', '{"edited": True, "digit":')).ok
    assert served.run("%archive digits --version 1.0 --model net").ok
    outcome = served.run("%serve digits")
    assert outcome.ok, outcome.error
    # How many builds there were depends on which tests ran before: the edited cell may have swapped by itself.
    assert re.search(r"digits 1\.0 → build [2-9] live in", outcome.stdout), outcome.stdout
    assert predict(served, "digits images[3]")["edited"] is True


def test_a_model_that_cannot_start_shows_why(served):
    served.run(
        "%%handler broken\nclass Broken:\n    def initialize(self, context):\n"
        "        raise RuntimeError('no weights here')\n"
        "    def handle(self, data, context):\n        return data"
    )
    assert served.run("%archive broken").ok
    outcome = served.run("%serve broken")
    assert not outcome.ok
    assert "no weights here" in outcome.error
    assert "raise RuntimeError" in outcome.error
    assert "in initialize" in outcome.error
    assert "broken" not in served.run("%models").text


def test_unknown_models_and_versions(served):
    assert "ModelNotFound" in served.run("%predict nobody [1]").error
    assert "ModelVersionNotFound" in served.run("%predict digits/9.9 [1]").error
    outcome = served.run("%serve digits --version 9.9")
    assert "digits.mar holds version" in outcome.error
    assert not served.run("%scale nobody 2").ok
    assert not served.run("%unserve nobody").ok


def test_batching_options_reach_the_server(served):
    assert served.run("%archive digits --model net --batch-size 6 --max-batch-delay 7").ok
    assert served.run("%serve digits").ok
    assert served.value(
        "[(s.spec.batch_size, s.spec.max_batch_delay) for s in get_ipython()._tsnb[0].running().models()]"
    ) == [[6, 7]]


def test_a_server_that_died_is_started_again(served):
    pid = served.value("get_ipython()._tsnb[0].running().server()['pid']")
    psutil.Process(pid).kill()
    served.run(
        f"import psutil\npsutil.wait_procs([psutil.Process({pid})] if psutil.pid_exists({pid}) else [], timeout=10)"
    )
    outcome = served.run("%serve digits")
    assert outcome.ok, outcome.error
    assert "The kernel's own server had stopped" in outcome.stdout


def test_the_server_ends_with_the_kernel(served):
    """Last in this file: it kills the kernel without a word."""
    server = psutil.Process(served.value("get_ipython()._tsnb[0].running().server()['pid']"))
    family = [server, *server.children(recursive=True)]
    os.kill(served.value("__import__('os').getpid()"), 9)
    _, alive = psutil.wait_procs(family, timeout=15)
    assert not alive
