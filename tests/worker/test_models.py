"""Models of every format, served by a real worker, answer as a direct call does."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from tsnb.protocol import Failed, Ready

from .peer import Server, body

MODEL = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.hidden = nn.Linear(4, 8)
        self.norm = nn.BatchNorm1d(8)
        self.out = nn.Linear(8, 3)

    def forward(self, x):
        return self.out(self.norm(torch.relu(self.hidden(x))))
"""
HANDLER = """
import torch
from ts.torch_handler.base_handler import BaseHandler

class Rows(BaseHandler):
    def preprocess(self, data):
        return torch.tensor([row["body"] for row in data])
"""
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit:DeprecationWarning")

ROWS = [[0.5, -1.0, 2.0, 0.25], [1.0, 1.0, 1.0, 1.0]]


@pytest.fixture
def net() -> nn.Module:
    namespace: dict[str, type[nn.Module]] = {}
    exec(MODEL, namespace)
    net = namespace["Net"]()
    net.load_state_dict({name: torch.rand_like(v.float()).to(v.dtype) for name, v in net.state_dict().items()})
    return net.eval()


def saved(net: nn.Module, name: str, folder: Path) -> dict[str, str]:
    """Writes the weights under ``name``; what the manifest says about them."""
    path = folder / name
    if name == "script.pt":
        torch.jit.trace(net, torch.rand(2, 4)).save(str(path))  # type: ignore[no-untyped-call]
        return {"serializedFile": name}
    if name == "exported.pt2":
        batch = torch.export.Dim("batch", min=1, max=64)
        torch.export.save(torch.export.export(net, (torch.rand(2, 4),), dynamic_shapes=({0: batch},)), path)
        return {"serializedFile": name}
    if name.endswith(".safetensors"):
        save_file(net.state_dict(), path)
    else:
        torch.save(net.state_dict(), path, _use_new_zipfile_serialization=name != "legacy.pth")
    return {"serializedFile": name, "modelFile": "net.py"}


@pytest.mark.parametrize("name", ["state.pt", "legacy.pth", "state.safetensors", "script.pt", "exported.pt2"])
def test_a_model_answers_as_a_direct_call_does(
    worker: Server, write: Callable[..., Path], net: nn.Module, name: str
) -> None:
    folder = write(rows=HANDLER, net=MODEL)
    manifest = {"model": {"handler": "rows.py", **saved(net, name, folder)}}
    ready = worker.load(folder, "rows.py", manifest=manifest)
    assert isinstance(ready, Ready), ready
    assert (ready.device, ready.notes) == ("cpu", ())
    answered = worker.ask(*[body(json.dumps(row).encode(), "application/json") for row in ROWS])
    assert not isinstance(answered, Failed), answered
    result, replies = answered
    with torch.inference_mode():
        expected = net(torch.tensor(ROWS)).tolist()
    assert [json.loads(reply.body) for reply in replies] == expected
    stages = {"decode", "preprocess", "inference", "postprocess", "handle", "encode"}
    assert result.timings.keys() == stages
    assert {sample.name for sample in result.metrics} == {"HandlerTime", "PredictionTime"}


def test_a_stage_that_fails_is_named_with_what_it_was_given(
    worker: Server, write: Callable[..., Path], net: nn.Module
) -> None:
    folder = write(rows=HANDLER, net=MODEL)
    worker.load(folder, "rows", manifest={"model": {"handler": "rows", **saved(net, "state.pt", folder)}})
    failure = worker.fails(body(b"[1.0, 2.0]", "application/json")).failure
    assert failure.stage == "inference"
    assert failure.inputs == "Tensor float32 (1, 2) on cpu"
    assert failure.message.startswith("mat1 and mat2")
    assert [frame.function for frame in failure.frames if frame.filename.endswith("net.py")] == ["forward"]
    failure = worker.fails(body(b'"words"', "application/json")).failure
    assert (failure.stage, failure.frames[-1].function) == ("preprocess", "preprocess")
    assert failure.frames[-1].filename == str(folder / "rows.py")


def test_weights_without_their_class_are_explained(worker: Server, write: Callable[..., Path], net: nn.Module) -> None:
    folder = write(rows=HANDLER)
    saved(net, "state.pt", folder)
    failed = worker.load(folder, "rows", manifest={"model": {"serializedFile": "state.pt"}})
    assert isinstance(failed, Failed)
    assert failed.status == 500
    assert "holds weights only" in failed.failure.message
    assert failed.failure.stage == "initialize"


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ({}, "No model weights could be loaded"),
        ({"serializedFile": "w.bin"}, "No model weights could be loaded: the serialized file w.bin needs a model file"),
        ({"modelFile": "absent.py"}, "Missing the absent.py file"),
        ({"modelFile": "two.py"}, "Expected only one class as model definition in two.py, found: A, B"),
        ({"modelFile": "net.py", "serializedFile": "absent.pt"}, "Missing the serialized file absent.pt"),
    ],
)
def test_an_archive_that_names_no_model_is_explained(
    worker: Server, write: Callable[..., Path], model: dict[str, str], says: str
) -> None:
    folder = write(rows=HANDLER, net=MODEL, two="class A: pass\nclass B: pass\n")
    failed = worker.load(folder, "rows", manifest={"model": model})
    assert isinstance(failed, Failed)
    assert says in failed.failure.message


def test_slow_loading_is_noted(worker: Server, write: Callable[..., Path]) -> None:
    slow = "        self.size = float(self.out.weight.norm())\n\n    def forward"
    folder = write(rows=HANDLER, net=MODEL.replace("    def forward", slow))
    namespace: dict[str, type[nn.Module]] = {}
    exec(MODEL, namespace)
    torch.save(namespace["Net"]().state_dict(), folder / "w.pt")
    manifest = {"model": {"serializedFile": "w.pt", "modelFile": "net.py"}}
    ready = worker.load(folder, "rows", manifest=manifest)
    assert isinstance(ready, Ready), ready
    assert "the constructor of Net computes with random values" in ready.notes[0]


CLASSIFIER = """
import torch
from torch import nn

class Mean(nn.Module):
    def __init__(self):
        super().__init__()
        self.out = nn.Linear(3, 6)

    def forward(self, x):
        return self.out(x.mean((2, 3)))
"""


class Mean(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(3, 6)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x.mean((2, 3)))  # type: ignore[no-any-return]


def test_the_default_image_classifier_names_the_best_classes(worker: Server, write: Callable[..., Path]) -> None:
    folder = write(mean=CLASSIFIER)
    net = Mean().eval()
    torch.save(net.state_dict(), folder / "w.pt")
    (folder / "index_to_name.json").write_text(json.dumps({str(i): ["id", f"class {i}"] for i in range(6)}))
    manifest = {"model": {"serializedFile": "w.pt", "modelFile": "mean.py"}}
    ready = worker.load(folder, "image_classifier", manifest=manifest)
    assert isinstance(ready, Ready), ready
    file = io.BytesIO()
    Image.new("RGB", (300, 260), (255, 0, 128)).save(file, "PNG")
    answer = json.loads(worker.reply(file.getvalue(), "image/png").body)
    pixel = (torch.tensor([255, 0, 128]) / 255 - torch.tensor([0.485, 0.456, 0.406])) / torch.tensor(
        [0.229, 0.224, 0.225]
    )
    with torch.inference_mode():
        expected = torch.softmax(net.out(pixel), 0)
    assert list(answer) == [f"class {i}" for i in expected.argsort(descending=True)[:5].tolist()]
    assert list(answer.values()) == pytest.approx(expected.sort(descending=True).values[:5].tolist(), rel=1e-4)


def test_the_base_handler_itself_serves_numbers_through_no_file(
    worker: Server, write: Callable[..., Path], net: nn.Module
) -> None:
    folder = write()
    manifest = {"model": {"handler": "base_handler", **saved(net, "script.pt", folder)}}
    assert isinstance(worker.load(folder, "base_handler", manifest=manifest), Ready)
    failure = worker.fails(body(b"[1]", "application/json")).failure
    assert failure.stage == "preprocess"
    assert failure.frames[-1].function == "preprocess"
