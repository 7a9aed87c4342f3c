"""Commands that cannot be carried out: an exit status, one line on stderr, nothing left behind."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

import pytest
from support.command import DEADLINE, TSNB, clean_environment, one_line, run

from tests.bad_input.conftest import Rest
from tests.bad_input.handlers import FINE, body

MAKE = ("archive", "-v", "1", "--handler", "h.py", "--model-name")
NOBODY = ("--url", "http://127.0.0.1:9")

COMMANDS: dict[tuple[str, ...], tuple[int, str]] = {
    ("nonsense",): (2, "invalid choice: 'nonsense'"),
    ("archive",): (2, "required: --model-name"),
    (*MAKE, "a b"): (1, "Model name contains special characters"),
    (*MAKE, "../x"): (1, "Model name contains special characters"),
    (*MAKE, "x" * 300): (1, "File name too long"),
    (*MAKE, "m", "--export-path", "file"): (1, "is not a directory"),
    (*MAKE, "m", "--export-path", "/proc/x"): (1, "/proc/x: No such file or directory"),
    (*MAKE, "m", "--extra-files", "missing"): (1, "File does not exist: missing"),
    ("archive", "-v", "1", "--handler", "no.py", "--model-name", "m"): (1, "File does not exist: no.py"),
    ("archive", "-v", "\udcff", "--handler", "h.py", "--model-name", "m"): (1, "no Unicode text"),
    ("inspect", "missing.mar"): (1, "missing.mar"),
    ("inspect", "broken.mar"): (1, "broken.mar is broken"),
    ("inspect", "file"): (1, "neither a zip"),
    ("diff", "broken.mar", "missing.mar"): (1, "broken.mar is broken"),
    ("new", "../x"): (1, "cannot name a Python file"),
    ("new", "h"): (1, "h.py is there already"),
    ("models", *NOBODY): (1, "Nobody answers at http://127.0.0.1:9"),
    ("models", "--url", "ftp://host"): (1, "is no server URL"),
    ("predict", "m", "no-file.png", *NOBODY): (1, "no file and no JSON"),
    ("scale", "m", "many"): (2, "invalid int value"),
    ("serve", "--model-store", "file"): (1, "is not a folder"),
    ("serve", "--model-store", ".", "--port", "99999"): (1, "Invalid binding address"),
    ("serve", "--model-store", ".", "--port", "-1"): (1, "Invalid binding address"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "file").write_text("x")
    (tmp_path / "h.py").write_text(FINE)
    (tmp_path / "broken.mar").write_bytes(b"PK\x03\x04 and no more")
    return tmp_path


@pytest.mark.parametrize("arguments", COMMANDS, ids=lambda arguments: ascii(" ".join(arguments)[:50]))
def test_one_line(folder: Path, arguments: tuple[str, ...]) -> None:
    before = sorted(os.listdir(folder))
    status, told = COMMANDS[arguments]
    done = run(*arguments, folder=folder)
    assert (done.returncode, done.stdout) == (status, b"")
    assert told in one_line(done.stderr)
    assert sorted(os.listdir(folder)) == before


def test_a_full_disk_leaves_the_old_archive_and_no_half_of_a_new_one(folder: Path) -> None:
    assert run(*MAKE, "m", folder=folder).returncode == 0
    before = (folder / "m.mar").read_bytes()
    (folder / "weights.pt").write_bytes(os.urandom(200_000))
    names = sorted(os.listdir(folder))
    done = subprocess.run(
        [*TSNB, *MAKE, "m", "--force", "--serialized-file", "weights.pt"],
        cwd=folder,
        env=clean_environment(),
        capture_output=True,
        timeout=DEADLINE,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000)),
    )
    assert done.returncode == 1
    assert "No space left to write m.mar" in one_line(done.stderr)
    assert (sorted(os.listdir(folder)), (folder / "m.mar").read_bytes()) == (names, before)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("predict", "nobody", "[1]"), "Model not found: nobody"),
        (("predict", "fine", "[1]", "--version", "9"), "Model version: 9 does not exist"),
        (("predict", "bad", "[1]"), "ValueError: no good"),
        (("scale", "fine", "-1"), "min_worker is -1"),
        (("scale", "fine", "5000"), "5000 workers are too many"),
        (("logs", "nobody"), "Model not found: nobody"),
        (("unserve", "nobody"), "Model not found: nobody"),
    ],
)
def test_a_running_server_refuses_in_words(rest: Rest, arguments: tuple[str, ...], told: str) -> None:
    if "bad" in arguments:
        rest.put("bad", body("raise ValueError('no good')"))
        assert rest.register("bad").status_code == 200
    done = run(*arguments, "--url", rest.server.url)
    assert (done.returncode, done.stdout) == (1, b"")
    assert told in done.stderr.decode()
    rest.is_well()
