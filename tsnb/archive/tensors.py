"""The tensors in an archive's weight files: names, shapes and dtypes, without loading or unpickling them.

A safetensors file says it in a JSON header. A file of ``torch.save`` says it
in a pickle; :mod:`tsnb.archive.pickles` walks through its opcodes and builds
descriptions only.
"""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Iterable
from typing import IO, Any

import msgspec
from msgspec import Struct

from tsnb.archive.pickles import NotShown, describe
from tsnb.archive.read import Archive

MAX_HEADER = 64 << 20
"""Bytes of a header or pickle that are read."""

MAX_TENSORS = 100_000
"""Tensors listed per file."""


class Tensor(Struct, frozen=True):
    """One tensor, its dtype as torch spells it without the ``torch.``."""

    name: str
    shape: tuple[int, ...]
    dtype: str


class TensorTable(Struct, frozen=True):
    """The tensors of one file. ``note`` says why there are none to show."""

    tensors: tuple[Tensor, ...] = ()
    note: str = ""


def tensors(archive: Archive, names: Iterable[str] | None = None) -> dict[str, TensorTable]:
    """The table of every weight file in the archive, or of those among ``names``."""
    wanted = archive.files if names is None else [name for name in names if name in archive.files]
    tables = {}
    for name in wanted:
        read = _FORMATS.get(name.rpartition(".")[2].lower())
        if read is not None:
            tables[name] = _table(archive, name, read)
    return tables


def _table(archive: Archive, name: str, read: Callable[[IO[bytes]], list[Tensor]]) -> TensorTable:
    with archive.open(name) as stream:
        try:
            found = read(stream)
        except (
            NotShown,
            msgspec.MsgspecError,
            zipfile.BadZipFile,
            struct.error,
            KeyError,
            ValueError,
            EOFError,
        ) as error:
            return TensorTable(note=f"not shown: {error}")
    return TensorTable(tuple(found[:MAX_TENSORS]))


class _Header(Struct):
    dtype: str
    shape: tuple[int, ...]


_SAFETENSORS_DTYPES = {
    "BOOL": "bool", "U8": "uint8", "I8": "int8", "I16": "int16", "U16": "uint16", "F16": "float16", "BF16": "bfloat16",
    "I32": "int32", "U32": "uint32", "F32": "float32", "F64": "float64", "I64": "int64", "U64": "uint64",
    "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "C64": "complex64",
}  # fmt: skip


def _safetensors(stream: IO[bytes]) -> list[Tensor]:
    (length,) = struct.unpack("<Q", stream.read(8))
    if length > MAX_HEADER:
        raise NotShown(f"the header has {length} bytes")
    header: dict[str, Any] = msgspec.json.decode(stream.read(length), type=dict[str, Any])
    header.pop("__metadata__", None)
    entries = msgspec.convert(header, dict[str, _Header])
    return [Tensor(name, e.shape, _SAFETENSORS_DTYPES.get(e.dtype, e.dtype)) for name, e in entries.items()]


def _torch(stream: IO[bytes]) -> list[Tensor]:
    """A zip with ``<any>/data.pkl``; its directory is at the end, so the stream must be able to seek."""
    with zipfile.ZipFile(stream) as checkpoint:
        info = next(
            (i for i in checkpoint.infolist() if i.filename.count("/") == 1 and i.filename.endswith("/data.pkl")), None
        )
        if info is None or info.file_size > MAX_HEADER:
            raise NotShown("there is no pickle of a readable size in it")
        if any(i.filename.endswith("/constants.pkl") for i in checkpoint.infolist()):
            raise NotShown("it is a TorchScript program")
        found = describe(io.BytesIO(checkpoint.read(info)), MAX_TENSORS)
    return [Tensor(name, info.shape, info.dtype) for name, info in found.items()]


_FORMATS: dict[str, Callable[[IO[bytes]], list[Tensor]]] = {
    "safetensors": _safetensors,
    "pt": _torch,
    "pth": _torch,
    "bin": _torch,
}
