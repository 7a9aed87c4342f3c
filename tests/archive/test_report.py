"""What is shown of archives: ours, other tools', and those of strangers. Nothing of them may run or steer the page."""

import io
import json
import pickle
import re
import shutil
import time
import zipfile
from html.parser import HTMLParser

import pytest
import torch
from support.command import run

from tests.archive.hostile import Gadget, mar, saved
from tsnb.archive.diff import diff
from tsnb.archive.read import open_archive
from tsnb.archive.report import as_json, find_archive, report
from tsnb.archive.report_html import diff_html, report_html
from tsnb.archive.report_text import diff_text, report_text
from tsnb.errors import InvalidModel, NotFound

EVIL = '<script>alert("x")</script><img src=x onerror=alert(1)>'
ALLOWED = {
    "style", "div", "span", "table", "thead", "tbody", "tr", "th", "td", "details", "summary", "pre", "code",
}  # fmt: skip


class Checker(HTMLParser):
    """Fails on any element or attribute that a report never has, and on unbalanced ones."""

    def __init__(self):
        super().__init__()
        self.open = []

    def handle_starttag(self, tag, attributes):
        assert tag in ALLOWED, tag
        assert {name for name, _ in attributes} <= {"class", "title", "open", "scope"}, attributes
        self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def clean(markup):
    checker = Checker()
    checker.feed(str(markup))
    assert checker.open == []
    return str(markup)


def shown(path):
    """Every form of an archive's report, each checked."""
    found = report(open_archive(path))
    text = report_text(found)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]", text)
    json.dumps(as_json(found)).encode()
    clean(report_html(found)).encode()
    text.encode()
    return found, text


def test_an_archive_of_another_tool(made):
    found, text = shown(made / "greeter.mar")
    assert (found.model, found.version, found.handler) == ("greeter", "1.0", "greeter:handle")
    assert "def handle(data, context):" in text
    assert [source.role for source in found.texts] == ["requirements", "config", "manifest"]
    roles = {row.name: row.role for row in found.files}
    assert roles["greeter.py"] == "handler"
    assert roles["sub/deep.txt"] == ""
    page = clean(report_html(found))
    assert "<details open>" in page
    assert "tsnb-k" in page


@pytest.mark.parametrize("name", ["greeter.tar.gz", "greeter"])
def test_tar_and_folder_say_the_same(made, name):
    zipped, other = shown(made / "greeter.mar")[0], shown(made / name)[0]
    facts = lambda found: {(row.name, row.size, row.sha256) for row in found.files if "MANIFEST" not in row.name}  # noqa: E731
    assert facts(zipped) == facts(other)
    assert zipped.sources == other.sources


def test_names_and_sources_are_escaped(tmp_path):
    files = {
        f"{EVIL.replace('/', '')}.txt": "x",
        "h.py": f"# {EVIL}\nx = '</pre></details>'\n\x1b]0;owned\x07\u202e",
        "requirements.txt": EVIL,
        "c.yaml": f"'{EVIL}': '{EVIL}'",
        "w.pt": saved({EVIL: torch.zeros(1)}),
    }
    model = {"modelName": EVIL, "handler": "h.py", "modelVersion": f"1{EVIL}\x1b[31m", "configFile": "c.yaml"}
    model["requirementsFile"] = "requirements.txt"
    path = mar(
        tmp_path / "m.mar",
        files,
        model,
        cell=f"%%handler {EVIL}",
        notebook=EVIL,
        cells=[{"names": [EVIL], "execution_count": EVIL}],
        git={"commit": EVIL},
        distributions={EVIL: EVIL},
        sample={"request": [{"text": EVIL}], "answer": {"text": EVIL}},
    )
    found, text = shown(path)
    page = report_html(found)
    assert "<script" not in page
    assert "<img" not in page
    assert "\\x1b" in text
    assert "\\u202e" in text
    other = mar(tmp_path / "n.mar", {**files, "h.py": EVIL, "w.pt": saved({EVIL: torch.ones(1)})}, {"modelName": "n"})
    changed = diff(open_archive(path), open_archive(other))
    clean(diff_html(changed, EVIL, EVIL))
    assert "\x1b" not in diff_text(changed)


@pytest.mark.parametrize(
    "provenance",
    [
        {"cell": 3, "cells": "x", "git": [], "distributions": [1], "sample": {"request": 5, "answer": []}},
        {"cells": [{"names": 3}, 4], "git": {"commit": [], "dirty": []}, "sample": {"request": [{}], "answer": None}},
        {"created": {"a": [1]}, "execution_count": [], "sample": {"request": [{"base64": "AAAA"}]}, "x" * 5000: {}},
    ],
)
def test_a_provenance_of_nonsense(tmp_path, provenance):
    shown(mar(tmp_path / "m.mar", {"h.py": "x"}, {}, **provenance))


@pytest.mark.parametrize("index", ["[" * 100_000, '{"provenance": 3}', "nonsense", '{"a":' * 5000])
def test_a_broken_index(tmp_path, index):
    assert shown(mar(tmp_path / "m.mar", {"MAR-INF/tsnb.json": index}, {}))[0].provenance == {}


def test_no_manifest(tmp_path):
    found, text = shown(mar(tmp_path / "m.mar", {"h.py": "x = 1"}))
    assert "There is no MAR-INF/MANIFEST.json" in text
    assert (found.model, found.version) == ("", "1.0")


def test_a_manifest_that_names_what_is_not_there(tmp_path):
    path = mar(tmp_path / "m.mar", {}, {"serializedFile": "w.pt", "handler": "nobody", "configFile": "c.yaml"})
    text = shown(path)[1]
    assert "serializedFile w.pt, which is not in the archive" in text
    assert "nobody (not in the archive)" in text


@pytest.mark.parametrize(
    "config", ["[1, 2]", "x: .nan", "x: 2026-01-01", "a: &a [*a]", "{", "", "1: 2", "on: 1", "x: !!set {a}"]
)
def test_configs_that_are_odd(tmp_path, config):
    shown(mar(tmp_path / "m.mar", {"c.yaml": config}, {"configFile": "c.yaml"}))


def test_values_that_json_cannot_hold(tmp_path):
    path = tmp_path / "m.mar"
    with zipfile.ZipFile(path, "w") as target:
        target.writestr("MAR-INF/MANIFEST.json", '{"half": "\\ud800", "model": {"modelName": "\\ud800"}}')
    found = report(open_archive(path))
    assert "\\ud800" in report_text(found)
    report_html(found).encode()
    with pytest.raises(InvalidModel, match="values that JSON cannot"):
        as_json(found)


@pytest.mark.parametrize("inner", ['{"a":' * 900 + "1" + "}" * 900, "[" * 900 + "]" * 900], ids=["objects", "lists"])
def test_values_nested_deeply(tmp_path, inner):
    for name in "ab":
        with zipfile.ZipFile(tmp_path / f"{name}.mar", "w") as target:
            target.writestr("MAR-INF/MANIFEST.json", f'{{"{name}": {inner}, "model": {{"modelName": "m"}}}}')
            target.writestr("MAR-INF/tsnb.json", f'{{"provenance": {{"{name}": {inner}}}}}')
    shown(tmp_path / "a.mar")
    found = diff(open_archive(tmp_path / "a.mar"), open_archive(tmp_path / "b.mar"))
    assert len(found.manifest) == 2
    assert diff_text(found)


def test_a_gadget_is_never_executed_and_its_import_is_told(tmp_path):
    sentinel = tmp_path / "sprung"
    files = {
        "whole.pt": saved(Gadget(sentinel)),
        "hidden.pt": saved({"x": torch.zeros(2), "bad": Gadget(sentinel)}),
        "plain.pkl": pickle.dumps(Gadget(sentinel)),
        "legacy.bin": pickle.dumps(Gadget(sentinel)),
        "h.py": f"open({str(sentinel)!r}, 'w')",
        "c.yaml": f"!!python/object/apply:builtins.open ['{sentinel}', 'w']",
    }
    model = {"handler": "h.py", "serializedFile": "whole.pt", "configFile": "c.yaml"}
    path = mar(tmp_path / "m.mar", files, model)
    text = shown(path)[1]
    assert text.count("would import io.open") == 2
    files["hidden.pt"] = saved({"x": torch.ones(2), "bad": Gadget(sentinel)})
    other = mar(tmp_path / "n.mar", files, model)
    changed = diff(open_archive(path), open_archive(other))
    assert [change.distance.differing for change in changed.tensors] == [2]
    assert not sentinel.exists()


HARMFUL = [
    b"(S'echo'\nios\nsystem\n.",
    b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04echo\x85R.",
    b"cos\nsystem\n(S'echo'\ntR.",
    b"\x80\x02}q\x00(X\x01\x00\x00\x00aq\x01cos\nsystem\nq\x02u" + b"(" * 100 + b"X\xff",
]


@pytest.mark.parametrize("content", HARMFUL)
def test_what_a_broken_pickle_would_import_is_told(tmp_path, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as checkpoint:
        checkpoint.writestr("a/data.pkl", content)
    found, text = shown(mar(tmp_path / "m.mar", {"w.pt": file.getvalue()}, {}))
    assert "os.system" in text
    assert found.tensors["w.pt"].tensors == ()


def pickled(*steps):
    return b"\x80\x02" + b"".join(steps) + b"."


@pytest.mark.parametrize(
    "content",
    [
        pickled(b"}q\x00(X\x01\x00\x00\x00ah\x00u"),  # a dictionary that contains itself
        pickled(b"}(" + b"K\x01)" * 1 + b"".join(b"q%c" % 0 for _ in range(1)) + b"u"),
        pickled(b"}(" + b")" + b"q\x00h\x00\x86" * 60 + b"K\x01u"),  # a key of 2**60 parts
        pickled(b"}(X" + (1 << 20).to_bytes(4, "little") + b"a" * (1 << 20) + b"}u"),
        b"",
        b"\x80\x02N.",
        b"\x80\x02\x8b" + (1 << 30).to_bytes(4, "little") + b"1.",
    ],
    ids=["itself", "odd", "key", "long", "empty", "none", "number"],
)
def test_pickles_that_would_never_end(tmp_path, content):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as checkpoint:
        checkpoint.writestr("a/data.pkl", content)
    began = time.monotonic()
    shown(mar(tmp_path / "m.mar", {"w.pt": file.getvalue()}, {}))
    assert time.monotonic() - began < 20


def test_ten_thousand_files_and_long_names(tmp_path):
    files = {f"d{number // 100}/{'n' * 180}{number}": b"x" for number in range(10_000)}
    path = mar(tmp_path / "m.mar", files, {"modelName": "m" * 100_000, "modelVersion": "9" * 50_000})
    began = time.monotonic()
    found, text = shown(path)
    assert time.monotonic() - began < 30
    assert len(found.files) == 10_001
    assert "and 9,801 more" in text
    assert len(text) < 200_000
    assert len(report_html(found)) < 500_000


def test_long_sources_are_cut(tmp_path):
    path = mar(tmp_path / "m.mar", {"h.py": "x = 1\n" * 200_000, "g.py": "y" * 3_000_000}, {"handler": "h"})
    found, text = shown(path)
    assert [source.cut for source in found.sources] == [True, True]
    assert len(text) < 1_000_000


def test_many_changed_lines_take_no_time(tmp_path):
    one = "".join(f"{number % 7} {number % 13}\n" for number in range(5000))
    other = "".join(f"{number % 11} {number % 5}\n" for number in range(5000))
    a, b = (mar(tmp_path / f"{name}.mar", {"h.py": text}, {}) for name, text in (("a", one), ("b", other)))
    began = time.monotonic()
    assert diff(open_archive(a), open_archive(b)).files[0].lines
    assert time.monotonic() - began < 20


def test_renamed_files_are_compared_by_their_role(tmp_path):
    one = {
        "a.py": "x = 1\n",
        "a.pt": saved({"w": torch.zeros(3)}),
        "r.txt": "Torch>=2\nnumpy\n-e .\n",
        "c.yaml": "k: 1",
    }
    two = {"b.py": "x = 2\n", "b.pt": saved({"w": torch.ones(3)}), "r.txt": "torch >=2.1\nscipy\n", "c.yaml": "k: 2"}
    model = {"requirementsFile": "r.txt", "configFile": "c.yaml"}
    a = mar(tmp_path / "a.mar", one, {"handler": "a.py", "serializedFile": "a.pt", **model}, torch="2.1", created="x")
    b = mar(tmp_path / "b.mar", two, {"handler": "b.py", "serializedFile": "b.pt", **model}, torch="2.2", created="y")
    found = diff(open_archive(a), open_archive(b))
    assert {(change.was, change.name) for change in found.files if change.was} == {("a.py", "b.py"), ("a.pt", "b.pt")}
    assert [change.distance.differing for change in found.tensors] == [3]
    assert [(c.key, c.before, c.after) for c in found.config] == [("k", 1, 2)]
    asked = {c.key: (c.before, c.after) for c in found.requirements}
    assert asked == {
        "torch": (">=2", ">=2.1"),
        "numpy": ("any version", None),
        "scipy": (None, "any version"),
        "-e .": ("an option", None),
    }
    assert [(c.key, c.before) for c in found.made] == [("torch", "2.1")]
    text = diff_text(found, colour=True)
    assert "\x1b[32m+x = 2" in text
    assert "changed a.py -> b.py" in text


def test_equal_but_for_the_time(tmp_path, made):
    shutil.copytree(made / "greeter", tmp_path / "other")
    manifest = tmp_path / "other/MAR-INF/MANIFEST.json"
    manifest.write_text(re.sub(r'"createdOn": "[^"]*"', '"createdOn": "today"', manifest.read_text()))
    found = diff(open_archive(made / "greeter"), open_archive(tmp_path / "other"))
    assert not found
    assert diff_text(found) == "The archives are equal, but for when and where they were made (createdOn)."
    assert "createdOn" in clean(diff_html(found, "a", "b"))


def test_a_model_is_found_by_its_name(tmp_path, monkeypatch, made):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "greeter").mkdir()  # a folder that has nothing to do with it
    (tmp_path / "store").mkdir()
    shutil.copy(made / "greeter.tar.gz", tmp_path / "store")
    assert find_archive("greeter", {"the model store": tmp_path / "store"}).name == "greeter.tar.gz"
    assert find_archive("greeter", {}).is_dir()
    for name in ("nobody", "../store/greeter"):
        with pytest.raises(NotFound, match=f"There is no archive {name}: .*the model store"):
            find_archive(name, {"the model store": tmp_path / "store"})


# --- the command line -------------------------------------------------------------------------------


def test_exit_statuses(tmp_path, made):
    good, other = str(made / "greeter.mar"), str(mar(tmp_path / "o.mar", {"h.py": "x"}, {"modelName": "o"}))
    (tmp_path / "broken.mar").write_bytes(b"PK nonsense")
    shutil.copytree(made, tmp_path / "model_store")
    shown = run("inspect", "greeter", folder=tmp_path)
    assert shown.returncode == 0
    assert b"def handle(data, context):" in shown.stdout
    assert run("diff", good, good).stdout == b"The archives are equal.\n"
    changed = run("diff", good, other)
    assert (changed.returncode, changed.stderr) == (1, b"")
    assert b"\x1b" not in changed.stdout
    for words in (("inspect", "nobody"), ("inspect", "broken.mar"), ("diff", good, "nobody")):
        failed = run(*words, folder=tmp_path)
        assert failed.returncode == 1, words
        assert len(failed.stderr.splitlines()) == 1


def test_a_terminal_that_knows_ascii_only(tmp_path):
    path = mar(tmp_path / "m.mar", {"h.py": "# größer 数"}, {"handler": "h", "modelName": "é"})
    done = run("inspect", str(path), environ={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert done.returncode == 0, done.stderr
    assert b"gr\\xf6\\xdfer" in done.stdout
