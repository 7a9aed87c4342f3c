"""%explode: an archive becomes cells and files again, and archived once more it is the same."""

import json
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
import torch

from tests.archive.hostile import Gadget, mar, saved

MADE = Path(__file__).parent.parent / "archives" / "made_by_torch_model_archiver"

CELLS = (
    "import math\nfrom tsnb import BaseHandler\nimport beside",
    "SCALE = 3\n\ndef twice(x):\n    return math.floor(x) * SCALE\n",
    "%%handler digits\nclass Digits(BaseHandler):\n    def postprocess(self, out):\n"
    "        return [twice(beside.ONE) for _ in out]\n",
    "import torch\nnet = torch.nn.Linear(3, 2)",
    "%archive digits --model net --version 1.5 --extra-files data",
)


@pytest.fixture
def digits(run, monkeypatch):
    monkeypatch.syspath_prepend(Path.cwd())  # as in a notebook
    sys.modules.pop("beside", None)
    Path("beside.py").write_text("ONE = 1\n")
    Path("data/sub").mkdir(parents=True)
    Path("data/sub/names.txt").write_text("one, two")
    for cell in CELLS:
        run(cell)


@pytest.fixture
def below(shell, run):
    """Run a cell; its result, and the cell it put below."""

    def call(cell):
        shell.rl_next_input = None
        return run(cell), shell.rl_next_input

    return call


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist() if not name.startswith("MAR-INF")}


def test_the_cell_that_was_typed_comes_back(below, digits):
    found, cell = below("%explode digits")
    assert cell == CELLS[2].rstrip("\n")
    assert "the one that was typed" in repr(found)
    assert Path("digits_files/extra/sub/names.txt").read_text() == "one, two"
    assert Path("digits_files/digits.pth").is_file()
    assert not list(Path("digits_files").rglob("*.tsnb.json"))


def test_the_other_cells_come_one_by_one(below, digits):
    found, _ = below("%explode digits")
    titles = [cell.title for cell in found.exploded.cells]
    assert titles == ["path", "imports", "from cell [3]", "handler", "model", "archive"]
    assert below("%explode digits --cell 3")[1] == CELLS[1].rstrip("\n")
    assert below("%explode digits --cell 5")[1].startswith("%%writefile digits_files/digits_model.py\n")


def test_a_notebook_that_makes_the_same_archive(run, below, digits):
    assert below("%explode digits --notebook new/back")[1] is None
    notebook = nbformat.read("new/back.ipynb", 4)
    nbformat.validate(notebook)
    before = contents("model_store/digits.mar")
    Path("beside.py").unlink()
    sys.modules.pop("beside")
    run("%reset -f")
    for cell in notebook.cells[2:]:
        run(cell.source)
    after = contents("model_store/digits.mar")
    own = lambda code: [line for line in code.decode().splitlines() if not line.startswith("#")]  # noqa: E731
    assert own(before.pop("digits.py")) == own(after.pop("digits.py"))
    maps = {name for name in before if name.endswith(".tsnb.json")}
    assert {name: data for name, data in before.items() if name not in maps} == {
        name: data for name, data in after.items() if name not in maps
    }


def test_an_edited_handler_file_is_what_comes_back(run, below, digits):
    path = Path("handlers/digits.py")
    path.write_text(path.read_text().replace("twice(beside.ONE)", "7"))
    run("%archive digits --handler handlers/digits.py --model net")
    found, cell = below("%explode digits --to other")
    assert "is made of digits.py" in repr(found)
    assert cell.startswith("%%handler digits\n")
    assert "return [7 for _ in out]" in cell
    assert "Written by tsnb" not in cell


@pytest.mark.parametrize("name", ["greeter.mar", "greeter.tar.gz", "greeter"])
def test_archives_of_torch_model_archiver(run, below, name):
    _, cell = below(f"%explode {MADE / name}")
    assert cell.splitlines()[0] == "%%handler greeter"
    assert Path("greeter_files/extra/sub/deep.txt").is_file()
    command = below(f"%explode {MADE / name} --cell 2")[1]
    run(cell)
    run(command)
    assert contents("model_store/greeter.mar").keys() - contents(MADE / "greeter.mar").keys() == {"greeter.tsnb.json"}


def test_a_default_handler_has_no_cell(below):
    path = mar(
        Path("d.mar"), {"w.pt": b"x"}, {"modelName": "d", "handler": "image_classifier", "serializedFile": "w.pt"}
    )
    found, cell = below(f"%explode {path}")
    assert cell == "%archive d --version 1.0 --handler image_classifier --serialized-file d_files/w.pt"
    assert "not in the archive" in repr(found)


def test_nothing_is_overwritten(shown, run, digits):
    Path("digits_files").mkdir()
    Path("digits_files/mine.txt").write_text("mine")
    Path("mine.ipynb").write_text("mine")
    assert shown("%explode digits").startswith("Conflict: digits_files is there already and nothing is overwritten")
    assert shown("%explode digits --to new --notebook mine").startswith("Conflict: mine.ipynb is there already")
    assert not Path("new").exists()
    Path("link").symlink_to("digits_files")
    assert shown("%explode digits --to link").startswith("Conflict: link")
    assert [path.name for path in Path("digits_files").iterdir()] == ["mine.txt"]
    run("%explode digits --to new")
    assert sorted(Path().glob(".*.partial")) == []


@pytest.mark.parametrize("number", [0, 9])
def test_a_cell_that_is_not_there(shown, digits, number):
    assert f"UsageError: --cell {number}: there are cells 1 to 6" in shown(f"%explode digits --cell {number}")
    assert not Path("digits_files").exists()


def test_nothing_of_a_stranger_is_executed(run, below):
    sentinel = Path("sprung").absolute()
    spring = f"open({str(sentinel)!r}, 'w')\n"
    files = {
        "h.py": spring,
        "m.py": spring,
        "sitecustomize.py": spring,
        "{open('sprung','w')}.py": spring,
        "w.pt": saved({"x": torch.zeros(1), "bad": Gadget(sentinel)}),
    }
    model = {
        "modelName": "x\nopen('sprung','w')",
        "modelVersion": "{open('sprung','w')}",
        "handler": "h.py",
        "modelFile": "{open('sprung','w')}.py",
        "serializedFile": "w.pt",
    }
    path = mar(Path("evil.mar"), files, model, cell="%%handler x\n!touch sprung", module_sha256="0")
    found, cell = below(f"%explode {path}")
    assert cell == f"%%handler evil\n{spring}".rstrip("\n")
    command = found.exploded.cells[-1].source
    assert command == "%archive evil --serialized-file evil_files/w.pt --extra-files evil_files/extra\n"
    assert "--version is left out" in repr(found)
    assert all("\n%%" not in cell.source and "\n!" not in cell.source for cell in found.exploded.cells)
    found._repr_html_()
    assert not sentinel.exists()


def test_a_cell_that_does_not_fit_its_file_is_not_believed(below):
    import hashlib

    digest = lambda text: hashlib.sha256(text.encode()).hexdigest()  # noqa: E731
    source = "# Written by tsnb\n\n# %%handler digits\ndef handle(data, context): return data\n"
    for cell in (
        "%%handler digits\n!touch sprung",
        "%%handler {1/0}\n",
        "%%bash\ntouch sprung",
        "%%handler digits\nx = 1",
    ):
        path = mar(
            Path("m.mar"),
            {"h.py": source},
            {"modelName": "digits", "handler": "h.py"},
            cell=cell,
            cell_sha256=digest(cell),
            module_sha256=digest(source),
        )
        assert "def handle" in below(f"%explode {path}")[1]


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [("h.py", b"\xff\xfe", "not UTF-8"), ("h.py", b"#" * (2 << 20), "a cell takes")],
    ids=["binary", "long"],
)
def test_a_handler_that_cannot_be_a_cell(shown, name, content, words):
    mar(Path("m.mar"), {name: content}, {"handler": "h.py"})
    text = shown("%explode m.mar")
    assert text.startswith("InvalidModel")
    assert words in text
    assert json.dumps(sorted(path.name for path in Path().iterdir())) == '["m.mar"]'


def test_a_real_kernel_puts_the_cell_below(kernel, tmp_path):
    kernel.run("%load_ext tsnb")
    reply = kernel.client.execute_interactive(
        f"%explode {MADE / 'greeter.mar'} --to {tmp_path / 'files'}", output_hook=lambda message: None, timeout=60
    )
    (payload,) = reply["content"]["payload"]
    assert (payload["source"], payload["replace"]) == ("set_next_input", False)
    assert payload["text"].startswith("%%handler greeter\n")
