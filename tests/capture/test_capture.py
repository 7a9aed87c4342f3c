"""Handler cells with the cells before them, and what becomes of them: a module that runs, or one clear line."""

# ruff: noqa: E501 (the tables read best with one case a line)

import importlib.util
import subprocess
import sys

import pytest

from tsnb.errors import CaptureError

HANDLE = "def handle(data, context):\n    return {}\n"


def loaded(module, folder):
    """The module, imported from a file as a worker does."""
    path = folder / "loaded_module.py"
    path.write_text(module.source)
    spec = importlib.util.spec_from_file_location("loaded_module", path)
    found = importlib.util.module_from_spec(spec)
    sys.modules["loaded_module"] = found
    try:
        spec.loader.exec_module(found)
    finally:
        del sys.modules["loaded_module"]
    return found


# name, cells run before, what handle returns, the value it must have in the module
TAKEN = [
    ("nothing needed", [], "1 + 1", 2),
    ("builtin", [], "max([1, 2])", 2),
    ("import", ["import math"], "math.floor(2.5)", 2),
    ("import as", ["import json as j"], "j.dumps([1])", "[1]"),
    ("from import", ["from math import floor"], "floor(2.5)", 2),
    ("from import as", ["from math import floor as down"], "down(2.5)", 2),
    ("dotted import", ["import os.path"], "os.path.basename('a/b')", "b"),
    ("two dotted imports", ["import xml.dom", "import xml.sax.saxutils"], "xml.sax.saxutils.escape('<')", "&lt;"),
    ("star import", ["from math import *"], "floor(sqrt(9))", 3),
    ("star import in the middle of others", ["import json\nfrom string import *\nx = 1"], "digits[:2]", "01"),
    ("guarded import", ["try:\n    import nosuchthing\nexcept ImportError:\n    nosuchthing = None"], "nosuchthing", None),
    ("conditional import", ["import sys", "if sys.version_info > (3,):\n    import json as codec"], "codec.dumps(1)", "1"),
    ("module assigned to a name", ["import math\nm = math"], "m.floor(1.5)", 1),
    ("function", ["def double(x): return 2 * x"], "double(2)", 4),
    ("function that needs an import", ["import math", "def area(r): return math.floor(r)"], "area(2.5)", 2),
    ("function that needs a function", ["def one(): return 1", "def two(): return one() + one()"], "two()", 2),
    ("three deep over cells in any order", ["def a(): return b()", "def b(): return c()", "def c(): return 7"], "a()", 7),
    ("mutual recursion", ["def even(n): return n == 0 or odd(n - 1)\ndef odd(n): return n != 0 and even(n - 1)"], "even(4)", True),
    ("class", ["class Point:\n    x = 3"], "Point.x", 3),
    ("class hierarchy over cells", ["class A:\n    v = 1", "class B(A):\n    pass", "class C(B):\n    pass"], "C.v", 1),
    ("base redefined after the child", ["class A:\n    v = 1", "class B(A):\n    pass", "class A:\n    v = 2"], "B.v", 2),
    ("dataclass", ["from dataclasses import dataclass", "@dataclass\nclass P:\n    x: int = 4"], "P().x", 4),
    ("enum", ["import enum", "class E(enum.Enum):\n    A = 5"], "E.A.value", 5),
    ("namedtuple", ["from collections import namedtuple", "T = namedtuple('T', 'a b')"], "T(1, 2).b", 2),
    ("typed dict", ["from typing import TypedDict", "class D(TypedDict):\n    a: int"], "D(a=1)['a']", 1),
    ("decorated function", ["def plus(f):\n    return lambda: f() + 1", "@plus\ndef one(): return 1"], "one()", 2),
    ("wrapped function", ["import functools", "@functools.lru_cache\ndef f(n): return n"], "f(3)", 3),
    ("decorator factory with a constant", ["N = 3", "def times(n):\n    return lambda f: lambda: n * f()", "@times(N)\ndef g(): return 2"], "g()", 6),
    ("default argument", ["SIZE = 28", "def f(n=SIZE): return n"], "f()", 28),
    ("lambda", ["inc = lambda x: x + 1"], "inc(1)", 2),
    ("lambda with a dependency", ["K = 2", "scale = lambda x: x * K"], "scale(4)", 8),
    ("partial", ["from functools import partial", "def add(a, b): return a + b", "add2 = partial(add, 2)"], "add2(3)", 5),
    ("async function", ["import asyncio", "async def f(): return 9"], "asyncio.run(f())", 9),
    ("generator", ["def gen():\n    yield from (1, 2)"], "list(gen())", [1, 2]),
    ("closure with nonlocal", ["def counter():\n    n = 0\n    def step():\n        nonlocal n\n        n += 1\n        return n\n    return step"], "counter()()", 1),
    ("literal number", ["RATE = 0.5"], "RATE", 0.5),
    ("literal list", ["LABELS = ['a', 'b']"], "LABELS", ["a", "b"]),
    ("literal dict over lines", ["MAP = {\n    0: 'zero',  # first\n    1: 'one',\n}"], "MAP[1]", "one"),
    ("annotated constant", ["RATE: float = 0.25"], "RATE", 0.25),
    ("computed scalar is frozen", ["SIZE = 28 * 28"], "SIZE", 784),
    ("computed string", ["import os", "NAME = os.sep.join(['a', 'b'])"], "NAME", "a/b"),
    ("tuple unpacking", ["W, H = 3, 4"], "W * H", 12),
    ("computed list", ["xs = [i for i in range(3)]"], "xs", [0, 1, 2]),
    ("computed dict", ["d = {i: n for i, n in enumerate('ab')}"], "d", {0: "a", 1: "b"}),
    ("computed set", ["s = set('aba')"], "s", {"a", "b"}),
    ("nested plain data", ["d = dict(a=[float('inf'), (1,)])"], "d", {"a": [float("inf"), (1,)]}),
    ("list changed later", ["xs = [1]", "xs.append(2)"], "xs", [1, 2]),
    ("unpacking with a star", ["a, *b = 1, 2, 3"], "b", [2, 3]),
    ("global counter", ["N = 4\ndef bump():\n    global N\n    N += 1\n    return N"], "bump()", 5),
    ("global made by its function", ["def make():\n    global M\n    M = 7\n    return M"], "make()", 7),
    ("attribute set after the class", ["class A: pass\nA.k = 5"], "A.k", 5),
    ("method replaced in a later cell", ["class A:\n    def f(self): return 1", "A.f = lambda self: 2"], "A().f()", 2),
    ("replaced by a function of a cell", ["class A: pass", "def g(self): return 3\nA.f = g"], "A().f()", 3),
    ("setattr", ["class A: pass", "setattr(A, 'k', 4)"], "A.k", 4),
    ("changed twice: the latest counts", ["class A: pass", "A.k = 1", "A.k = 2", "A.k = 1"], "A.k", 1),
    ("changed, then defined anew", ["class A: k = 1", "A.k = 2", "class A: k = 3"], "A.k", 3),
    ("single dispatch", ["from functools import singledispatch\n@singledispatch\ndef f(x): return 0\n@f.register\ndef _(x: int): return 1"], "f(1)", 1),
    ("registered by a call", ["from functools import singledispatch\n@singledispatch\ndef f(x): return 0\nf.register(int, lambda x: 2)"], "f(1)", 2),
    ("virtual subclass", ["import abc\nclass A(abc.ABC): pass\nclass B: pass\nA.register(B)"], "isinstance(B(), A)", True),
    ("infinity", ["TOP = float('inf')"], "TOP > 1", True),
    ("tuple of tuples", ["SHAPE = tuple(zip((1, 2), (3, 4)))"], "SHAPE", ((1, 3), (2, 4))),
    ("constant made from a constant", ["A = 2\nB = A * 3"], "B", 6),
    ("compiled pattern", ["import re", "WORD = re.compile(r'\\w+')"], "WORD.match('ab c').group()", "ab"),
    ("path", ["from pathlib import Path", "P = Path('a') / 'b'"], "P.name", "b"),
    ("type alias", ["from typing import Optional", "MaybeInt = Optional[int]"], "MaybeInt is not None", True),
    ("logger", ["import logging", "log = logging.getLogger('x')"], "log.name", "x"),
    ("redefined: the latest wins", ["def f(): return 1", "def f(): return 2"], "f()", 2),
    ("redefined constant", ["K = 1", "K = 2"], "K", 2),
    ("import replaced by a function", ["from math import floor", "def floor(x): return 'mine'"], "floor(1)", "mine"),
    ("builtin shadowed", ["def sum(xs): return 'mine'"], "sum([1])", "mine"),
    ("two statements in a line", ["A = 1; B = 2"], "A + B", 3),
    ("definition in a %%time cell", ["%%time\ndef f(): return 5"], "f()", 5),
    ("definition below magics", ["%precision 3\ndef f(): return 6\n!true"], "f()", 6),
    ("definition in an if", ["import sys", "if sys.platform:\n    def f(): return 8\nelse:\n    def f(): return 9"], "f()", 8),
    ("a cell in another language is ignored", ["%%bash\ntrue", "x = 1"], "x", 1),
    ("docstrings and odd indentation", ["def f():\n    '''A\n  doc'''\n    return 1"], "f()", 1),
    ("unicode names", ["größe = 3"], "größe", 3),
    ("function that uses a name of the handler cell", ["def f(): return handle"], "f() is handle", True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "expression", "value"), [case[1:] for case in TAKEN], ids=[case[0] for case in TAKEN]
)
def test_taken_along(notebook, tmp_path, before, expression, value):
    notebook.run(*before)
    module = notebook.capture(f"def handle(data, context):\n    return {expression}\n")
    assert loaded(module, tmp_path).handle(None, None) == value


ARRAYS = [
    "torch.tensor([0.485, 0.456, 0.406])",
    "torch.tensor([[1.1, float('nan')], [-0.0, float('-inf')]], dtype=torch.float16)",
    "torch.randn(3, 2, generator=torch.manual_seed(1)).to(torch.bfloat16).t()",
    "torch.tensor([1 + 2.5j])",
    "torch.tensor(7)",
    "torch.zeros(0, 3)",
    "numpy.array([0.1, 1 / 3], dtype=numpy.float32)",
    "numpy.array([[True], [False]])",
    "numpy.zeros((2, 0), dtype=numpy.uint8)",
    "numpy.float32(0.1)",
]


@pytest.mark.parametrize("made", ARRAYS)
def test_a_small_array_of_another_cell_is_written_out_exactly(notebook, tmp_path, made):
    notebook.run("import numpy, torch", f"value = {made}")
    module = notebook.capture("def handle(data, context):\n    return value\n")
    taken, live = loaded(module, tmp_path).handle(None, None), notebook.shell.user_ns["value"]
    assert (type(taken), taken.dtype, taken.shape) == (type(live), live.dtype, live.shape)
    assert repr(taken.tolist()) == repr(live.tolist())


def test_arrays_in_a_dictionary_are_written_out_with_their_imports(notebook, tmp_path):
    notebook.run("import torch as t, numpy as n", "norm = {'mean': t.tensor([0.5]), 'std': (n.array([0.25]), 3)}")
    module = notebook.capture("def handle(data, context):\n    return norm\n")
    assert "torch.tensor([0.5], dtype=torch.float32)" in module.source
    taken = loaded(module, tmp_path).handle(None, None)
    assert (taken["mean"].item(), taken["std"][0].item(), taken["std"][1]) == (0.5, 0.25, 3)


def test_an_array_is_frozen_as_it_is_now(notebook, tmp_path):
    notebook.run("import torch", "mean = torch.zeros(2)", "mean.add_(1)")
    module = notebook.capture("def handle(data, context):\n    return mean.tolist()\n")
    assert loaded(module, tmp_path).handle(None, None) == [1.0, 1.0]


# name, cells run before, what the handler uses, words of the error
REFUSED = [
    ("unknown name", [], "nobody", "nobody is not defined anywhere"),
    ("live object", ["thing = object()"], "thing", "thing is an object that lives in this kernel"),
    ("instance", ["class A: pass\na = A()"], "a", "a is an A that lives in this kernel"),
    ("large array", ["import numpy as np\nmean = np.zeros((200, 300))"], "mean", "a live ndarray of shape (200, 300)"),
    ("array: what to do", ["import numpy as np\nm = np.zeros(9000)"], "m", "numpy.save('m.npy', m)), add it with %archive"),
    ("array of objects", ["import numpy as np\nm = np.array([object()])"], "m", "a live ndarray of shape (1,)"),
    ("module: what to do", ["import torch\nnet = torch.nn.Linear(1, 1)"], "net", "%archive digits --model net"),
    ("large tensor", ["import torch\nt = torch.zeros(9000)"], "t", "torch.load(context.system_properties['model_dir'] + "),
    ("tensor that counts", ["import torch\nt = torch.zeros(2)", "t += 1"], "t", "(my_t = t)"),
    ("tensor with a gradient", ["import torch\nt = torch.zeros(2, requires_grad=True)"], "t", "t = t.detach().cpu()"),
    ("list with a large tensor", ["import torch\nt = [torch.zeros(9000)]"], "t", "t is a list of 1 item"),
    ("list of live objects", ["xs = [object() for i in range(3)]"], "xs", "xs is a list of 3 items"),
    ("dict of functions", ["d = dict(a=lambda: 1)"], "d", "write it out as a literal"),
    ("a list that holds itself", ["xs = []\nxs.append(xs)"], "xs", "xs was changed after cell [1]"),
    ("a very long list", ["xs = list(range(30_000))"], "xs", "save it as JSON"),
    ("list of functions made in a loop", ["fs = []\nfor i in range(2):\n    fs.append(lambda: i)"], "fs", "fs was changed"),
    ("secret of the environment", ["import os\nKEY = os.environ.get('HOME')"], "KEY", "an archive should not hold it"),
    ("loop variable", ["for i in range(3): pass"], "i", "assign it to a name of its own"),
    ("counter", ["n = 1", "n += 1"], "n", "assign it to a name of its own"),
    ("open file", ["f = open('x', 'w')"], "f", "initialize"),
    ("deleted name", ["x = 1", "del x"], "x", "x is no longer defined"),
    ("through a function", ["net = object()\ndef f():\n    return net"], "f", "f (cell [1]), line 3: net is"),
    ("through a decorator", ["class R: \n    def __call__(self, f): return f\nreg = R()", "@reg\ndef f(): pass"], "f", "reg is"),
    ("display", [], "display", "exists in a notebook only"),
    ("a definition mixed with work", ["if True:\n    print(end='')\n    def f(): pass"], "f", "top level of a cell"),
    ("bound method", ["xs = [1]\nadd = xs.append"], "add", "add is"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "expression", "words"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_refused(notebook, before, expression, words):
    notebook.run(*before)
    with pytest.raises(CaptureError) as raised:
        notebook.capture(f"def handle(data, context):\n    return {expression}\n")
    assert words in raised.value.message
    assert raised.value.message.startswith(("line 3: ", expression))
    assert "\n" not in raised.value.message


CELLS_REFUSED = [
    ("top-level await", "import asyncio\nawait asyncio.sleep(0)\n" + HANDLE, "line 3 awaits outside any function"),
    ("magic inside a function", "def handle(data, context):\n    files = !ls\n    return files", "line 3 uses IPython's own syntax inside Python code"),
    ("no handler", "x = 1", "defines no handler"),
    ("two handlers", "class A:\n    def handle(self, d, c): pass\nclass B:\n    def handle(self, d, c): pass", "several handlers (A, B)"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("body", "words"), [case[1:] for case in CELLS_REFUSED], ids=[case[0] for case in CELLS_REFUSED]
)
def test_cells_refused(notebook, body, words):
    with pytest.raises(CaptureError, match=words.replace("(", r"\(").replace(")", r"\)")):
        notebook.capture(body)


def test_lines_map_back_to_the_cells(notebook):
    notebook.run("import math\n\ndef area(r):\n    return math.pi * r")
    module = notebook.capture("K = 1\ndef handle(data, context):\n    return area(K)")
    lines = module.source.splitlines()
    for segment in module.segments:
        cell = next(cell for cell in [*notebook.cells, *[None]] if cell is None or cell.filename == segment.filename)
        if cell is not None:
            assert lines[segment.start - 1] == cell.code.splitlines()[segment.line - 1]
    handler = module.segments[-1]
    assert lines[handler.start - 1 + 2] == "def handle(data, context):"
    assert handler.line == 1


def test_one_entry_point_where_classes_were_taken_along(notebook, tmp_path):
    notebook.run("class Helper:\n    def go(self): return 5")
    body = (
        "class H:\n    def initialize(self, context): self.ready = context\n"
        "    def handle(self, data, context): return [Helper().go(), self.ready]"
    )
    module = loaded(notebook.capture(body), tmp_path)
    assert module.handle(None, "context") is None
    assert module.handle([{}], None) == [5, "context"]


def test_a_single_class_needs_no_entry_point(notebook):
    module = notebook.capture("class H:\n    def handle(self, data, context): return data")
    assert "_service" not in module.source


def test_the_derived_class_of_the_cell_is_the_handler(notebook):
    body = "class A:\n    def handle(self, d, c): return 1\nclass B(A):\n    def handle(self, d, c): return 2"
    assert "_service = B()" in notebook.capture(body).source


def test_future_import_moves_up(notebook, tmp_path):
    notebook.run("import math")
    module = notebook.capture(
        "from __future__ import annotations\ndef handle(data: Nobody, context):\n    return math.floor(1.5)"
    )
    assert loaded(module, tmp_path).handle(None, None) == 1
    assert module.source.splitlines()[1] == "from __future__ import annotations"


def test_magic_lines_are_left_out_and_told(notebook, tmp_path):
    module = notebook.capture("%precision 4\ndef handle(data, context):\n    return 1\n!true")
    assert module.notices == [
        "line 2 is left out of the module: %precision 4",
        "line 5 is left out of the module: !true",
    ]
    assert loaded(module, tmp_path).handle(None, None) == 1


def test_several_definitions_are_told(notebook):
    notebook.run("def f(): return 1", "def f(): return 2")
    assert notebook.capture("def handle(d, c): return f()").notices == [
        "f is defined more than once: took cell [2], not cell [1]"
    ]


def test_frozen_values_are_told(notebook):
    notebook.run("K = 2 * 3")
    assert notebook.capture("def handle(d, c): return K").notices == ["K is frozen at 6"]


def test_a_change_that_cannot_travel_is_told(notebook, tmp_path):
    notebook.run("class A: pass", "A.seen = object()", "A.many = sum([1, 2])")
    module = notebook.capture("def handle(d, c): return A().__dict__")
    assert module.notices == [
        "A.seen of cell [2] is left out: it is made from what a worker does not have",
        "A.many of cell [3] is left out: it is made from what a worker does not have",
    ]
    assert loaded(module, tmp_path).handle(None, None) == {}


def test_a_changed_module_is_told(notebook):
    notebook.run("import json", "json.extra = 1")
    try:
        assert notebook.capture("def handle(d, c): return json.extra").notices == [
            "json.extra is changed in cell [2], for this kernel only: do it in this cell, too"
        ]
    finally:
        notebook.run("del json.extra")


def test_definition_that_failed_halfway_keeps_the_living_one(notebook, tmp_path):
    notebook.run("def f(): return 1")
    notebook.shell.run_cell("1 / 0\ndef f(): return 2", store_history=True)
    module = notebook.capture("def handle(d, c): return f()")
    assert loaded(module, tmp_path).handle(None, None) == 1


def test_cells_run_before_the_extension_are_known(shell, tmp_path):
    from tsnb.capture.cells import Cells

    shell.run_cell("def early(): return 1", store_history=True)
    cells = Cells(shell)
    cells.start()
    try:
        assert [cell.raw for cell in cells] == ["def early(): return 1"]
    finally:
        cells.stop()


def test_constant_reused_under_its_own_name(notebook, tmp_path):
    notebook.run("scale = 3")
    module = notebook.capture("scale = scale * 2\ndef handle(d, c): return scale")
    assert loaded(module, tmp_path).handle(None, None) == 6


def test_a_module_beside_the_notebook_travels_along(notebook, tmp_path, monkeypatch):
    (tmp_path / "beside_me.py").write_text("import beside_it\nX = beside_it.Y")
    (tmp_path / "beside_it.py").write_text("Y = 3")
    monkeypatch.syspath_prepend(tmp_path)
    notebook.run("import beside_me")
    module = notebook.capture("def handle(d, c): return beside_me.X")
    assert module.files == {each: str(tmp_path / each) for each in ("beside_me.py", "beside_it.py")}


def test_several_problems_are_one_line(notebook):
    with pytest.raises(CaptureError, match=r"line 3: one is .* \(and 1 more name like it\)"):
        notebook.capture("def handle(d, c):\n    return one, two")


def test_provenance_names_the_cell_and_the_versions(notebook):
    notebook.run("import numpy as np")
    record = notebook.capture("def handle(d, c): return np.zeros(1)").provenance
    assert record["execution_count"] == 2
    assert "numpy" in record["distributions"]
    assert len(record["cell_sha256"]) == 64


@pytest.mark.parametrize("name", ["json", "torch", "ts"])
def test_names_of_modules_are_refused(notebook, name):
    with pytest.raises(CaptureError, match="cannot name a handler"):
        notebook.capture(HANDLE, name=name)


def test_a_handler_that_imports_from_tsnb_runs_without_it(notebook, tmp_path):
    """TorchServe has no tsnb, and its own BaseHandler."""
    (tmp_path / "ts/torch_handler").mkdir(parents=True)
    (tmp_path / "ts/torch_handler/base_handler.py").write_text("class BaseHandler:\n    name = 'ts'")
    (tmp_path / "ts/context.py").write_text("class Context: pass")
    module = notebook.capture(
        "from tsnb import BaseHandler\n\nclass H(BaseHandler):\n    def handle(self, data, context):\n        return self.name"
    )
    (tmp_path / "handler_file.py").write_text(module.source)
    code = (
        "import sys; sys.modules['tsnb'] = None\n"
        f"sys.path.insert(0, {str(tmp_path)!r})\nimport handler_file\nprint(handler_file.H().handle(None, None))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stdout == "ts\n", done.stderr


def test_what_only_an_annotation_names_is_dropped_when_it_cannot_travel(notebook, tmp_path):
    notebook.run("live = object()\nclass T:\n    x = live")
    module = notebook.capture("from __future__ import annotations\ndef handle(data: T, context):\n    return 1")
    assert "class T" not in module.source
    assert loaded(module, tmp_path).handle(None, None) == 1
