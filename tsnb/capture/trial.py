"""Build a model from the files that were written, and compare it with the live one."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import nn

_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def why_different(net: nn.Module, model_file: Path, folder: Path) -> str | None:
    """Why the file does not make this model again; None when it does.

    Compared are names and shapes of all state, the printed structure, and plain
    attributes of every submodule, which hold what weights do not: a dropout
    rate, a padding, a temperature.
    """
    import torch

    kind = type(net).__name__
    with _importable(folder):
        try:
            module = importlib.import_module(model_file.stem)
            (cls,) = (one for one in vars(module).values() if _is_own_class(one, module.__name__))
            with torch.random.fork_rng(devices=[]):
                rebuilt = _build(cls)
        except Exception as error:
            return f"{kind} cannot be built again ({type(error).__name__}: {error})"
    return _difference(net, rebuilt)


def _build(cls: type[nn.Module]) -> nn.Module:
    """Without memory for the weights where the class allows it."""
    import torch

    try:
        with torch.device("meta"):
            return cls()
    except Exception:
        return cls()


def _difference(net: nn.Module, rebuilt: nn.Module) -> str | None:
    kind = type(net).__name__
    wanted = {key: tuple(getattr(value, "shape", ())) for key, value in net.state_dict().items()}
    found = {key: tuple(getattr(value, "shape", ())) for key, value in rebuilt.state_dict().items()}
    if wanted != found:
        key = min(wanted.items() ^ found.items())[0]
        return (
            f"{kind} built again has other weights than the live one: "
            f"{key} is {found.get(key, 'missing')} there and {wanted.get(key, 'missing')} here"
        )
    if repr(net).partition("(")[2] != repr(rebuilt).partition("(")[2]:
        return f"{kind} built again is structured in another way than the live one"
    for (path, one), (_, other) in zip(net.named_modules(), rebuilt.named_modules(), strict=True):
        changed = _attributes(one) ^ _attributes(other)
        if changed:
            return f"{'.'.join(filter(None, [kind, path]))} had {min(changed)[0]} changed after it was built"
    return None


def _attributes(module: nn.Module) -> set[tuple[str, str]]:
    values = {key: value for key, value in vars(module).items() if not key.startswith("_") and key != "training"}
    return {(key, repr(value)) for key, value in values.items() if _is_plain(value)}


def _is_plain(value: Any) -> bool:
    return all(map(_is_plain, value)) if type(value) is tuple else type(value) in _PLAIN


def _is_own_class(value: Any, module: str) -> bool:
    return isinstance(value, type) and value.__module__ == module


@contextmanager
def _importable(folder: Path) -> Iterator[None]:
    """Modules of a folder can be imported, and are forgotten afterwards."""
    names = {path.stem for path in folder.glob("*.py")}
    before = {name: sys.modules.pop(name) for name in names if name in sys.modules}
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    bytecode, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        yield
    finally:
        sys.dont_write_bytecode = bytecode
        sys.path.remove(str(folder))
        for name in names:
            sys.modules.pop(name, None)
        sys.modules.update(before)
