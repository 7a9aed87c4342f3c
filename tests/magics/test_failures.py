"""What a user sees of a worker's exception: her own lines, the stage, what it was given, what was printed."""

import re

import pytest
from support import kernel as kernels


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with kernels.kernel(tmp_path_factory.mktemp("notebook")) as kernel:
        assert kernel.run("%load_ext tsnb\n%config Tsnb.fresh_check = False").ok
        yield kernel


def plain(outcome):
    assert not outcome.ok
    return re.sub(r"\x1b\[[\d;]*m", "", outcome.error)


def serve(kernel, name, cell):
    for each in (f"%%handler {name}\n{cell}", f"%archive {name}", f"%serve {name}"):
        outcome = kernel.run(each)
        if not outcome.ok:
            return outcome
    return outcome


def test_a_bad_return_shows_its_line(kernel):
    assert serve(kernel, "odd", "def handle(data, context):\n    x = 1\n    return {'x': x}").ok
    shown = plain(kernel.run("%predict odd 'a'"))
    assert "----> 4     return {'x': x}" in shown
    assert "Cell In[" in shown
    assert "InvalidAnswer: the handler returned dict; it must return a list with one item per request" in shown
    identity = re.search(r"in handle, worker 9\d+, request ([0-9a-f-]{36})", shown)[1]
    replayed = plain(kernel.run(f"%replay {identity}"))
    assert "----> 4     return {'x': x}" in replayed
    assert "InvalidAnswer: the handler returned dict" in replayed


def test_an_answer_without_bytes_shows_its_line(kernel):
    assert serve(kernel, "things", "def handle(data, context):\n    return data and [object()]").ok
    shown = plain(kernel.run("%predict things 'a'"))
    assert "----> 3     return data and [object()]" in shown
    assert "in encode" in shown


def test_tensors_are_told_by_shape_and_dtype(kernel):
    cell = """
import torch
from tsnb import BaseHandler

class Sums(BaseHandler):
    def initialize(self, context):
        pass
    def preprocess(self, data):
        print("on stdout")
        return torch.zeros(len(data), 3)
    def inference(self, x):
        import sys
        print("on stderr", file=sys.stderr)
        return x @ torch.zeros(2, 2)
"""
    assert serve(kernel, "sums", cell.strip("\n")).ok
    shown = plain(kernel.run("%predict sums [1]"))
    assert "return x @ torch.zeros(2, 2)" in shown
    assert re.search(r"in inference, worker 9\d+, request [0-9a-f-]{36}; given Tensor float32 \(1, 3\) on cpu", shown)
    assert "the worker printed:\non stdout\non stderr\n" in shown


def test_a_syntax_error_of_a_file_shows_its_line(kernel):
    kernel.run("open('wrong.py', 'w').write('import os\\ndef handle(data, context:\\n    pass\\n')")
    assert kernel.run("%archive wrong --handler wrong.py").ok
    shown = plain(kernel.run("%serve wrong"))
    assert "wrong.py:2" in shown
    assert "----> 2 def handle(data, context:" in shown
    assert "SyntaxError" in shown
    assert "in import" in shown


def test_what_initialize_printed_is_shown(kernel):
    cell = """class Late:
    def initialize(self, context):
        print("looking for weights")
        raise FileNotFoundError("weights.pt")
    def handle(self, data, context):
        return data"""
    shown = plain(serve(kernel, "late", cell))
    assert '----> 5         raise FileNotFoundError("weights.pt")' in shown
    assert "in initialize" in shown
    assert "the worker printed:\nlooking for weights" in shown


def test_clients_outside_see_nothing_of_it(kernel):
    assert serve(kernel, "hidden", "def handle(data, context):\n    return {'x': 1}").ok
    code = """
client = get_ipython()._tsnb[0].running()
import httpx
url = f"{client.address.inference}/predictions/hidden"
answer = httpx.post(url, content=b"a", headers={"Authorization": f"Bearer {client.address.token(url)}"})
(answer.status_code, answer.text)"""
    text = kernel.run(code).text
    assert "503" in text
    assert "Invalid model predict output" in text
    assert "returned" not in text
    assert "Cell" not in text
