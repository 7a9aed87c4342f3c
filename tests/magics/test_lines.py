"""Options, help, completion and errors, in a shell without any server."""

import pytest
from IPython.core.completer import provisionalcompleter

from tsnb.magics import COMMANDS

WORDS = [command.word for command in COMMANDS]


@pytest.mark.parametrize("word", WORDS)
def test_help_prints_the_usage_and_does_nothing(run, capsys, word):
    cell = f"%%{word} --help\nx" if word == "handler" else f"%{word} --help"
    assert run(cell) is None
    assert f"%{word}" in capsys.readouterr().out


@pytest.mark.parametrize("word", ["handler", "predict", "check"])
def test_help_needs_no_lines_below(run, capsys, word):
    assert run(f"%%{word} --help\n\n") is None
    assert "options:" in capsys.readouterr().out


def test_help_begins_with_the_usage_as_one_types_it(run, capsys):
    run("%handler --help")
    assert capsys.readouterr().out.startswith("%%handler [--path DIR]")


@pytest.mark.parametrize("word", WORDS)
def test_question_mark_shows_the_help(shell, word):
    found = shell.object_inspect(f"%%{word}" if word == "handler" else f"%{word}")
    assert f"%{word}" in found["docstring"]


@pytest.mark.parametrize("word", [word for word in WORDS if word != "handler"])
def test_an_unknown_option_is_one_line(shown, word):
    text = shown(f"%{word} digits --nonsense 3")
    assert len(text.splitlines()) == 1
    assert text.startswith(("UsageError", "BadRequest"))


ONE_LINE = [
    ("%archive nobody", "BadRequest: nobody has no handler: run a %%handler nobody cell first"),
    ("%archive digits --handler base_handler --model missing", "BadRequest: --model missing: NameError"),
    ("%archive digits --handler base_handler --model 3", "CaptureError: --model 3 is an int"),
    ("%archive digits --handler nofile.py", "nofile.py"),
    ("%archive digits --handler base_handler --model 3 --serialized-file f", "exclude each other"),
    ("%serve digits --workers -1", "BadRequest: --workers -1 makes no sense"),
    ("%serve digits --batch-size 0", "BadRequest: --batch-size 0 makes no sense"),
    ("%serve digits 'unclosed", "UsageError: the line cannot be split into words"),
    ("%scale digits 2", "ServerUnreachable: no server runs"),
    ("%scale digits", "UsageError: the following arguments are required"),
    ("%scale digits many", "UsageError: argument N: invalid int value"),
    ("%logs digits", "ServerUnreachable: no server runs"),
    ("%default digits 2.0", "ServerUnreachable: no server runs"),
    ("%unserve", "UsageError: name one model, or say --all"),
    ("%unserve digits/", "UsageError: 'digits/' is no model"),
    ("%predict", "UsageError"),
    ("%predict digits", "UsageError: what shall be sent?"),
    ("%predict digits nofile.png", "BadRequest: there is no file nofile.png in"),
    ("%predict digits 1 +", "BadRequest: 1 + is no file and fails as an expression: SyntaxError"),
    ("%predict digits unknown", "NameError: name 'unknown' is not defined (text goes in quotes: \"unknown\")"),
]


@pytest.mark.parametrize(("cell", "words"), ONE_LINE, ids=[case[0] for case in ONE_LINE])
def test_errors_are_one_line(shown, cell, words):
    text = shown(cell)
    assert words in text
    assert len(text.splitlines()) == 1
    assert "Traceback" not in text


def test_models_without_a_server_starts_none(run, shell):
    assert "no server runs" in repr(run("%models"))
    assert shell._tsnb[0].connection._child is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("%archive x --mo", ["--model", "--model-file"]),
        ("%%handler x --ex", ["--explain"]),
        ("r = %serve x --wor", ["--workers"]),
        ("%scale dig", ["digits"]),
        ("%archive ", ["digits"]),
        ("%%predict d", ["digits"]),
        ("%scale digits ", []),
    ],
)
def test_completion(shell, run, text, wanted):
    run("%%handler digits\ndef handle(data, context): pass")
    with provisionalcompleter():
        found = [one.text for one in shell.Completer.completions(text, len(text))]
    assert [word for word in found if word in {*wanted, "digits"} or word.startswith("--")] == wanted


def test_settings_are_under_config(run, shell, tmp_path):
    run("%config Tsnb.handlers = 'own'")
    run("%%handler digits\ndef handle(data, context): pass")
    assert (tmp_path / "work/own/digits.py").is_file()
