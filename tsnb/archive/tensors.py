"""The tensors in an archive's weight files: names, shapes, dtypes and where their bytes lie, without unpickling them.

A safetensors file says it in a JSON header. A file of ``torch.save`` or of
TorchScript says it in a pickle; :mod:`tsnb.archive.pickles` walks through its
opcodes and builds descriptions only.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterable
from typing import IO, Any

import msgspec
from msgspec import Struct

from tsnb.archive.pickles import MAX_DIMENSIONS, Description, NotShown, TensorInfo, describe
from tsnb.archive.read import Archive
from tsnb.archive.seek import stored_at

MAX_HEADER = 64 << 20
"""Bytes of a header or pickle that are read."""

MAX_TENSORS = 100_000
"""Tensors listed per file."""

ITEM_SIZES = {
    "bool": 1, "uint8": 1, "int8": 1, "float8_e4m3fn": 1, "float8_e5m2": 1, "float8_e4m3fnuz": 1, "float8_e5m2fnuz": 1,
    "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int32": 4, "uint32": 4, "float32": 4, "int64": 8,
    "uint64": 8, "float64": 8, "complex64": 8, "complex128": 16,
}  # fmt: skip
"""Bytes of an element by dtype."""


class Tensor(Struct, frozen=True):
    """One tensor, its dtype as torch spells it without the ``torch.``."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def count(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes of all elements; 0 for a dtype that is not known."""
        return self.count * ITEM_SIZES.get(self.dtype, 0)


class Place(Struct, frozen=True):
    """Where a tensor's values lie in its file: from byte ``start`` on, within bytes ``first`` to ``end``.

    ``stride`` counts elements.
    """

    start: int
    first: int
    end: int
    stride: tuple[int, ...]


class TensorTable(Struct, frozen=True):
    """The tensors of one file. ``note`` says why there are none to show.

    ``kind`` is what the file is, ``imports`` what unpickling it would import
    beyond tensors, ``places`` where the values of each tensor are (None: not
    to be read without unpickling).
    """

    tensors: tuple[Tensor, ...] = ()
    note: str = ""
    kind: str = ""
    imports: tuple[str, ...] = ()
    places: tuple[Place | None, ...] = ()

    @property
    def parameters(self) -> int:
        """Elements of all tensors, buffers included; tensors that share one place count once."""
        alone = [tensor for tensor, place in zip(self.tensors, self.places, strict=True) if place is None]
        placed = zip(self.tensors, self.places, strict=True)
        shared = {(place.start, tensor.shape): tensor for tensor, place in placed if place is not None}
        return sum(tensor.count for tensor in [*alone, *shared.values()])


def tensors(archive: Archive, names: Iterable[str] | None = None) -> dict[str, TensorTable]:
    """The table of every weight file in the archive, or of those among ``names``."""
    wanted = archive.files if names is None else [name for name in names if name in archive.files]
    tables = {}
    for name in wanted:
        read = _FORMATS.get(name.rpartition(".")[2].lower())
        if read is not None:
            tables[name] = _table(archive, name, read)
    return tables


def _table(archive: Archive, name: str, read: Callable[[IO[bytes]], TensorTable]) -> TensorTable:
    with archive.seekable(name) as stream:
        try:
            return read(stream)
        except (
            NotShown, msgspec.MsgspecError, zipfile.BadZipFile, zlib.error, struct.error, KeyError, ValueError,
            EOFError, NotImplementedError, RuntimeError, OverflowError,
        ) as error:  # fmt: skip
            return TensorTable(note=f"not shown: {error}")


class _Header(Struct):
    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


_SAFETENSORS_DTYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "U16": "uint16", "F16": "float16", "BF16": "bfloat16",
    "I32": "int32", "U32": "uint32", "F32": "float32", "F64": "float64", "I64": "int64", "U64": "uint64",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "C64": "complex64",
}  # fmt: skip


def _safetensors(stream: IO[bytes]) -> TensorTable:
    (length,) = struct.unpack("<Q", stream.read(8))
    if length > MAX_HEADER:
        raise NotShown(f"the header has {length} bytes")
    header: dict[str, Any] = msgspec.json.decode(stream.read(length), type=dict[str, Any])
    header.pop("__metadata__", None)
    entries = sorted(msgspec.convert(header, dict[str, _Header]).items(), key=lambda item: item[1].data_offsets)
    if any(len(entry.shape) > MAX_DIMENSIONS or min((0, *entry.shape)) < 0 for _, entry in entries):
        raise NotShown(f"a tensor has a negative size, or more than {MAX_DIMENSIONS} dimensions")
    found = [Tensor(name, e.shape, _SAFETENSORS_DTYPES.get(e.dtype, e.dtype)) for name, e in entries[:MAX_TENSORS]]
    base = 8 + length
    spans = [(base + entry.data_offsets[0], base + entry.data_offsets[1]) for _, entry in entries]
    places = [Place(start, start, end, row_major(t.shape)) for t, (start, end) in zip(found, spans, strict=False)]
    return TensorTable(tuple(found), kind="safetensors", places=tuple(places))


def row_major(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The stride, in elements, of a tensor whose values lie in order."""
    return tuple(math.prod(shape[axis + 1 :]) for axis in range(len(shape)))


def _torch(stream: IO[bytes]) -> TensorTable:
    """A zip with ``<any>/data.pkl``; its directory is at the end, so the stream must be able to seek."""
    with zipfile.ZipFile(stream) as checkpoint:
        members = {info.filename: info for info in checkpoint.infolist()}
        top = next((name for name in members if name.count("/") == 1 and name.endswith("/data.pkl")), "")
        if not top or members[top].file_size > MAX_HEADER:
            raise NotShown("there is no pickle of a readable size in it")
        found = describe(io.BytesIO(checkpoint.read(top)), MAX_TENSORS)
        folder = top.removesuffix("data.pkl")
        order = members.get(f"{folder}byteorder")
        big = order is not None and order.file_size <= 16 and checkpoint.read(order) == b"big"
    script = f"{folder}constants.pkl" in members
    kind = "TorchScript program" if script else "pickled object" if found.whole or found.problem else "state dict"
    if found.problem:
        return TensorTable(note=f"not shown: {found.problem}", kind=kind, imports=found.imports)
    spans = {} if big else _spans(stream, members, f"{folder}data/", found)
    places = [_place(info, spans.get(info.storage)) for info in found.tensors.values()]
    listed = [Tensor(name, info.shape, info.dtype) for name, info in found.tensors.items()]
    return TensorTable(tuple(listed), kind=kind, imports=found.imports, places=tuple(places))


def _spans(
    stream: IO[bytes], members: dict[str, zipfile.ZipInfo], folder: str, found: Description
) -> dict[str, tuple[int, int]]:
    """Storage → its first byte in the file and the one after its last."""
    spans = {}
    for key in {info.storage for info in found.tensors.values()}:
        member = members.get(folder + key)
        start = stored_at(stream, member) if member is not None else None
        if member is not None and start is not None:
            spans[key] = (start, start + member.file_size)
    return spans


def _place(info: TensorInfo, span: tuple[int, int] | None) -> Place | None:
    if span is None or info.dtype not in ITEM_SIZES or len(info.stride) != len(info.shape):
        return None
    return Place(span[0] + info.offset * ITEM_SIZES[info.dtype], *span, info.stride)


_FORMATS: dict[str, Callable[[IO[bytes]], TensorTable]] = {
    "safetensors": _safetensors,
    "pt": _torch,
    "pth": _torch,
    "bin": _torch,
}
