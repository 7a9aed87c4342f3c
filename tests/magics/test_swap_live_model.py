"""``%serve net --name quick``: a live model gets a URL without a handler of its own. A real kernel and server."""

import io
import json
from pathlib import Path

import httpx
import numpy as np
import pytest

PAIR = """
class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Linear(2, 2)

    def forward(self, left, right):
        return {"sum": self.a(left + right), "both": (left, right)}

pair = Pair()
"""


@pytest.fixture(scope="module")
def notebook(kernel):
    for text in (
        "%load_ext tsnb",
        "import torch\nfrom torch import nn\nnet = nn.Linear(2, 3)\nwords = nn.Embedding(10, 4)",
        PAIR,
    ):
        outcome = kernel.run(text)
        assert outcome.ok, outcome.error
    return kernel


@pytest.fixture(scope="module")
def quick(notebook):
    outcome = notebook.run("%serve net --name quick")
    assert outcome.ok, outcome.error
    assert "application/vnd.jupyter.widget-view+json" in outcome.data
    return notebook


@pytest.fixture
def folder(notebook):
    return Path(notebook.value("__import__('os').getcwd()"))


def post(kernel, name, content, content_type="application/json"):
    url, token = kernel.value(
        f"(lambda a: [a.prediction({name!r}), a.inference_token or ''])(get_ipython()._tsnb[0].running().address)"
    )
    headers = {"Authorization": f"Bearer {token}", "content-type": content_type}
    response = httpx.post(url, content=content, headers=headers, timeout=60, trust_env=False)
    response.raise_for_status()
    return response.json()


def expected(kernel, expression):
    return kernel.value(f"({expression}).tolist()")


@pytest.mark.parametrize("body", [[[1, 2], [3, 4]], {"x": [[1, 2], [3, 4]]}, {"data": [[1, 2], [3, 4]]}])
def test_numbers_in_numbers_out(quick, body):
    found = post(quick, "quick", json.dumps(body))
    assert np.allclose(found, expected(quick, "net(torch.tensor([[1., 2.], [3., 4.]]))"))


def test_one_input_without_a_batch(quick):
    assert np.allclose(post(quick, "quick", "[1, 2]"), expected(quick, "net(torch.tensor([1., 2.]))"))


def test_json_without_its_content_type(quick):
    assert np.allclose(post(quick, "quick", "[1, 2]", ""), expected(quick, "net(torch.tensor([1., 2.]))"))


@pytest.mark.parametrize("dtype", ["float64", "float32", "int32", "uint8"])
def test_numpy_in(quick, dtype):
    buffer = io.BytesIO()
    np.save(buffer, np.array([[1, 2]], dtype=dtype))
    found = post(quick, "quick", buffer.getvalue(), "application/octet-stream")
    assert np.allclose(found, expected(quick, "net(torch.tensor([[1., 2.]]))"))


def test_tensors_of_the_notebook(quick):
    outcome = quick.run("r = %predict quick torch.ones(5, 2)")
    assert outcome.ok, outcome.error
    assert np.allclose(quick.value("r.json()"), expected(quick, "net(torch.ones(5, 2))"))


def test_whole_numbers_stay_whole_for_words(notebook):
    assert notebook.run("%serve words").ok, "without --name the model is called as the variable"
    assert np.allclose(post(notebook, "words", "[3, 4]"), expected(notebook, "words(torch.tensor([3, 4]))"))


def test_several_inputs_by_name_and_outputs_of_any_shape(notebook):
    assert notebook.run("%serve pair").ok
    found = post(notebook, "pair", json.dumps({"left": [1, 2], "right": [3, 4]}))
    assert found["both"] == [[1, 2], [3, 4]]
    assert np.allclose(found["sum"], expected(notebook, "pair.a(torch.tensor([4., 6.]))"))


def test_the_handler_can_be_seen_kept_and_edited(quick, folder):
    outcome = quick.run("%serve net --name quick --explain")
    path = folder / "handlers/quick.py"
    assert path.read_text().strip() == outcome.stdout.split("\nquick 1.0", 1)[0].split("\n", 1)[1].strip()
    path.write_text(path.read_text().replace("return value.tolist()", "return {'edited': value.tolist()}"))
    assert quick.run("%serve net --name quick").ok
    assert list(post(quick, "quick", "[1, 2]")) == ["edited"]
    path.unlink()
    assert quick.run("%serve net --name quick").ok
    assert len(post(quick, "quick", "[1, 2]")) == 3


def test_served_again_it_has_the_new_weights_without_a_gap(quick):
    quick.run("nn.init.zeros_(net.weight)\nnn.init.zeros_(net.bias)")
    outcome = quick.run("%serve net --name quick")
    assert "live in" in outcome.stdout
    assert post(quick, "quick", "[1, 2]") == [0, 0, 0]


def test_the_notebook_s_own_handler_of_that_name_is_used(notebook):
    handler = (
        "%%handler own\nfrom tsnb import BaseHandler\nclass Own(BaseHandler):\n"
        "    def preprocess(self, data):\n        return super().preprocess([[1., 1.] for row in data])\n"
        "    def postprocess(self, out):\n        return ['own' for row in out]"
    )
    assert notebook.run(handler).ok
    assert notebook.run("%serve net --name own").ok
    notebook.run("r = %predict own 0")
    assert notebook.value("r.text") == "own"


def test_an_archive_that_was_made_otherwise_is_not_lost(notebook):
    assert notebook.run("%%handler mine\ndef handle(data, context):\n    return data and ['mine'] * len(data)").ok
    assert notebook.run("%archive mine").ok
    outcome = notebook.run("%serve net --name mine")
    assert "mine.mar in the model store was not made from a live model" in outcome.error
    assert notebook.run("mine = net").ok
    assert notebook.run("%serve mine").ok, "an archive of that name comes before a variable"
    notebook.run("r = %predict mine 0")
    assert notebook.value("r.text") == "mine"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("%serve 3 --name three", "goes with a live torch.nn.Module, and 3 is an int"),
        ("%serve nobody --name x", "NameError"),
        ("%serve net --name quick --example nobody", "NameError"),
    ],
)
def test_what_is_no_model_is_one_red_line(notebook, line, words):
    outcome = notebook.run(line)
    assert words in outcome.error
    assert len(outcome.error.splitlines()) == 1


def test_a_model_that_travels_as_torchscript(notebook):
    assert notebook.run("chain = nn.Sequential(nn.Linear(2, 2), nn.Tanh())").ok
    outcome = notebook.run("%serve chain")
    assert "saved as TorchScript" in outcome.stdout, outcome.error
    assert np.allclose(post(notebook, "chain", "[[1, 2]]"), expected(notebook, "chain(torch.tensor([[1., 2.]]))"))
