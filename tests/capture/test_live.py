"""Live models as archive files, loaded again in a process that knows nothing of the notebook."""

import json
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")

from tsnb.capture.live import model_files  # noqa: E402
from tsnb.errors import CaptureError  # noqa: E402

IMPORTS = "import torch\nfrom torch import nn"
NET = """class Net(nn.Module):
    def __init__(self, hidden=4, p=0.5):
        super().__init__()
        self.a = nn.Linear(2, hidden)
        self.drop = nn.Dropout(p)
        self.b = nn.Linear(hidden, 3)

    def forward(self, x):
        return self.b(self.drop(self.a(x)))
"""

LOADER = """
import importlib, inspect, json, os, sys, torch

def load(folder, weights, model):
    sys.path.insert(0, folder)
    if not model:
        return torch.jit.load(weights)
    module = importlib.import_module(model)
    (cls,) = [one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__]
    net = cls()
    net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    return net

for line in sys.stdin:
    if os.fork() == 0:
        print(json.dumps(load(*json.loads(line)).eval()(torch.ones(1, 2)).tolist()), flush=True)
        os._exit(0)
    if os.wait()[1]:
        print("null", flush=True)
"""


@pytest.fixture(scope="module")
def loader():
    """A process that has imported torch and nothing else; a child of it loads each model."""
    command = [sys.executable, "-c", LOADER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/") as process:
        yield process
        process.stdin.close()


@pytest.fixture
def save(notebook, tmp_path):
    """Save a live model of the notebook; returns its files."""

    def run(expression="net", **options):
        folder = tmp_path / "files"
        folder.mkdir()
        space = notebook.shell.user_ns
        net = eval(expression, space)
        return model_files(net, "demo", folder, notebook.cells, space, expression=expression, **options)

    return run


@pytest.fixture
def same_answer(loader, notebook, tmp_path):
    """Whether a fresh process computes with the files, which are all it has, what the live model does."""

    def run(files, net):
        folder = tmp_path / "files"
        for extra in files.extra_files:
            if extra.parent != folder:
                (folder / extra.name).write_bytes(extra.read_bytes())
        model = files.model_file.stem if files.model_file else ""
        loader.stdin.write(json.dumps([str(folder), str(files.serialized_file), model]) + "\n")
        loader.stdin.flush()
        answer = torch.tensor(json.loads(loader.stdout.readline()))
        with torch.no_grad():
            return torch.allclose(answer, net.eval()(torch.ones(1, 2)), atol=1e-6)

    return run


def test_class_from_a_cell(notebook, save, same_answer):
    notebook.run(IMPORTS, NET, "net = Net()")
    files = save()
    assert files.model_file.name == "demo_model.py"
    assert not [extra for extra in files.extra_files if extra.suffix == ".py"]
    assert same_answer(files, notebook.shell.user_ns["net"])


def test_constructor_arguments_come_from_the_cell(notebook, save, same_answer):
    notebook.run(IMPORTS, NET, "HIDDEN = 7", "net = Net(HIDDEN, p=0.25).eval()")
    files = save()
    assert "super().__init__(7, p=0.25)" in files.model_file.read_text()
    assert same_answer(files, notebook.shell.user_ns["net"])


def test_helper_classes_go_into_a_second_file(notebook, save, same_answer):
    block = "class Block(nn.Module):\n    def __init__(self, n):\n        super().__init__()\n        self.f = nn.Linear(n, n)\n    def forward(self, x): return act(self.f(x))"  # noqa: E501
    net = "class Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.f = Block(2)\n    def forward(self, x): return self.f(x)"  # noqa: E501
    notebook.run(IMPORTS, "def act(x): return x.relu()", block, net, "net = Net()")
    files = save()
    assert "demo_parts.py" in [extra.name for extra in files.extra_files]
    assert same_answer(files, notebook.shell.user_ns["net"])


def test_a_changed_dropout_rate_is_noticed(notebook, save):
    notebook.run(IMPORTS, NET, "net = Net()", "net.drop.p = 0.1")
    assert "TorchScript" in save().notes[0]


def test_unknown_arguments_become_torchscript(notebook, save, same_answer):
    notebook.run(IMPORTS, NET, "nets = [Net(hidden=n) for n in (3, 5)]")
    files = save("nets[1]")
    assert files.model_file is None
    assert files.serialized_file.suffix == ".pt"
    assert same_answer(files, notebook.shell.user_ns["nets"][1])


def test_sequential_becomes_torchscript(notebook, save, same_answer):
    notebook.run(IMPORTS, "net = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))")
    files = save()
    assert files.model_file is None
    assert same_answer(files, notebook.shell.user_ns["net"])


def test_installed_class_with_arguments(notebook, save, same_answer):
    notebook.run(IMPORTS, "net = nn.Linear(2, 3)")
    files = save()
    assert "from torch.nn.modules.linear import Linear" in files.model_file.read_text()
    assert same_answer(files, notebook.shell.user_ns["net"])


def test_class_from_a_file_beside_the_notebook(notebook, save, same_answer, tmp_path, monkeypatch):
    (tmp_path / "beside_net.py").write_text(f"{IMPORTS}\n\n{NET}")
    monkeypatch.syspath_prepend(tmp_path)
    notebook.run("from beside_net import Net", "net = Net(hidden=3)")
    files = save()
    assert "beside_net.py" in [extra.name for extra in files.extra_files]
    assert same_answer(files, notebook.shell.user_ns["net"])


def test_class_that_needs_a_live_value_becomes_torchscript(notebook, save):
    notebook.run(
        IMPORTS,
        "size = torch.tensor(3.0, requires_grad=True)",
        NET.replace("hidden=4", "hidden=int(size)"),
        "net = Net()",
    )
    assert "size is a live Tensor" in save().notes[0]


def test_tracing_needs_an_example(notebook, save):
    body = "class Odd(nn.Module):\n    def __init__(self, n):\n        super().__init__()\n        self.f = nn.Linear(2, n)\n    def forward(self, x): return self.f(x) if id(x) else eval('x')"  # noqa: E501
    notebook.run(IMPORTS, body, "nets = [Odd(3)]")
    with pytest.raises(CaptureError, match=r"Odd cannot be saved: .* --example EXPR") as raised:
        save("nets[0]")
    assert "\n" not in raised.value.message


def test_tracing_with_an_example(notebook, save, same_answer):
    body = "class Odd(nn.Module):\n    def __init__(self, n):\n        super().__init__()\n        self.f = nn.Linear(2, n)\n    def forward(self, x): return self.f(x) if id(x) else eval('x')"  # noqa: E501
    notebook.run(IMPORTS, body, "nets = [Odd(3)]")
    files = save("nets[0]", example=torch.ones(1, 2))
    assert same_answer(files, notebook.shell.user_ns["nets"][0])


def test_the_live_model_is_left_alone(notebook, save):
    notebook.run(IMPORTS, NET, "net = Net()\nnet.train()")
    before = {key: value.clone() for key, value in notebook.shell.user_ns["net"].state_dict().items()}
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    save()
    net = notebook.shell.user_ns["net"]
    assert torch.equal(torch.rand(1), expected), "the random numbers of the notebook go on as if nothing had happened"
    assert net.training
    assert all(torch.equal(before[key], value) for key, value in net.state_dict().items())
    assert not any(name.startswith("demo_") for name in sys.modules)


def test_not_a_model(notebook, save):
    notebook.run("net = {'a': 1}")
    with pytest.raises(CaptureError, match="is a dict of 1 item, not a torch"):
        save()


def test_scripted_models_stay_scripted(notebook, save, same_answer):
    notebook.run(IMPORTS, "net = torch.jit.script(nn.Linear(2, 2))")
    files = save()
    assert same_answer(files, notebook.shell.user_ns["net"])


def test_redefined_class_is_noticed(notebook, save, same_answer):
    notebook.run(IMPORTS, NET, "net = Net()", NET.replace("hidden=4", "hidden=9"))
    files = save()
    assert same_answer(files, notebook.shell.user_ns["net"])
