"""Free names by CPython's own scoping: one line per rule."""

import pytest

from tsnb.capture.analyse import analyse

FREE = [
    ("a plain name", "x", {"x": 1}),
    ("a builtin is known", "len(x)", {"x": 1}),
    ("module globals are known", "print(__name__, __file__)", {}),
    ("defined before", "x = 1\nx", {}),
    ("used before it is defined", "y = x\nx = 1", {"x": 1}),
    ("used and redefined in one line", "x = x + 1", {"x": 1}),
    ("function may use what comes later", "def f(): return x\nx = 1", {}),
    ("function uses a free name", "def f():\n    return x", {"x": 2}),
    ("parameters and locals", "def f(a, *b, c=1, **d):\n    e = a, b, c, d\n    return e", {}),
    ("default argument", "def f(a=x): pass", {"x": 1}),
    ("keyword default", "def f(*, a=x): pass", {"x": 1}),
    ("decorator", "@wrap\ndef f(): pass", {"wrap": 1}),
    ("decorator with arguments", "@wrap(size)\nclass A: pass", {"wrap": 1, "size": 1}),
    ("base class and keyword", "class A(B, metaclass=M): pass", {"B": 1, "M": 1}),
    ("class body sees itself", "class A:\n    x = 1\n    y = x", {}),
    ("method does not see the class body", "class A:\n    x = 1\n    def f(self): return x", {"x": 3}),
    ("class body name before it is bound", "class A:\n    x = x", {"x": 2}),
    ("__class__ and super", "class A:\n    def f(self): return super().f(), __class__", {}),
    ("annotation is evaluated", "def f(a: T) -> U: pass", {"T": 1, "U": 1}),
    ("annotated variable", "a: T = 1", {"T": 1}),
    ("future annotations are not", "from __future__ import annotations\ndef f(a: T) -> U: pass", {}),
    ("local annotation is never evaluated", "def f():\n    a: T = 1", {}),
    ("string annotation", "def f(a: 'T'): pass", {}),
    ("list comprehension variable", "[i for i in range(3)]", {}),
    ("comprehension takes from outside", "[i * k for i in xs if i]", {"k": 1, "xs": 1}),
    ("nested comprehension", "{a: b for a in xs for b in a}", {"xs": 1}),
    ("generator in a function", "def f(xs): return sum(x * w for x in xs)", {"w": 1}),
    ("comprehension variable does not leak", "[i for i in ()]\ni", {"i": 2}),
    ("walrus binds", "if (n := 3): print(n)", {}),
    ("walrus in a comprehension binds outside", "[last := i for i in (1, 2)]\nlast", {}),
    ("closure", "def f():\n    a = 1\n    def g(): return a\n    return g", {}),
    ("nonlocal", "def f():\n    a = 1\n    def g():\n        nonlocal a\n        a = 2\n    return g", {}),
    ("global makes a module name", "def f():\n    global a\n    a = 1\ndef g(): return a", {}),
    ("global read only", "def f():\n    global a\n    return a", {"a": 3}),
    ("lambda", "f = lambda a, b=c: a + d", {"c": 1, "d": 1}),
    ("async def", "async def f():\n    async with s() as t:\n        return [u async for u in t]", {"s": 2}),
    ("f-string", "f'{a!r:{width}}'", {"a": 1, "width": 1}),
    ("nested f-string quotes", "f\"{d['k']}\"", {"d": 1}),
    ("match captures", "match v:\n    case [a, *b]: print(a, b)\n    case {'k': c, **d}: print(c, d)", {"v": 1}),
    ("match class pattern", "match v:\n    case Point(x=q): q", {"v": 1, "Point": 2}),
    ("match value pattern", "match v:\n    case Color.RED: pass", {"v": 1, "Color": 2}),
    ("except name", "try: pass\nexcept E as e: print(e)", {"E": 2}),
    ("except name is gone afterwards", "try: pass\nexcept ValueError as e: pass\ndef f(): return e", {"e": 3}),
    ("with as", "with open('x') as f: f.read()", {}),
    ("for target", "for i, (a, b) in xs: print(i, a, b)", {"xs": 1}),
    ("del makes it free again", "x = 1\ndel x\nprint(x)", {"x": 3}),
    ("import binds the first part", "import os.path\nos", {}),
    ("import as", "import numpy as np\nnp", {}),
    ("from import", "from os import path as p, sep\np, sep", {}),
    ("star import is not a name", "from math import *\nsqrt", {"sqrt": 2}),
    ("augmented assignment", "total += 1", {"total": 1}),
    ("attribute and subscript targets", "a.b = 1\nc[0] = d", {"a": 1, "c": 2, "d": 2}),
    ("starred and unpacking", "a, *b = xs\na, b", {"xs": 1}),
    ("try import else None", "try:\n    import torch\nexcept ImportError:\n    torch = None\ntorch", {}),
    ("conditional expression", "a if b else c", {"a": 1, "b": 1, "c": 1}),
    ("first line of several uses", "def f():\n    return x\nx\n", {"x": 2}),
    ("type hints inside a class", "class A:\n    x: T\n    y: int = n", {"T": 2, "n": 3}),
    ("recursion", "def f(n): return f(n - 1)", {}),
    ("mutual recursion", "def f(): g()\ndef g(): f()", {}),
]


@pytest.mark.parametrize(("source", "free"), [case[1:] for case in FREE], ids=[case[0] for case in FREE])
def test_free_names(source, free):
    assert analyse(source).free == free


def test_defines_what_stays_bound():
    source = "import a.b, c as d\nfrom e import f\ng, *h = 1, 2\ndef i(): j = 1\nclass K: l = 1\nm = 1\ndel m"
    assert analyse(source).defines == {"a", "d", "f", "g", "h", "i", "K"}


def test_tells_eager_from_late_lookups():
    uses = {use.name: use.eager for use in analyse("class A(B):\n    def f(self): return C()").uses}
    assert uses["B"]
    assert not uses["C"]


def test_annotations_of_the_future_are_soft():
    uses = {use.name: use.soft for use in analyse("def f(a: T) -> U: return U", ["annotations"]).uses}
    assert uses["T"]
    assert not uses["U"]


def test_finds_imports_stars_classes_and_futures():
    analysis = analyse("from __future__ import annotations\nimport os.path\nfrom math import *\nclass A: pass")
    assert analysis.imports == {"__future__", "os.path", "math"}
    assert analysis.stars == ("math",)
    assert analysis.classes == ("A",)
    assert "annotations" in analysis.futures


def test_top_level_await_has_a_line():
    assert analyse("x = 1\nawait x").top_level_await == 2
    assert analyse("async def f():\n    await x").top_level_await == 0


def test_syntax_errors_are_python_s_own():
    with pytest.raises(SyntaxError):
        analyse("def f(:")
