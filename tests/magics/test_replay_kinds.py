"""Replays of handlers of every kind: with weights, with classes of other cells, asynchronous, from a file."""

import re

import pytest
from support import kernel as kernels

NET = """
import torch
from torch import nn
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(2, 2)
    def forward(self, x):
        return self.out(x)
torch.manual_seed(0)
net = Net()
"""

BASE = """
from tsnb import BaseHandler
class Base(BaseHandler):
    def preprocess(self, data):
        return torch.tensor([row["body"] for row in data], dtype=torch.float32)
"""

WITH_WEIGHTS = """%%handler weighed
class Weighed(Base):
    def postprocess(self, out):
        return [{"best": int(row.argmax()), "first": float(row[0])} for row in out]
"""

ASYNC = """%%handler later
import asyncio
class Later:
    def initialize(self, context):
        self.context = context
    async def handle(self, data, context):
        await asyncio.sleep(0)
        return [{"half": self.half(row["body"])} for row in data]
    def half(self, value):
        return 1 / value
"""

FROM_FILE = """
open("words.txt", "w").write("three")
open("filed.py", "w").write('''
def handle(data, context):
    if data is None:
        return None
    return [open("words.txt").read()[row["body"]] for row in data]
''')
"""


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    with kernels.kernel(tmp_path_factory.mktemp("notebook")) as kernel:
        for cell in (
            "%load_ext tsnb\n%config Tsnb.fresh_check = False",
            *(NET, BASE, WITH_WEIGHTS, ASYNC, FROM_FILE),
            *("%archive weighed --model net", "%archive later"),
            "%archive filed --handler filed.py --extra-files words.txt",
            *("%serve weighed", "%serve later", "%serve filed"),
        ):
            outcome = kernel.run(cell)
            assert outcome.ok, outcome.error
        yield kernel


def plain(outcome):
    return re.sub(r"\x1b\[[\d;]*m", "", outcome.error)


def ask(kernel, model, data):
    """The id of a request that is kept, for sure, and its answer."""
    kernel.run(f"answer = %predict {model} {data}")
    return kernel.value("answer.request_id"), kernel.value("answer.json()")


def fail(kernel, model, data):
    outcome = kernel.run(f"%predict {model} {data}")
    assert not outcome.ok
    return re.search(r"request ([0-9a-f-]{36})", plain(outcome))[1], plain(outcome)


def marked(text):
    """The lines with an arrow, without how far they are indented."""
    return [re.sub(r"\s+", " ", line).strip(" ->") for line in text.splitlines() if re.match(r"\s*-+>", line)]


def test_weights_and_classes_of_other_cells(kernel):
    identity, answer = ask(kernel, "weighed", "[1.0, 2.0]")
    outcome = kernel.run(f"again = %replay {identity}")
    assert outcome.ok, outcome.error
    assert kernel.value("again.json()") == answer
    assert {"preprocess", "inference", "postprocess"} <= set(kernel.value("list(again.timings)"))


def test_a_failure_in_a_class_of_another_cell(kernel):
    identity, served = fail(kernel, "weighed", '["a"]')
    replayed = plain(kernel.run(f"%replay {identity}"))
    assert marked(served)[-1] == marked(replayed)[-1]
    assert "Cell In[3]" in replayed
    outcome = kernel.run(f"%replay {identity} --debug", answers=["p data", "continue"])
    assert "[{'body': ['a']}]" in outcome.stdout


def test_an_asynchronous_handler(kernel):
    identity, answer = ask(kernel, "later", "4")
    assert answer == {"half": 0.25}
    assert kernel.run(f"%replay {identity}").text.endswith('{"half": 0.25}')
    identity, served = fail(kernel, "later", "0")
    replayed = plain(kernel.run(f"%replay {identity}"))
    assert marked(served)[-1] == marked(replayed)[-1]
    assert "asyncio" not in replayed.replace("await asyncio", "")


def test_a_handler_from_a_file_finds_its_files(kernel):
    kernel.run("answer = %predict filed 1")
    identity = kernel.value("answer.request_id")
    outcome = kernel.run(f"%replay {identity}")
    assert outcome.ok, outcome.error
    assert outcome.text.endswith("h")
    identity, served = fail(kernel, "filed", "99")
    replayed = plain(kernel.run(f"%replay {identity}"))
    assert "IndexError: string index out of range" in replayed
    assert "filed.py" in replayed
    assert marked(served)[-1] == marked(replayed)[-1]
