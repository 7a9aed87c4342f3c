"""A real IPython shell with the extension loaded, in a folder of its own, and a real kernel for journeys."""

import json

import pytest
from IPython.core.interactiveshell import InteractiveShell


@pytest.fixture
def shell(tmp_path, monkeypatch):
    for name in ("TSNB_URL", "TSNB_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance(colors="nocolor")
    shell.history_manager.enabled = False
    shell.run_cell("%load_ext tsnb", store_history=True).raise_error()
    shell._tsnb[0].fresh_check = False  # a process with torch for every test would take its time
    yield shell
    shell.run_cell("%unload_ext tsnb")
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.fixture
def run(shell):
    """Run a cell; its result, or the exception it raised."""

    def run_cell(cell):
        done = shell.run_cell(cell, store_history=True)
        done.raise_error()
        return done.result

    return run_cell


@pytest.fixture
def shown(shell, capsys):
    """Run a cell that fails; what the user sees of it."""

    def run_cell(cell):
        capsys.readouterr()
        done = shell.run_cell(cell, store_history=True)
        assert not done.success
        printed = capsys.readouterr()
        return (printed.out + printed.err).strip()

    return run_cell


class Kernel:
    """A real kernel, and what its cells send to the notebook."""

    def __init__(self, client):
        self.client = client

    def run(self, code, timeout=90):
        messages = []
        reply = self.client.execute_interactive(code, output_hook=messages.append, timeout=timeout)
        return Outcome(reply["content"], messages)

    def value(self, code):
        """The value of an expression that JSON can hold."""
        outcome = self.run(f"import json as _json\nprint(_json.dumps({code}))")
        assert outcome.ok, outcome.error
        return json.loads(outcome.stdout)


class Outcome:
    """The reply of one cell and its outputs."""

    def __init__(self, reply, messages):
        self.ok = reply["status"] == "ok"
        self._messages = messages
        self.stdout = "".join(each["text"] for each in self._of("stream") if each["name"] == "stdout")
        self.data = next((each["data"] for each in self._of("execute_result")), {})
        self.errors = list(self._of("error"))
        self.error = "\n".join("\n".join(each["traceback"]) for each in self.errors)

    def _of(self, kind):
        return [each["content"] for each in self._messages if each["msg_type"] == kind]

    @property
    def text(self):
        return self.data.get("text/plain", "")


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    from jupyter_client.manager import start_new_kernel

    folder = tmp_path_factory.mktemp("notebook")
    env = {"JUPYTER_RUNTIME_DIR": str(folder / "runtime")}
    import os

    clean = {key: value for key, value in os.environ.items() if not key.startswith("TSNB_")}
    manager, client = start_new_kernel(kernel_name="python3", cwd=str(folder), env={**clean, **env})
    yield Kernel(client)
    client.stop_channels()
    manager.shutdown_kernel()
