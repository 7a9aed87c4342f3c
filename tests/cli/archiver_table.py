"""Command lines of torch-model-archiver, and what comes of them: one table for the real archiver and for tsnb.

``python -m tests.cli.archiver_table BIN`` records what the real one in the folder BIN does.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

RECORDED = Path(__file__).with_name("archiver_recorded.json")
OURS = ("MAR-INF/tsnb.json",)
"""What tsnb adds to every archive."""

FILES = {
    "h.py": "def handle(data, context):\n    return data\n",
    "m.py": "class Net:\n    pass\n",
    "w.pt": "weights",
    "lib.so": "object code",
    "requirements.txt": "",
    "model-config.yaml": "minWorkers: 1\n",
    "broken.yaml": "a: [",
    "sub/h2.py": "def go(data, context):\n    return data\n",
    "extra/a.txt": "a",
    "extra/deep/b.txt": "b",
    "extra/.hidden": "kept",
    "extra/.git/config": "left out",
    "extra/__pycache__/a.pyc": "left out",
    "one.txt": "1",
    "two.txt": "2",
    "spec.yaml": "dag: {first: [last]}\n",
    "other/one.txt": "another",
}
BASE = ("--model-name", "m", "--version", "1.0", "--handler", "h.py")
NAMELESS = ("--version", "1.0", "--handler", "h.py", "--model-name")
HANDLERLESS = ("--model-name", "m", "--version", "1.0", "--handler")

CASES: dict[str, list[tuple[str, ...]]] = {
    "least": [BASE],
    "zip-store": [(*BASE, "--archive-format", "zip-store")],
    "tgz": [(*BASE, "--archive-format", "tgz", "--extra-files", "extra")],
    "no-archive": [(*BASE, "--archive-format", "no-archive", "--extra-files", "extra")],
    "every flag": [
        (
            *("--model-name=every.flag_1-x", "--version=2.0.1", "--handler=h.py", "--serialized-file=w.pt"),
            *("--model-file=m.py", "--extra-files=extra,one.txt", "--runtime=python3", "--export-path=out"),
            *("--archive-format=default", "--force", "--requirements-file=requirements.txt"),
            "--config-file=model-config.yaml",
        )
    ],
    "short flags": [
        ("--model-name", "m", "-v", "1", "--handler", "h.py", "-f", "-r", "requirements.txt", "-c", "model-config.yaml")
    ],
    "abbreviated flags": [("--model-n", "m", "--ver", "1", "--hand", "h.py", "--serial", "w.pt")],
    "handler without suffix": [(*HANDLERLESS, "h")],
    "handler with function": [(*HANDLERLESS, "h:handle")],
    "handler elsewhere": [(*HANDLERLESS, "sub/h2:go")],
    "default handler": [(*HANDLERLESS, "image_classifier", "--serialized-file", "w.pt")],
    "handler for language models": [(*HANDLERLESS, "vllm_handler")],
    "no such handler": [(*HANDLERLESS, "nowhere")],
    "native default handler": [(*HANDLERLESS, "TorchScriptHandler", "--runtime", "LSP")],
    "native handler": [(*HANDLERLESS, "lib:Handler", "--runtime", "LSP")],
    "unknown runtime": [(*BASE, "--runtime", "java")],
    "unknown format": [(*BASE, "--archive-format", "rar")],
    "no model name": [("--version", "1.0", "--handler", "h.py")],
    "no version": [("--model-name", "m", "--handler", "h.py")],
    "no handler": [("--model-name", "m", "--version", "1.0")],
    "unknown flag": [(*BASE, "--convert")],
    "nothing": [()],
    "help": [("--help",)],
    "version of 2 words": [("--model-name", "m", "--version", "a b/ü", "--handler", "h.py")],
    "empty version": [("--model-name", "m", "--version", "", "--handler", "h.py")],
    "bad name": [(*NAMELESS, "a b")],
    "name with folder": [(*NAMELESS, "../m")],
    "name with dash first": [(*NAMELESS, "_m")],
    "export path is a file": [(*BASE, "--export-path", "one.txt")],
    "it is there": [BASE, BASE],
    "it is there, force": [BASE, (*BASE, "--force", "--extra-files", "one.txt")],
    "a folder is there": [(*BASE, "--archive-format", "no-archive"), (*BASE, "--archive-format", "no-archive")],
    "a tgz is there": [(*BASE, "--archive-format", "tgz"), (*BASE, "--archive-format", "tgz")],
    "another format is there": [BASE, (*BASE, "--archive-format", "tgz")],
    "extra files": [(*BASE, "--extra-files", "one.txt,two.txt")],
    "extra wildcard": [(*BASE, "--extra-files", "*.txt")],
    "extra wildcard of folders": [(*BASE, "--extra-files", "ext*")],
    "extra wildcard matches nothing": [(*BASE, "--extra-files", "*.nothing")],
    "extra wildcard in brackets": [(*BASE, "--extra-files", "[ot]*.txt")],
    "extra file missing": [(*BASE, "--extra-files", "one.txt,nowhere.txt")],
    "no extra files": [(*BASE, "--extra-files", "")],
    "extra file is the handler": [(*BASE, "--extra-files", "h.py")],
    "serialized file missing": [(*BASE, "--serialized-file", "nowhere.pt")],
    "model file missing": [(*BASE, "--model-file", "nowhere.py")],
    "requirements missing": [(*BASE, "-r", "nowhere.txt")],
    "config missing": [(*BASE, "-c", "nowhere.yaml")],
    "config is no YAML": [(*BASE, "-c", "broken.yaml")],
}

SAID = {
    "unknown runtime": "invalid choice",
    "unknown format": "invalid choice",
    "no model name": "--model-name",
    "no version": "-v",
    "no handler": "--handler",
    "unknown flag": "unrecognized arguments: --convert",
    "nothing": "required: --model-name",
    "bad name": "Model name contains special characters",
    "name with folder": "Model name contains special characters",
    "name with dash first": "^[A-Za-z0-9][A-Za-z0-9_\\-.]*$",
    "export path is a file": "Given export-path one.txt is not a directory. Point to a valid export-path directory.",
    "it is there": "m.mar already exists.\nPlease specify --force/-f option",
    "a folder is there": "m already exists.",
    "a tgz is there": "m.tar.gz already exists.",
    "extra wildcard matches nothing": "Given wildcard pattern did not match any file: *.nothing",
    "extra file missing": "File does not exist: nowhere.txt",
    "no such handler": "nowhere.py",
    "serialized file missing": "nowhere.pt",
}
"""Words that both must say."""


def play(command: list[str], lines: list[tuple[str, ...]]) -> tuple[dict[str, Any], str]:
    """Run command lines in a fresh folder: status of each, and the archives that are there then; what the last said."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, text in FILES.items():
            (folder / file).parent.mkdir(exist_ok=True, parents=True)
            (folder / file).write_text(text)
        for made in ("out", "tmp"):
            (folder / made).mkdir()
        environ = {**os.environ, "TMPDIR": str(folder / "tmp")}
        done = [
            subprocess.run(
                [*command, *line], cwd=folder, env=environ, capture_output=True, text=True, timeout=60, check=False
            )
            for line in lines
        ]
        status = [each.returncode for each in done]
        return {"status": status, "archives": _archives(folder)}, done[-1].stderr


def _archives(folder: Path) -> dict[str, Any]:
    """Every archive: its files with their texts, and its manifest without the time."""
    found = {}
    for path in sorted([*folder.iterdir(), *(folder / "out").iterdir()]):
        members = _members(path)
        manifest = next((text for name, text in members.items() if name.endswith("AR-INF/MANIFEST.json")), None)
        if manifest is not None:
            shown = {name: text for name, text in members.items() if "AR-INF" not in name}
            facts = {key: value for key, value in json.loads(manifest).items() if key != "createdOn"}
            found[path.name] = {"files": dict(sorted(shown.items())), "manifest": facts}
    return found


def _members(path: Path) -> dict[str, str]:
    if (path / "MAR-INF").is_dir():
        files = [file for file in path.rglob("*") if file.is_file()]
        return {file.relative_to(path).as_posix(): file.read_text() for file in files}
    if path.suffix in (".mar", ".war"):
        with zipfile.ZipFile(path) as mar:
            return {name: mar.read(name).decode() for name in mar.namelist()}
    if path.suffix == ".gz":
        with tarfile.open(path) as tar:
            return {
                each.name: (tar.extractfile(each) or path.open("rb")).read().decode() for each in tar if each.isfile()
            }
    return {}


def record(folder: Path) -> None:
    """Write down what the real archiver does."""
    found = {name: play([str(folder / "torch-model-archiver")], lines)[0] for name, lines in CASES.items()}
    RECORDED.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    record(Path(sys.argv[1]))
