"""What a user sees in a notebook when something is wrong: one line or the handler's traceback, and work goes on."""

from __future__ import annotations

import json
import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.bad_input.conftest import put, until
from tests.bad_input.handlers import body, model
from tests.notebook_server import Kernel, NotebookServer

COLOUR = re.compile(r"\x1b\[[0-9;]*m")

RED_LINES = {
    "%serve missing": "NotFound: there is no archive missing.mar",
    "%serve broken": "InvalidModel: broken.mar is broken",
    "%serve nameless": "InvalidModel: The archive names no handler",
    "%serve ../x": "NotFound|BadRequest",
    "%serve 'a b'": "NotFound|BadRequest",
    "%serve fine --workers -1": "BadRequest: --workers -1 makes no sense",
    "%serve fine --workers 100000": "BadRequest: .* too many",
    "%serve fine --batch-size 0": "BadRequest: --batch-size 0 makes no sense",
    "%serve fine --version 9": "BadRequest: .* version 1.0, not 9",
    "%serve fine --url nowhere": "NotFound: Model not found at: nowhere",
    "%predict nobody [1]": "ModelNotFound: Model not found: nobody",
    "%predict fine/9 [1]": "ModelVersionNotFound: Model version: 9 does not exist for model: fine",
    "%predict fine 1/0": "BadRequest: .*ZeroDivisionError",
    "%predict fine no-file.png": "BadRequest: there is no file no-file.png",
    "%predict fine object()": "BadRequest: .* cannot be sent",
    "%predict fine b'x' * 10_000_000": "RequestTooLarge: The body has 10000000 bytes, the limit is 6553500. Raise it",
    "%scale fine -1": "BadRequest: -1 workers make no sense",
    "%scale fine 100000": "BadRequest: .* too many",
    "%scale nobody 1": "ModelNotFound: Model not found: nobody",
    "%unserve nobody": "ModelNotFound: Model not found: nobody",
    "%unserve fine/9": "ModelVersionNotFound",
    "%logs nobody": "ModelNotFound",
    "%default fine 9": "ModelVersionNotFound",
    "%archive nobody": "BadRequest: nobody has no handler",
    "%archive ../x --handler base_handler": "BadRequest: Model name contains special characters",
    "%archive é --handler base_handler": "BadRequest: Model name contains special characters",
    f"%archive {'x' * 300} --handler base_handler": "File name too long",
    "%archive m --handler no-file.py": "NotFound: File does not exist: no-file.py",
    "%archive m --handler base_handler --serialized-file no.pt": "NotFound: File does not exist: no.pt",
    "%archive m --handler base_handler --model nowhere": "name 'nowhere' is not defined",
    "%archive m --handler base_handler --export-path /proc/x": "/proc/x: No such file or directory",
    "%%handler h\nx = 1": "CaptureError: the cell defines no handler",
}


class Typist:
    """Types cells into a kernel and sees all that a user sees."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel

    def run(self, cell: str) -> tuple[str, str]:
        """What the cell printed and showed, and the error it ended in."""
        messages: list[Any] = []
        self.kernel.client.execute_interactive(cell, stop_on_error=False, output_hook=messages.append, timeout=60)
        error = next((each["content"]["traceback"] for each in messages if each["msg_type"] == "error"), [])
        text = "".join(
            each["content"]["text"] if each["msg_type"] == "stream" else each["content"]["data"].get("text/plain", "")
            for each in messages
            if each["msg_type"] in ("stream", "execute_result", "display_data")
        )
        return text, COLOUR.sub("", "\n".join(error)).strip()

    def goes_on(self) -> None:
        """The next cell runs, and the other model answers."""
        assert self.run("6 * 7") == ("42", "")
        text, error = self.run("answer = %predict fine b'x'\nanswer.text")
        assert (text, error) == ("'fine'", "")


@pytest.fixture(scope="module")
def typist(notebook: NotebookServer) -> Iterator[Typist]:
    store = notebook.folder / "model_store"
    (store / "broken.mar").write_bytes(b"PK\x03\x04 and no more")
    put(store, "nameless", handler=None)
    with notebook.kernel() as kernel:
        typist = Typist(kernel)
        assert typist.run("%load_ext tsnb") == ("", "")
        yield typist


@pytest.mark.parametrize("cell", RED_LINES, ids=lambda cell: cell[:40])
def test_one_red_line(typist: Typist, cell: str) -> None:
    _, error = typist.run(cell)
    assert re.search(RED_LINES[cell], error), error
    assert "\n" not in error
    typist.goes_on()


@pytest.mark.parametrize("cell", ["%serve", "%serve fine --workers many", "%predict fine", "%scale fine", "%archive"])
def test_half_a_command_says_what_is_missing(typist: Typist, cell: str) -> None:
    text, error = typist.run(cell)
    assert error == ""
    assert text.startswith("UsageError: ")
    typist.goes_on()


def test_a_syntax_error_in_a_handler_is_shown_as_in_any_cell(typist: Typist) -> None:
    _, error = typist.run("%%handler h\ndef handle(:")
    assert "def handle(:" in error
    assert error.endswith("SyntaxError: invalid syntax")
    assert "tsnb" not in error
    typist.goes_on()


def serve(typist: Typist, name: str, source: str) -> tuple[str, str]:
    for cell in (f"%%handler {name}\n{source}", f"%archive {name}"):
        assert typist.run(cell)[1] == ""
    return typist.run(f"%serve {name}")


def test_a_handler_that_does_not_load_shows_its_line(typist: Typist) -> None:
    _, error = serve(typist, "late", model("raise RuntimeError('no weights here')"))
    assert "raise RuntimeError('no weights here')" in error
    assert "in initialize" in error
    assert error.splitlines()[-1].startswith("WorkersFailed: Failed to start workers for model late")
    assert "late" not in typist.run("%models")[0]
    typist.goes_on()


@pytest.mark.parametrize(
    ("statements", "told"),
    [
        ("raise ValueError('no good')", "ValueError: no good"),
        ("return [1, 2]", "2 items for 1 requests"),
        ("return [object()]", "not JSON serializable"),
        ("import os\nos._exit(5)", "exited with code 5"),
        ("print('last words')\nimport os\nos.kill(os.getpid(), 9)", "last words"),
    ],
)
def test_a_handler_that_fails_shows_why(typist: Typist, statements: str, told: str) -> None:
    assert serve(typist, "bad", body(statements))[1] == ""
    _, error = typist.run("%predict bad 'x'")
    assert told in error
    assert re.match("(HandlerFailed|WorkerDied): ", error.splitlines()[-1])
    assert "/tsnb/" not in error
    typist.goes_on()
    assert typist.run("%unserve bad")[1] == ""


def test_new_code_that_does_not_load_leaves_the_old_one_serving(typist: Typist) -> None:
    assert serve(typist, "edited", body("return ['old']"))[1] == ""
    _, error = typist.run("%%handler edited\n" + model("raise RuntimeError('no weights here')"))
    assert "no weights here" in error
    assert typist.run("answer = %predict edited 'x'\nanswer.text") == ("'old'", "")
    assert typist.run("%unserve edited")[1] == ""


def test_a_full_disk_leaves_no_half_an_archive(notebook: NotebookServer, typist: Typist) -> None:
    assert serve(typist, "whole", body("return ['x']"))[1] == ""
    store = notebook.folder / "model_store"
    before = {path.name: path.stat().st_mtime_ns for path in store.iterdir()}
    (notebook.folder / "weights.pt").write_bytes(os.urandom(300_000))
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, ({}, resource.RLIM_INFINITY))"
    assert typist.run(limit.format(200_000))[1] == ""
    _, error = typist.run("%archive whole --serialized-file weights.pt")
    assert typist.run(limit.format("resource.RLIM_INFINITY"))[1] == ""
    assert error.startswith("TsnbError: No space left to write whole.mar")
    assert "\n" not in error
    assert {path.name: path.stat().st_mtime_ns for path in store.iterdir()} == before
    typist.goes_on()


def test_an_interrupted_serve_says_where_things_stand(notebook: NotebookServer, typist: Typist) -> None:
    put(notebook.folder / "model_store", "slow", model("import time; time.sleep(3)"))
    (kernel,) = notebook.get("api/kernels")

    def interrupt() -> None:
        until(lambda: b'"slow"' in notebook.request("GET", "tsnb/models")[1], "the registration")
        notebook.request("POST", f"api/kernels/{kernel['id']}/interrupt", b"{}")

    thread = threading.Thread(target=interrupt)
    thread.start()
    _, error = typist.run("%serve slow")
    thread.join()
    assert error.startswith("KeyboardInterrupt: %serve was interrupted")
    assert "\n" not in error
    assert typist.run("%unserve slow")[1] == ""
    assert [each["modelName"] for each in notebook.get("tsnb/models")["models"] if each["modelName"] == "slow"] == []
    typist.goes_on()


def test_a_second_notebook_server_on_the_store_is_told_whose_it_is(notebook: NotebookServer, tmp_path: Path) -> None:
    store = notebook.folder / "model_store"
    with NotebookServer(tmp_path, options=(f"--TsnbApp.model_store={store}",)) as second, second.kernel() as kernel:
        status, answer = second.request("GET", "tsnb/ping")
        assert (status, json.loads(answer)["type"]) == (409, "ConflictStatusException")
        typist = Typist(kernel)
        typist.run("%load_ext tsnb")
        for cell in ("%serve fine", "%models", "%predict fine 'x'"):
            _, error = typist.run(cell)
            assert error.startswith(f"Conflict: Another notebook server (process {notebook.pid}) uses this model store")
            assert "\n" not in error
    assert notebook.request("POST", "tsnb/predictions/fine", b"x") == (200, b"fine")


@pytest.mark.parametrize("store", ["file", "/proc/store"])
def test_a_model_store_that_cannot_be_one(tmp_path: Path, store: str) -> None:
    (tmp_path / "file").write_text("x")
    with NotebookServer(tmp_path, options=(f"--TsnbApp.model_store={store}",)) as server:
        status, answer = server.request("GET", "tsnb/models")
        assert status == 400
        assert "Set c.TsnbApp.model_store to a folder" in json.loads(answer)["message"]
        assert server.request("GET", "api/status")[0] == 200


def test_a_large_body_is_refused_while_it_is_sent(notebook: NotebookServer) -> None:
    status, answer = notebook.request("POST", "tsnb/predictions/fine", b"x" * 10_000_000, **{"Content-Type": "a/b"})
    assert (status, json.loads(answer)["type"]) == (413, "RequestTooLargeException")
    assert notebook.request("POST", "tsnb/predictions/fine", b"x") == (200, b"fine")


def test_the_kernel_s_own_server_ends_with_a_killed_kernel(tmp_path: Path) -> None:
    from jupyter_client.manager import start_new_kernel

    put(tmp_path / "model_store", "fine")
    clean = {key: value for key, value in os.environ.items() if not key.startswith("TSNB_")}
    environ = clean | {"JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime")}
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(tmp_path), env=environ)
    try:
        typist = Typist(Kernel(client))
        assert typist.run("%load_ext tsnb\n%serve fine")[1] == ""
        _, error = typist.run("%predict fine b'x' * 10_000_000")
        assert error.startswith("RequestTooLarge")
        typist.goes_on()
        kernel = psutil.Process(int(typist.run("import os; os.getpid()")[0]))
        family = kernel.children(recursive=True)
        assert len(family) >= 3  # the server, its nursery, a worker
        kernel.send_signal(signal.SIGKILL)
        _, alive = psutil.wait_procs(family, 15)
        assert not [each for each in alive if each.status() != psutil.STATUS_ZOMBIE]
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
