"""Loading the extension imports nothing heavy, and can be undone."""

import json
import subprocess
import sys

PROBE = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
shell.run_cell("%load_ext tsnb").raise_error()
heavy = [name for name in ("torch", "numpy", "httpx", "tornado", "ipywidgets", "PIL") if name in sys.modules]
print(json.dumps({"heavy": heavy}))
"""


def test_load_imports_nothing_heavy():
    done = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["heavy"] == []


def test_loading_twice_changes_nothing(shell):
    shell.run_cell("%load_ext tsnb").raise_error()
    shell.run_cell("%reload_ext tsnb").raise_error()
    assert len([one for one in shell.configurables if type(one).__name__ == "ArchiveMagic"]) == 1
    assert len(shell.Completer.custom_matchers) == 1


def test_unload_takes_everything_away(shell):
    shell.run_cell("%unload_ext tsnb").raise_error()
    assert "serve" not in shell.magics_manager.magics["line"]
    assert "handler" not in shell.magics_manager.magics["cell"]
    assert shell.Completer.custom_matchers == []
    assert not any(type(one).__module__.startswith("tsnb") for one in shell.configurables)
    shell.run_cell("%load_ext tsnb").raise_error()
    assert "serve" in shell.magics_manager.magics["line"]
