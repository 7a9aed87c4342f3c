from __future__ import annotations

import json
import subprocess
import sys


def loaded_after(module: str) -> set[str]:
    code = f"import json, sys, {module}; print(json.dumps(list(sys.modules)))"
    return set(json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout))


def test_the_loop_needs_no_server_no_jupyter_and_no_torch() -> None:
    found = loaded_after("tsnb.worker.loop")
    assert not found & {"tornado", "jupyter_server", "jupyter_core", "IPython", "uvloop", "httpx", "torch", "numpy"}


def test_the_nursery_needs_no_server_and_no_jupyter() -> None:
    found = loaded_after("tsnb.worker.nursery, tsnb.handlers.base")
    assert not found & {"tornado", "jupyter_server", "jupyter_core", "IPython", "uvloop", "httpx"}
    assert not found & {"torch._dynamo", "sympy"}, "torch's compiler costs a second and is rarely used"
