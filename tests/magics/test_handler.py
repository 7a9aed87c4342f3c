"""``%%handler``: the cell runs as any cell and becomes a module."""

import inspect
import json

import pytest

HANDLER = """%%handler digits
import math

class Digits:
    def handle(self, data, context):
        return [math.sqrt(row) for row in data]
"""


def test_the_class_can_be_tried_by_hand(run):
    run(HANDLER)
    assert run("Digits().handle([4], None)") == [2.0]


def test_writes_module_and_sidecar(run, shell, tmp_path):
    view = run(HANDLER)
    assert view.path == "handlers/digits.py"
    source = (tmp_path / "work/handlers/digits.py").read_text()
    assert "class Digits:" in source
    sidecar = json.loads((tmp_path / "work/handlers/digits.tsnb.json").read_text())
    (segment,) = sidecar["segments"]
    assert source.splitlines()[segment["start"] - 1] == "# %%handler digits"
    assert segment["line"] == 1
    code = shell.user_ns["Digits"].handle.__code__
    assert segment["filename"] == code.co_filename
    assert code.co_firstlineno == 5


def test_source_is_found_by_inspect(run, shell):
    run(HANDLER)
    assert inspect.getsource(shell.user_ns["Digits"].handle).startswith("    def handle(self")


def test_tracebacks_show_the_cell_s_own_lines(shown):
    text = shown("%%handler digits\nx = 0\n\nprint(1 / x)")
    assert "----> 4 print(1 / x)" in text
    assert "ZeroDivisionError" in text
    assert "tsnb/" not in text
    assert "run_cell_magic" not in text


def test_syntax_errors_show_the_cell_s_own_lines(shown):
    text = shown("%%handler digits\nx = 0\n\nclass A(:\n    pass")
    assert "line 4" in text
    assert "class A(:" in text
    assert "tsnb/" not in text


def test_the_last_value_is_displayed(run, capsys):
    run("%%handler digits\ndef handle(data, context):\n    return data\n7 * 6")
    assert "42" in capsys.readouterr().out


def test_what_is_lacking_is_one_red_line_and_the_cell_has_run(shown, run, shell, tmp_path):
    run("net = object()")
    text = shown("%%handler digits\ndef handle(data, context):\n    return net")
    assert len(text.splitlines()) == 1
    assert text.startswith("CaptureError: line 3: net is an object that lives in this kernel")
    assert callable(shell.user_ns["handle"])
    assert not (tmp_path / "work/handlers").exists()


def test_braces_and_dollars_in_the_body_stay(run, tmp_path):
    run("x = 'expanded'")
    run("%%handler digits\ndef handle(data, context):\n    return f'{context} $x', '{x}'")
    assert "f'{context} $x', '{x}'" in (tmp_path / "work/handlers/digits.py").read_text()


def test_says_what_was_taken_along(run):
    run("import math")
    run("LABELS = ['a']\ndef name(i): return LABELS[math.floor(i)]")
    view = run("%%handler digits\ndef handle(data, context):\n    return name(0)")
    assert "took name, LABELS from cell [3]" in repr(view) or "took LABELS, name from cell [3]" in repr(view)
    assert "taken along from other cells: import math" in repr(view)
    assert "took" in view._repr_html_()


def test_explain_shows_the_module(run):
    view = run("%%handler digits --explain\ndef handle(data, context):\n    return 1")
    assert "def handle(data, context):" in repr(view)


def test_path_chooses_the_folder(run, tmp_path):
    run("%%handler digits --path elsewhere\ndef handle(data, context):\n    return 1")
    assert (tmp_path / "work/elsewhere/digits.py").is_file()


def test_an_edited_cell_replaces_its_own_earlier_run(run, tmp_path):
    run("%%handler digits\nK = 1\ndef handle(data, context):\n    return K")
    run("%%handler digits\nK = 2\ndef handle(data, context):\n    return K")
    source = (tmp_path / "work/handlers/digits.py").read_text()
    assert "K = 2" in source
    assert "K = 1" not in source


def test_names_with_dashes_are_modules_too(run, tmp_path):
    assert run("%%handler my-model\ndef handle(data, context):\n    return 1").path == "handlers/my_model.py"


def test_magics_in_the_cell_run_and_stay_out(run, capsys, tmp_path):
    view = run("%%handler digits\n%precision 3\n!echo from the shell\ndef handle(data, context):\n    return 1")
    assert "# left out: %precision 3" in view.source
    assert "line 3 is left out of the module: !echo from the shell" in repr(view)


def test_an_archive_of_another_version_says_how_to_keep_both(run):
    run("%%handler digits\ndef handle(data, context):\n    return data")
    run("%archive digits")
    assert "it replaces the archive of version 1.0" in repr(run("%archive digits"))
    said = repr(run("%archive digits --version 2.0"))
    assert "digits.mar held version 1.0" in said
    assert "a restart would find only 2.0: to keep both, use --export-path" in said


@pytest.mark.parametrize("name", ["'bad name'", "../x", "-x", "a/b", ".hidden"])
def test_a_name_that_no_archive_could_have_is_refused_at_once(shown, tmp_path, name):
    text = shown(f"%%handler {name}\ndef handle(data, context):\n    return data")
    assert "cannot name a model" in text or "usage" in text.lower() or "the help" in text
    assert not (tmp_path / "work/handlers").exists()


def test_help_needs_no_body(run, shown, capsys):
    run("%handler --help")
    assert "Make this cell the handler of a model." in capsys.readouterr().out
    assert "in the lines below" in shown("%handler digits")
    assert "in the lines below" in shown("%%handler digits")
