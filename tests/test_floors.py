"""The floors of docs/architecture.md, read from the imports themselves."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "tsnb"

GROUND = {"archive", "config", "errors", "html", "messages", "properties", "protocol", "speedups", ""}

ALLOWED = {
    "archive": GROUND,
    "handlers": GROUND | {"handlers"},
    "compat": GROUND | {"handlers", "compat"},
    "capture": GROUND | {"capture"},
    "worker": GROUND | {"handlers", "compat", "worker"},
    "engine": GROUND | {"engine"},
    "rest": GROUND | {"engine", "rest"},
    # What is said of models, tokens and certificates is said once, in rest/.
    "rpc": GROUND | {"engine", "rest", "rpc"},
    "client": GROUND | {"client"},
    "widgets": GROUND | {"client", "widgets"},
    # %replay runs the worker's own loader in the kernel, so that it cannot do anything else than a worker.
    "magics": GROUND | {"client", "capture", "compat", "widgets", "worker", "magics"},
    "jupyter": GROUND | {"engine", "rest", "rpc", "jupyter"},
    "cli": GROUND | {"client", "engine", "rest", "rpc", "cli"},
}
"""What each folder may import of tsnb. The ground floor's single files may import the ground floor."""

FOREIGN = {
    "torch": {"handlers", "compat", "worker", "capture"},
    "tornado": {"rest/in_jupyter.py", "jupyter"},
    "jupyter_server": {"rest/in_jupyter.py", "jupyter"},
    "IPython": {"magics", "capture", "widgets", "__init__.py"},
    "ipywidgets": {"widgets"},
    "anywidget": {"widgets"},
    "httptools": {"rest", "client"},
    "grpc": {"rpc"},
    "google": {"rpc"},
    "uvloop": {"rest", "cli", "client"},
    "httpx": {"client", "client.py", "engine/sources.py"},
    "pickle": set(),
    "cloudpickle": set(),
}
"""Libraries that only these folders or files may import."""

FILES = sorted(PACKAGE.rglob("*.py"))


def imports(path):
    """Every module a file imports, with what stands under ``if TYPE_CHECKING`` left out."""
    tree = ast.parse(path.read_text())
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            yield from (f"{base}.{alias.name}" for alias in node.names) if base == "tsnb" else [base]


def floor(path):
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_imports_only_from_its_floor_and_below(path):
    here = floor(path)
    if here in ("__init__", "__main__"):
        return
    allowed = ALLOWED.get(here, GROUND)
    for name in imports(path):
        if name == "tsnb" or name.startswith("tsnb."):
            there = [*name.split("."), ""][1]
            assert there in allowed | {"__version__"}, f"{path.name} on floor {here!r} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_stay_where_they_belong(path):
    relative = path.relative_to(PACKAGE)
    for name in imports(path):
        homes = FOREIGN.get(name.split(".")[0])
        if homes is not None:
            at_home = relative.parts[0] in homes or str(relative) in homes
            assert at_home, f"{relative} imports {name}"
