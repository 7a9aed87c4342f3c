"""%inspect and %mardiff in a real shell."""

import json
import subprocess
import zipfile
from pathlib import Path

import pytest
import torch

MADE = Path(__file__).parent.parent / "archives" / "made_by_torch_model_archiver"

HELPER = "SCALE = 3\n\ndef twice(x):\n    return x * SCALE\n"
HANDLER = "%%handler digits\ndef handle(data, context):\n    return data and [twice(2) for _ in data] # <script>\n"


@pytest.fixture
def digits(run):
    """An archive made of cells: a helper, the handler, a model."""
    run(HELPER)
    run(HANDLER)
    run("import torch\nnet = torch.nn.Linear(3, 2)")
    run("%archive digits --model net --version 1.0")


def index(path="model_store/digits.mar"):
    with zipfile.ZipFile(path) as mar:
        return json.loads(mar.read("MAR-INF/tsnb.json"))["provenance"]


# --- inspect ----------------------------------------------------------------------------------------


def test_a_name_and_a_path_show_the_same(run, digits):
    by_name, by_path = run("%inspect digits"), run("%inspect model_store/digits.mar")
    assert repr(by_name).splitlines()[1:] == repr(by_path).splitlines()[1:]
    for part in (
        "digits, version 1.0",
        "def twice(x):",
        "float32[2, 3]",
        "8 parameters",
        "digits_model.py",
        "took SCALE",
    ):
        assert part in repr(by_name)
    page = by_name._repr_html_()
    assert "<details open>" in page
    assert "<script" not in page
    assert "&lt;script&gt;" in page
    assert by_name.report.version == "1.0"


@pytest.mark.parametrize("name", ["greeter.mar", "greeter.tar.gz", "greeter"])
def test_archives_of_torch_model_archiver(run, name):
    found = run(f"%inspect {MADE / name}")
    assert "def handle(data, context):" in repr(found)
    assert "sub/deep.txt" in found._repr_html_()


def test_what_is_no_archive_is_one_line(shown):
    Path("x.mar").write_bytes(b"nonsense")
    for cell, words in (
        ("%inspect nobody", "NotFound: There is no archive nobody"),
        ("%inspect x.mar", "InvalidModel"),
    ):
        text = shown(cell)
        assert text.startswith(words)
        assert len(text.splitlines()) == 1


# --- where it came from -----------------------------------------------------------------------------


def test_provenance_of_a_captured_handler(run, digits):
    found = index()
    assert found["cell"] == HANDLER
    assert [cell["names"] for cell in found["cells"]] == [["SCALE", "twice"]]
    assert found["execution_count"] == found["cells"][0]["execution_count"] + 1
    assert found["torch"] == torch.__version__
    assert found["created"].endswith("+00:00")
    assert "sample" not in found
    assert str(Path.home()) not in json.dumps(found)


def test_the_notebook_is_named_where_somebody_knows_it(run, digits, monkeypatch):
    assert index().get("notebook", "") == ""
    monkeypatch.setenv("JPY_SESSION_NAME", str(Path.cwd() / "sub" / "a.ipynb"))
    run("%archive digits --model net")
    assert (index()["notebook"], index()["notebook_path"]) == ("a.ipynb", "sub/a.ipynb")
    run("__vsc_ipynb_file__ = '/somewhere/else/b.ipynb'\n%archive digits --model net")
    assert index()["notebook"] == "b.ipynb"
    assert "notebook_path" not in index()


def git(*words):
    identity = ("-c", "user.name=n", "-c", "user.email=e@example.org", "-c", "commit.gpgsign=false")
    return subprocess.run(["git", *identity, *words], check=True, capture_output=True, text=True).stdout.strip()


def test_git_state(run, digits):
    assert "git" not in index()
    git("init", "-q")
    run("%archive digits --model net")
    assert "git" not in index()
    Path("a.txt").write_text("1")
    git("add", "a.txt")
    git("commit", "-q", "-m", "one")
    # git runs this program when it looks for changes, where nobody forbids it
    Path("hook").write_text("#!/bin/sh\ntouch sprung\n")
    Path("hook").chmod(0o755)
    git("config", "core.fsmonitor", str(Path("hook").absolute()))
    run("%archive digits --model net")
    assert index()["git"] == {"commit": git("-c", "core.fsmonitor=false", "rev-parse", "HEAD"), "dirty": False}
    Path("a.txt").write_text("2")
    run("%archive digits --model net")
    assert index()["git"]["dirty"] is True
    assert not Path("sprung").exists()
    assert "with changes that are not committed" in repr(run("%inspect digits"))


def test_a_git_that_hangs_is_not_waited_for(run, digits, monkeypatch, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/git").write_text("#!/bin/sh\nexec sleep 60\n")
    (tmp_path / "bin/git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr("tsnb.capture.provenance.GIT_TIMEOUT", 0.2)
    run("%archive digits --model net")
    assert "git" not in index()


def test_a_handler_file_has_its_versions(run):
    Path("own.py").write_text("import numpy\ndef handle(data, context): pass\n")
    run("%archive digits --handler own.py")
    assert "numpy" in index()["distributions"]
    assert "cell" not in index()


# --- mardiff ----------------------------------------------------------------------------------------


def test_equal_archives_are_one_line(run, digits):
    same = run("%mardiff digits model_store/digits.mar")
    assert repr(same) == "The archives are equal."
    assert not same


def test_code_tensors_requirements_and_config(run, digits):
    Path("model_store/digits.mar").rename("old.mar")
    run(HELPER.replace("3", "4"))
    run(HANDLER)
    run("with torch.no_grad(): net.weight += 1.0")
    Path("r.txt").write_text("numpy>=2\n")
    run("%archive digits --model net --version 2.0 -r r.txt --batch-size 4")
    found = run("%mardiff old.mar digits")
    assert found
    text = repr(found)
    for line in (
        "-SCALE = 3",
        "+SCALE = 4",
        "manifest model.modelVersion: '1.0' -> '2.0'",
        "config batchSize: absent -> 4",
        "requirement numpy: absent -> '>=2'",
        "tensor digits.pth weight: float32[2, 3]; norm of the difference 2.449",
        "added r.txt",
    ):
        assert line in text
    assert "digits.pth bias" not in text
    page = found._repr_html_()
    assert 'class="tsnb-added">+SCALE = 4' in page
    assert "<script" not in page
