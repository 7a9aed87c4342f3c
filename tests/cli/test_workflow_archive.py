"""``tsnb workflow-archive``: the flags, messages and exit statuses of torch-workflow-archiver (spec 8.5)."""

from __future__ import annotations

from pathlib import Path

from support.command import one_line, run


def test_it_makes_an_archive_once_and_again_by_force(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text("dag: {f: []}")
    (tmp_path / "h.py").write_text("def f(data, context): return data\n")
    flags = ["workflow-archive", "--workflow-name", "w", "--spec-file", "w.yaml", "--handler", "h.py"]
    assert run(*flags, folder=tmp_path).returncode == 0
    again = run(*flags, folder=tmp_path)
    assert again.returncode == 1
    assert b"already exists" in again.stderr
    forced = run(*flags, "-f", "--extra-files", "h.py,w.yaml", "--export-path", ".", folder=tmp_path)
    assert (forced.returncode, (tmp_path / "w.war").exists()) == (0, True)


def test_what_is_wrong_is_told_in_a_line(tmp_path: Path) -> None:
    for flags, status, problem in [
        (["--workflow-name", "w"], 2, "--spec-file"),
        (["--workflow-name", "w", "--spec-file", "no.yaml"], 1, "File does not exist"),
        (["--workflow-name", "w", "--spec-file", "no.yaml", "--export-path", "no"], 1, "is not a directory"),
    ]:
        done = run("workflow-archive", *flags, folder=tmp_path)
        assert done.returncode == status
        assert problem in one_line(done.stderr)
