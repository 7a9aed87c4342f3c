"""What notebooks do to code, and what becomes of it at capture: taken, told, or refused. Never an error at load."""

import asyncio
import json

import pytest

from tests.capture.test_capture import loaded
from tsnb.errors import CaptureError


def handler(expression):
    return f"def handle(data, context):\n    return {expression}\n"


# --- redefined, reordered, deleted -------------------------------------------------------------------


def test_a_redefined_constant_is_told_and_the_latest_wins(notebook, tmp_path):
    notebook.run("LIMIT = 1", "LIMIT = 2")
    module = notebook.capture(handler("LIMIT"))
    assert module.notices == ["LIMIT is defined more than once: took cell [2], not cell [1]"]
    assert loaded(module, tmp_path).handle(None, None) == 2


def test_a_function_redefined_as_a_constant_is_told(notebook, tmp_path):
    notebook.run("def f(): return 1", "f = 5")
    module = notebook.capture(handler("f"))
    assert module.notices == ["f is defined more than once: took cell [2], not cell [1]"]
    assert loaded(module, tmp_path).handle(None, None) == 5


def test_the_same_definition_twice_is_no_news(notebook):
    notebook.run("def f(): return 1", "def f(): return 1")
    assert notebook.capture(handler("f()")).notices == []


def test_cells_run_out_of_order_are_put_in_order(notebook, tmp_path):
    """The child class stands above its base in the notebook, and ran later."""
    notebook.run("class Base:\n    v = 1", "class Child(Base):\n    pass", "class Base:\n    v = 3")
    assert loaded(notebook.capture(handler("Child.v")), tmp_path).handle(None, None) == 3


def test_an_older_cell_run_again_is_the_latest(notebook, tmp_path):
    first, second = "def f(): return 'first'", "def f(): return 'second'"
    notebook.run(first, second, first)
    assert loaded(notebook.capture(handler("f()")), tmp_path).handle(None, None) == "first"


@pytest.fixture
def saved(notebook, tmp_path, monkeypatch):
    """Save the notebook's cells, but for some, to its file."""

    def save(*, without=()):
        cells = [{"id": cell.cell_id, "source": cell.raw} for cell in notebook.cells if cell.raw not in without]
        path = tmp_path / "notebook.ipynb"
        path.write_text(json.dumps({"cells": cells or [{"id": "empty"}]}))
        monkeypatch.setenv("JPY_SESSION_NAME", str(path))

    return save


def run_with_id(notebook, cell, cell_id):
    notebook.shell.run_cell(cell, store_history=True, cell_id=cell_id).raise_error()


def test_what_comes_from_a_deleted_cell_is_taken_and_told(notebook, saved, tmp_path):
    run_with_id(notebook, "def f(): return 4", "a")
    run_with_id(notebook, "def g(): return f()", "b")
    saved(without=["def f(): return 4"])
    module = notebook.capture(handler("g()"))
    assert module.notices == [
        "cell [1] is no longer in the notebook, which alone cannot make this handler again: keep f in a cell"
    ]
    assert loaded(module, tmp_path).handle(None, None) == 4


def test_a_cell_that_was_not_saved_yet_is_not_called_deleted(notebook, saved):
    run_with_id(notebook, "x = 0", "a")
    saved()
    run_with_id(notebook, "def f(): return 4", "b")
    notebook.cells._cells[-1].ran += 10  # after the file was written, however coarse its time is
    assert notebook.capture(handler("f()")).notices == []


def test_a_notebook_that_cannot_be_read_says_nothing(notebook, saved, tmp_path):
    run_with_id(notebook, "def f(): return 4", "a")
    saved()
    (tmp_path / "notebook.ipynb").write_text("{half")
    assert notebook.capture(handler("f()")).notices == []


# --- star imports ------------------------------------------------------------------------------------


def test_a_star_import_in_the_handler_cell_stays(notebook, tmp_path):
    module = notebook.capture("from math import *\n" + handler("floor(2.5)"))
    assert loaded(module, tmp_path).handle(None, None) == 2


def test_a_star_import_does_not_hide_what_is_missing(notebook):
    with pytest.raises(CaptureError, match="nobody is not defined anywhere"):
        notebook.capture("from math import *\n" + handler("nobody"))


# --- files -------------------------------------------------------------------------------------------


def test_dunder_file_in_a_function_is_the_module_s_own(notebook, tmp_path):
    module = notebook.capture(handler("__file__"))
    assert loaded(module, tmp_path).handle(None, None) == str(tmp_path / "loaded_module.py")
    (notice,) = module.notices
    assert "model_dir" in notice


def test_a_data_file_is_offered_as_an_extra_file(notebook, tmp_path):
    (tmp_path / "labels.txt").write_text("a\nb")
    module = notebook.capture(handler("open('labels.txt').read().split()"))
    assert module.notices == ["labels.txt is a file beside the notebook: add it with %archive --extra-files labels.txt"]
    assert module.data_files == {"labels.txt": str(tmp_path / "labels.txt")}


def test_a_data_file_in_a_folder_is_told_to_lose_it(notebook, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/words").write_text("a")
    (notice,) = notebook.capture(handler("open('data/words')")).notices
    assert "--extra-files data/words, and open it as 'words'" in notice


def test_words_that_are_files_by_chance_are_not_offered(notebook, tmp_path):
    (tmp_path / "body").write_text("")
    assert notebook.capture(handler("data[0]['body']")).data_files == {}


def test_a_package_beside_the_notebook_travels_with_its_folder(notebook, tmp_path, monkeypatch):
    for name, text in {"__init__": "", "deep/__init__": "", "deep/inner": "import beside_pkg.deep\nX = 3"}.items():
        (tmp_path / f"beside_pkg/{name}.py").parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / f"beside_pkg/{name}.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    notebook.run("from beside_pkg.deep import inner")
    files = notebook.capture(handler("inner.X")).files
    assert sorted(files) == ["beside_pkg/__init__.py", "beside_pkg/deep/__init__.py", "beside_pkg/deep/inner.py"]


def test_a_file_that_travels_and_is_no_python_is_refused(notebook, tmp_path, monkeypatch):
    (tmp_path / "beside_broken.py").write_text("X = 1")
    monkeypatch.syspath_prepend(tmp_path)
    notebook.run("import beside_broken")
    (tmp_path / "beside_broken.py").write_text("X = ")
    with pytest.raises(CaptureError, match=r"beside_broken\.py is imported and is no valid Python"):
        notebook.capture(handler("beside_broken.X"))


def test_the_sidecar_names_no_folder_above_its_own(notebook, tmp_path):
    (tmp_path / "labels.txt").write_text("a")
    sidecar = notebook.capture(handler("open('labels.txt')")).sidecar(tmp_path / "handlers")
    assert sidecar["data_files"] == {"labels.txt": "../labels.txt"}


# --- kinds of functions ------------------------------------------------------------------------------


def test_an_async_handler(notebook, tmp_path):
    notebook.run("async def double(x): return 2 * x")
    module = notebook.capture("async def handle(data, context):\n    return await double(data)")
    assert asyncio.run(loaded(module, tmp_path).handle(4, None)) == 8


COUNTER = """
def counter():
    n = 0
    def step():
        nonlocal n
        n += 1
        return n
    return step
"""


def test_a_closure_with_a_memory_begins_anew_and_this_is_told(notebook, tmp_path):
    notebook.run(COUNTER, "count = counter()\ncount()\ncount()")
    module = notebook.capture(handler("count()"))
    assert module.notices == ["count remembers n between calls: every worker begins anew"]
    assert loaded(module, tmp_path).handle(None, None) == 1


def test_a_lambda_made_by_a_function_is_made_again(notebook, tmp_path):
    notebook.run("def scaled(k): return lambda x: k * x", "triple = scaled(3)")
    module = notebook.capture(handler("triple(2)"))
    assert module.notices == []
    assert loaded(module, tmp_path).handle(None, None) == 6


def test_open_is_a_builtin_although_ipython_has_its_own(notebook, tmp_path):
    module = notebook.capture(handler("open"))
    assert loaded(module, tmp_path).handle(None, None) is open


def test_a_decorator_that_replaces_the_function_travels(notebook, tmp_path):
    notebook.run(
        "import functools",
        "def loud(f):\n    @functools.wraps(f)\n    def inner(*a): return str(f(*a)) + '!'\n    return inner",
        "@loud\ndef name(x): return x",
    )
    assert loaded(notebook.capture(handler("name('hi')")), tmp_path).handle(None, None) == "hi!"


def test_the_digest_does_not_depend_on_the_run(notebook):
    notebook.run("def f(): return 1")
    first = notebook.capture(handler("f()"))
    notebook.run("def f(): return 1")
    again = notebook.capture(handler("f()"))
    assert first.source != again.source
    from tsnb.capture.module import digest

    assert digest(first.source) == digest(again.source)
    notebook.run("def f(): return 2")
    assert digest(notebook.capture(handler("f()")).source) != digest(first.source)
