"""A handler cell is tried in a fresh interpreter: what works in this kernel only is an error now, not at load."""

import sys

import pytest

from tsnb.magics.trial import settle

GOOD = "%%handler digits\ndef handle(data, context):\n    return data"


@pytest.fixture
def checking(shell, tmp_path):
    """A module that only this kernel finds, and a session that checks."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere/only_here.py").write_text("X = 1\n")
    sys.path.append(str(tmp_path / "elsewhere"))
    session = shell._tsnb[0]
    session.fresh_check = True
    session.checker.start()
    yield session
    sys.path.remove(str(tmp_path / "elsewhere"))
    sys.modules.pop("only_here", None)


def warm(session):
    from tsnb.messages import ImportOrder

    assert session.checker.submit(ImportOrder("m", {"m.py": "handle = print"})).result(60).finished


BAD = "%%handler digits\nimport json\nimport only_here\ndef handle(data, context):\n    return only_here.X"


def test_what_only_this_kernel_finds_is_an_error_of_the_cell(checking, shown, tmp_path):
    warm(checking)
    text = shown(BAD)
    assert "Cell In[2]:3" in text
    assert "----> 3 import only_here" in text
    assert "ModuleNotFoundError: No module named 'only_here'" in text
    last = text.splitlines()[-1]
    assert last.startswith("CaptureError: the module made from this cell fails in a fresh interpreter")
    assert not (tmp_path / "work/handlers").exists(), "what does not stand alone is not written"


def test_a_good_cell_has_nothing_to_say(checking, run):
    warm(checking)
    assert "interpreter" not in repr(run(GOOD))
    assert checking.trials == {}


def test_before_the_checker_is_ready_the_answer_comes_later(checking, run, shown):
    assert "interpreter" not in repr(run(BAD)), "the saved notebook does not say that something was under way"
    text = shown("%archive digits")
    assert "ModuleNotFoundError" in text
    assert "Cell In[2]:3" in text
    text = shown("%archive digits")
    assert "CaptureError" in text, "it stays refused"


def test_the_fixed_cell_counts(checking, run, shown):
    warm(checking)
    shown(BAD)
    run(GOOD)
    assert settle(checking, "digits", 60) == ""
    assert "archive digits 1.0" in repr(run("%archive digits"))


def test_a_data_file_read_at_import_is_there_and_missed_in_the_archive(checking, run, tmp_path):
    (tmp_path / "work/labels.txt").write_text("a b")
    warm(checking)
    view = run(GOOD.replace("def", "LABELS = open('labels.txt').read().split()\ndef"))
    assert "add it with %archive --extra-files labels.txt" in repr(view)
    assert "the handler names labels.txt, which is not in the archive" in repr(run("%archive digits"))
    assert "labels.txt" not in repr(run("%archive digits --extra-files labels.txt"))


def test_a_package_beside_the_notebook_is_in_the_archive(checking, run, tmp_path):
    (tmp_path / "work/near").mkdir()
    (tmp_path / "work/near/__init__.py").write_text("")
    (tmp_path / "work/near/deep.py").write_text("X = 1")
    sys.path.insert(0, str(tmp_path / "work"))
    try:
        warm(checking)
        view = run("%%handler digits\nfrom near.deep import X\ndef handle(data, context):\n    return X")
    finally:
        sys.path.remove(str(tmp_path / "work"))
    assert "near/deep.py lies beside the notebook and will travel in the archive" in repr(view)
    run("%archive digits")
    from tsnb import open_archive

    assert {"near/__init__.py", "near/deep.py"} <= set(open_archive("model_store/digits.mar").files)


def test_an_edited_module_has_no_line_map_any_more(run, tmp_path):
    run(GOOD)
    path = tmp_path / "work/handlers/digits.py"
    path.write_text("# by hand\n" + path.read_text())
    run("%archive digits")
    from tsnb import open_archive

    assert "digits.tsnb.json" not in open_archive("model_store/digits.mar").files


def test_unloading_ends_the_checking_process(checking, shell, run):
    warm(checking)
    process = checking.checker._process
    shell.run_cell("%unload_ext tsnb")
    assert process.wait(10) is not None
    shell.run_cell("%load_ext tsnb")
