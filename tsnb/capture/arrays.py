"""Small arrays and tensors written out as source, exact to the last bit; nothing is imported that is not there already.

``MEAN = torch.tensor([0.485, 0.456, 0.406])`` in one cell and used in another is a constant like any number. What is
written is built once here and compared with the live value, so that dtype, shape and every bit are known to be right.
"""

from __future__ import annotations

import contextlib
import math
import struct
import sys
from typing import Any

MODULES = {"numpy": ("ndarray",), "torch": ("Tensor",)}
"""By the module that a source needs: the classes that can be written out, and no subclass of them."""


def module_of_array(value: Any) -> str:
    """``numpy`` or ``torch`` for an array that may be written out, ``""`` for anything else."""
    cls = type(value)
    module = cls.__module__.split(".")[0]
    if module == "numpy" and getattr(value, "shape", None) == () and cls.__name__ != "ndarray":
        return module if _has_plain_numbers(value) else ""  # numpy.float32(0.5)
    if cls.__name__ not in MODULES.get(module, ()):
        return ""
    return module if module == "torch" or _has_plain_numbers(value) else ""


def _has_plain_numbers(value: Any) -> bool:
    return getattr(value, "dtype", None) is not None and value.dtype.kind in "biufc" and value.dtype.isnative


def array_source(value: Any, most: int) -> str | None:
    """The expression that makes this array again, or None where it is too long or would not be the same."""
    module = module_of_array(value)
    if not module or _count(value, module) > most or not _is_simple(value, module):
        return None
    source = _written(value, module)
    return source if len(source) <= most and _is_same(source, value, module) else None


def _count(value: Any, module: str) -> int:
    return int(value.numel() if module == "torch" else value.size)


def _is_simple(value: Any, module: str) -> bool:
    """A tensor in this machine's memory, as it is: no gradient, no sparse or quantized layout."""
    if module == "numpy":
        return True
    strided = str(value.layout) == "torch.strided" and not value.is_quantized
    return strided and value.device.type == "cpu" and not value.requires_grad


def _written(value: Any, module: str) -> str:
    numbers = _numbers(value.tolist(), _SHORT.get(str(value.dtype).removeprefix("torch."), ""))
    shape = tuple(value.shape)
    if module == "torch":
        made = f"torch.tensor({numbers}, dtype={value.dtype})"
        return made if 0 not in shape else f"{made}.reshape({shape})"
    name = "bool_" if value.dtype.kind == "b" else value.dtype.name
    if type(value).__name__ != "ndarray":
        return f"numpy.{name}({numbers})"
    made = f"numpy.array({numbers}, dtype=numpy.{name})"
    return made if 0 not in shape else f"{made}.reshape({shape})"


_SHORT = {"float32": "f", "float16": "e"}
"""How struct calls the types whose numbers have shorter words than as Python floats: 0.485, not 0.48500001430511475."""


def _numbers(value: Any, short: str) -> str:
    """Nested lists of numbers as source."""
    if isinstance(value, list):
        return f"[{', '.join(_numbers(item, short) for item in value)}]"
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    return repr(_shortest(value, short) if short else value)


def _shortest(value: float, code: str) -> float:
    """The number with the fewest digits that is rounded to this one."""
    for digits in range(1, 10):
        candidate = float(f"{value:.{digits}g}")
        with contextlib.suppress(OverflowError):
            if struct.pack(code, candidate) == struct.pack(code, value):
                return candidate
    return value


def _is_same(source: str, value: Any, module: str) -> bool:
    """Whether the source, run here, gives the same dtype, shape and bits."""
    library = sys.modules[module]
    try:
        made = eval(source, {module: library})  # noqa: S307 - our own words, of numbers only
        same_kind = made.dtype == value.dtype and made.shape == value.shape
        return same_kind and _bits(made, library) == _bits(value, library)
    except (ArithmeticError, AttributeError, NameError, RuntimeError, TypeError, ValueError):
        return False


def _bits(value: Any, library: Any) -> bytes:
    if library.__name__ == "numpy":
        return bytes(value.tobytes())
    flat = value.resolve_conj().contiguous().reshape(-1)
    return bytes(flat.view(library.uint8).tolist()) if flat.numel() else b""
