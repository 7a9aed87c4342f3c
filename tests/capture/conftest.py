"""A real IPython shell per test, its cells recorded, in a folder of its own."""

import pytest
from IPython.core.interactiveshell import InteractiveShell

from tsnb.capture.cell import finish, prepare
from tsnb.capture.cells import Cells


class Notebook:
    """Cells run one after the other in one shell."""

    def __init__(self, shell):
        self.shell = shell
        self.cells = Cells(shell)

    def run(self, *cells):
        for cell in cells:
            self.shell.run_cell(cell, store_history=True).raise_error()

    def capture(self, body, name="digits"):
        """The module made from a handler cell, which is run in between as the magic does."""
        raw = f"%%handler {name}\n{body}"
        draft = prepare(self.shell, self.cells, name, raw, self.shell.execution_count)
        namespace = dict(self.shell.user_ns)
        exec(compile(draft.cell.code, "<handler>", "exec"), namespace)
        return finish(draft, namespace)


@pytest.fixture
def shell():
    InteractiveShell.clear_instance()
    shell = InteractiveShell.instance()
    shell.history_manager.enabled = False
    yield shell
    shell.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.fixture
def notebook(shell, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    notebook = Notebook(shell)
    notebook.cells.start()
    yield notebook
    notebook.cells.stop()
