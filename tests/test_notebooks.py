"""Every notebook runs top to bottom in a kernel of a real notebook server, and shows what it showed before."""

import os
from pathlib import Path

import pytest

from tests.notebook_server import NotebookServer

NOTEBOOKS = sorted((Path(__file__).parent.parent / "notebooks").glob("*.ipynb"))

IGNORED = (
    "/metadata/language_info",
    "/metadata/widgets",
    "/cells/*/execution_count",
    "/cells/*/outputs/*/execution_count",
    "/cells/*/outputs/*/traceback",
    "/cells/*/outputs/*/data/text/html",  # pids, memory, ids: what the text form says is compared
    "/cells/*/outputs/*/data/image/png",
    "/cells/*/outputs/*/data/application/vnd.jupyter.widget-view+json",
)

TEXTS = ("/cells/*/outputs/*/data/text/plain", "/cells/*/outputs/*/text")

VARIES = (
    (r"http://[\w.]+:\d+/", "http://localhost:8888/"),
    (r"\d+(\.\d+)? (ms|s)\b", "0 ms"),
    (r"\d+(\.\d+)? (kB|MB)\b", "0 kB"),
    (r"(queue|decode) 0 ms ·.*", "STAGES"),
    (r"0x[0-9a-f]{6,}", "0x0"),
    (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "REQUEST-ID"),
    (r"\b[0-9a-f]{8}\b", "REQUEST"),
    (r"\d\d:\d\d:\d\d", "12:00:00"),
    (r"\d checks? passed", "3 checks passed"),
    (r"worker \d{4}", "worker 9000"),
    (r"(pillow|numpy|torch) [\w.+]+", r"\1 VERSION"),
    (r"0\.\d\d\d+", "0.99"),
)


@pytest.mark.timeout(600)
@pytest.mark.xdist_group("notebooks")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_does_what_it_shows(path, tmp_path, nb_regression, monkeypatch):
    with NotebookServer(tmp_path) as server:
        monkeypatch.setenv("TSNB_URL", f"{server.url}tsnb/")
        monkeypatch.setenv("TSNB_TOKEN", server.token)
        nb_regression.exec_cwd = str(tmp_path)
        nb_regression.exec_timeout = 120
        nb_regression.diff_ignore = IGNORED
        nb_regression.diff_replace = tuple((where, *pair) for where in TEXTS for pair in VARIES)
        nb_regression.check(str(path))
    assert not [entry for entry in os.listdir(path.parent) if entry.endswith(".mar")]
