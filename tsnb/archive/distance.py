"""How far two tensors are apart, from their bytes in two files: in pieces, with bounded memory."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import IO, TYPE_CHECKING, Any

from msgspec import Struct

from tsnb.archive.tensors import ITEM_SIZES, Place, Tensor, row_major

if TYPE_CHECKING:
    import numpy as np

PIECE = 1 << 18
"""Elements that are compared at a time."""

MAX_STRIDED = 256 << 20
"""Bytes of a tensor that does not lie in order, as a transposed one: they are held in memory."""

MAX_ELEMENTS = 1 << 36
"""Elements of a tensor; an expanded one may claim any number without having them."""

_NUMPY = {
    "bool": "u1", "uint8": "u1", "int8": "i1", "int16": "<i2", "uint16": "<u2", "float16": "<f2", "bfloat16": "<u2",
    "int32": "<i4", "uint32": "<u4", "float32": "<f4", "int64": "<i8", "uint64": "<u8", "float64": "<f8",
    "complex64": "<c8", "complex128": "<c16",
}  # fmt: skip
"""dtype → how numpy reads its bytes; bfloat16 is the upper half of a float32."""


class NotCompared(Exception):
    """The values cannot be read without loading the file; the message says why."""


class Distance(Struct, frozen=True):
    """``norm`` is the Euclidean norm of the difference, ``relative`` the same over the norm of the first tensor.

    ``largest`` is the largest absolute difference of an element, ``differing``
    of ``count`` elements differ.
    """

    norm: float
    relative: float
    largest: float
    differing: int
    count: int


class Values(Struct, frozen=True):
    """A tensor and where to read it."""

    tensor: Tensor
    place: Place | None
    stream: IO[bytes]


def distance(a: Values, b: Values) -> Distance:
    """The distance of two tensors of one shape; their dtypes may differ. Raises NotCompared."""
    import numpy as np

    squares, base, largest, differing = 0.0, 0.0, 0.0, 0
    with np.errstate(all="ignore"):
        for old, new in zip(_pieces(a), _pieces(b), strict=True):
            x = _numbers(old, a.tensor.dtype)
            base += _square(x)
            if a.tensor.dtype == b.tensor.dtype and old.tobytes() == new.tobytes():
                continue
            y = _numbers(new, b.tensor.dtype)
            same = _same(old, new) if a.tensor.dtype == b.tensor.dtype else x == y
            apart = np.abs(y - x)
            apart[same] = 0.0
            squares += _square(apart)
            largest = max(largest, float(np.max(apart, initial=0.0)), key=_nan_last)
            differing += int(np.count_nonzero(~same))
    norm = math.sqrt(squares)
    relative = norm / math.sqrt(base) if base > 0 else math.inf if norm else 0.0
    return Distance(norm, relative, largest, differing, a.tensor.count)


def _square(numbers: np.ndarray[Any, Any]) -> float:
    """The sum of the squares."""
    import numpy as np

    return float(np.vdot(numbers, numbers).real)


def _nan_last(value: float) -> float:
    return math.inf if math.isnan(value) else value


def _same(old: np.ndarray[Any, Any], new: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Which elements have the same bits, so that NaN equals itself."""
    import numpy as np

    size = old.dtype.itemsize
    equal = old.view(np.uint8).reshape(-1, size) == new.view(np.uint8).reshape(-1, size)
    return np.asarray(equal.all(axis=1))


def _numbers(piece: np.ndarray[Any, Any], dtype: str) -> np.ndarray[Any, Any]:
    """float64, or complex128."""
    import numpy as np

    if dtype == "bfloat16":
        piece = (piece.astype("<u4") << np.uint32(16)).view("<f4")
    return piece.astype(np.complex128 if piece.dtype.kind == "c" else np.float64)


def _pieces(values: Values) -> Iterator[np.ndarray[Any, Any]]:
    """The elements in order, ``PIECE`` at a time; the same number each time for tensors of one shape."""
    tensor, place = values.tensor, values.place
    if place is None or tensor.dtype not in _NUMPY:
        raise NotCompared(f"the values of a {tensor.dtype} tensor are not read" if place else "its values are packed")
    if tensor.count > MAX_ELEMENTS:
        raise NotCompared(f"it claims {tensor.count} elements")
    if not tensor.count:
        return
    extent = 1 + sum((size - 1) * step for size, step in zip(tensor.shape, place.stride, strict=True))
    size = ITEM_SIZES[tensor.dtype]
    if place.start < place.first or place.start + extent * size > place.end:
        raise NotCompared("its values lie outside of its storage")
    if _in_order(tensor.shape, place.stride):
        for first in range(0, tensor.count, PIECE):
            count = min(PIECE, tensor.count - first)
            yield _read(values.stream, tensor.dtype, place.start + first * size, count)
    else:
        yield from _strided(values, place, extent)


def _in_order(shape: tuple[int, ...], stride: tuple[int, ...]) -> bool:
    return all(size == 1 or one == other for size, one, other in zip(shape, stride, row_major(shape), strict=True))


def _read(stream: IO[bytes], dtype: str, start: int, count: int) -> np.ndarray[Any, Any]:
    import numpy as np

    try:
        stream.seek(start)
        data = stream.read(count * ITEM_SIZES[dtype])
    except (OSError, ValueError, OverflowError) as error:
        raise NotCompared(f"the file cannot be read there: {error}") from error
    if len(data) != count * ITEM_SIZES[dtype]:
        raise NotCompared("the file is shorter than it says")
    return np.frombuffer(data, _NUMPY[dtype])


def _strided(values: Values, place: Place, extent: int) -> Iterator[np.ndarray[Any, Any]]:
    from numpy.lib.stride_tricks import as_strided

    tensor, size = values.tensor, ITEM_SIZES[values.tensor.dtype]
    if extent * size > MAX_STRIDED:
        raise NotCompared(f"it does not lie in order and has {extent * size} bytes; {MAX_STRIDED} are compared")
    whole = _read(values.stream, tensor.dtype, place.start, extent)
    view = as_strided(whole, tensor.shape, tuple(step * size for step in place.stride), writeable=False)
    for first in range(0, tensor.count, PIECE):
        yield view.flat[first : min(first + PIECE, tensor.count)]
