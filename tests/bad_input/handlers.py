"""Handlers that misbehave, by name, and what a client and the owner are told of each."""

from __future__ import annotations

from typing import NamedTuple

FINE = """
def handle(data, context):
    return None if data is None else ["fine"] * len(data)
"""

DIED = (500, "Worker died.")
FAILED = (503, "Prediction failed")
NO_LIST = (503, "Invalid model predict output")
NO_DATA = (503, "Unsupported model output data type.")


def body(text: str, before: str = "") -> str:
    """A module whose ``handle`` runs these statements for every batch."""
    lines = "\n".join(f"    {line}" for line in text.strip().splitlines())
    return f"{before}\ndef handle(data, context):\n    if data is None:\n        return None\n{lines}\n"


def model(initialize: str) -> str:
    """A module with a class whose ``initialize`` is this statement."""
    return (
        f"class Model:\n    def initialize(self, context):\n        {initialize}\n\n"
        "    def handle(self, data, context):\n        return ['ok'] * len(data)\n"
    )


class Loading(NamedTuple):
    """A handler that cannot be loaded: the stage and the words its owner is shown."""

    source: str
    stage: str
    told: str


LOADING = {
    "no-module": Loading("import no_such_module_anywhere\n" + FINE, "import", "no_such_module_anywhere"),
    "bad-syntax": Loading("def handle(:\n", "import", "invalid syntax"),
    "no-handle": Loading("x = 1\n", "import", "defines neither a function handle"),
    "raises": Loading(model("raise RuntimeError('no weights here')"), "initialize", "no weights here"),
    "surrogate": Loading(model("raise RuntimeError('odd \\udc80')"), "initialize", "odd \\udc80"),
    "exits": Loading("import sys\nsys.exit(3)\n", "initialize", "exited with code 3 while it loaded"),
    "interrupts": Loading(model("raise KeyboardInterrupt"), "initialize", "exited with code 1 while it loaded"),
    "killed": Loading(model("import os; os.kill(os.getpid(), 9)"), "initialize", "was killed by SIGKILL"),
}


class Answering(NamedTuple):
    """A handler that fails a request: what the client gets, and the words its owner is shown."""

    source: str
    answer: tuple[int, str]
    told: str


ANSWERING = {
    "raises": Answering(body("raise ValueError('no good')"), FAILED, "no good"),
    "raises-surrogate": Answering(body("raise ValueError('odd \\udc80')"), FAILED, "odd \\udc80"),
    "raises-unprintable": Answering(
        body("raise E()", "class E(Exception):\n    def __str__(self):\n        raise ValueError\n"),
        FAILED,
        "cannot be",
    ),
    "recurses": Answering(body("handle(data, context)"), FAILED, "recursion"),
    "two-for-one": Answering(body("return [1, 2]"), (503, "number of batch response mismatched"), "2 items for 1"),
    "none": Answering(body("return None"), NO_LIST, "returned NoneType"),
    "generator": Answering(body("return (row for row in data)"), NO_LIST, "returned generator"),
    "bytes": Answering(body("return b'abc'"), NO_LIST, "returned bytes"),
    "dict": Answering(body("return {'a': 1}"), NO_LIST, "returned dict"),
    "object": Answering(body("return [object()]"), NO_DATA, "not JSON serializable"),
    "circle": Answering(body("circle = []\ncircle.append(circle)\nreturn [circle]"), NO_DATA, "Circular"),
    "surrogate": Answering(body("return ['\\udc80']"), FAILED, "surrogates not allowed"),
    "odd-header": Answering(
        body("context.set_response_header(0, 'X-A', '\\udc80')\nreturn ['x']"), FAILED, "surrogates not allowed"
    ),
    "huge-status": Answering(body("context.set_response_status(10**30)\nreturn ['x']"), FAILED, "serialize ints"),
    "odd-code": Answering(
        body("raise PredictionException('mine', 'x')", "from ts.utils.util import PredictionException\n"),
        (503, "mine"),
        "mine",
    ),
    "memory": Answering(body("raise MemoryError('full')"), (507, "Out of resources"), "full"),
    "too-long": Answering(body("return ['x' * 7_000_000]"), DIED, "7000000 bytes, the limit is 6553500"),
    "exits": Answering(body("import sys\nsys.exit(0)"), DIED, "exited with code 0"),
    "exits-hard": Answering(body("import os\nos._exit(5)"), DIED, "exited with code 5"),
    "interrupts": Answering(body("raise KeyboardInterrupt"), DIED, "exited with code 1"),
    "crashes": Answering(body("import ctypes\nctypes.string_at(0)"), DIED, "killed by SIGSEGV"),
    "killed": Answering(body("import os\nos.kill(os.getpid(), 9)"), (507, "Worker died."), "killed by SIGKILL"),
    "sleeps": Answering(body("import time\ntime.sleep(60)"), DIED, "No answer within 1 s"),
    "garbage": Answering(body("import os\nos.write(3, b'x' * 64)\nreturn ['x']"), DIED, "not a tsnb frame"),
    "hangs-up": Answering(body("import os\nos.close(3)\nreturn ['x']"), DIED, "exited with code 1"),
    "leaves-a-child": Answering(
        body(
            "import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(30)\n    os._exit(0)\nos._exit(1)",
        ),
        DIED,
        "exited with code 1",
    ),
    "removes-itself": Answering(body("import os\nos.remove(__file__)\nos._exit(1)"), DIED, "exited with code 1"),
    "closes-stdout": Answering(body("import os\nos.close(1)\nprint('x')"), FAILED, "Bad file descriptor"),
    "new-session": Answering(body("import os\nos.setsid()"), FAILED, "Operation not permitted"),
}

ODD_BUT_FINE = {
    "prints-10-mb": (body("print('x' * 10_000_000)\nprint('y\\n' * 1_000_000)\nreturn ['ok']"), b"ok"),
    "prints-bytes": (body("import os\nos.write(1, b'\\xff\\x00' * 50_000)\nreturn ['ok']"), b"ok"),
    "own-stdout": (body("import io, sys\nsys.stdout = io.StringIO()\nprint('x')\nreturn ['ok']"), b"ok"),
    "no-stdout": (body("import sys\nsys.stdout = sys.stderr = None\nreturn ['ok']"), b"ok"),
    "closes-streams": (body("import sys\nsys.stdout.close()\nsys.stderr.close()\nprint('x')\nreturn ['ok']"), b"ok"),
    "changes-folder": (body("import os\nos.chdir('/')\nreturn [os.getcwd()]"), b"/"),
    "a-gigabyte": (body("global kept\nkept = bytearray(2**30)\nreturn [len(kept)]"), b"1073741824"),
    "empties-data": (body("data.clear()\nreturn ['ok']"), b"ok"),
    "not-a-number": (body("return [{'x': float('nan')}]"), b'{\n  "x": NaN\n}'),
    "odd-metrics": (body("context.metrics.add_counter('a b\\n\\udc80', 1)\nreturn ['ok']"), b"ok"),
    "thread-and-child": (
        body(
            "import subprocess, threading\nthreading.Thread(target=threading.Event().wait, daemon=False).start()\n"
            "subprocess.Popen(['sleep', '600'])\nreturn ['ok']"
        ),
        b"ok",
    ),
}
