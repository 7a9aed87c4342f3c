"""Request bytes to handler values, handler values to answer bytes (spec 1.3 and 1.4)."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import msgspec

from tsnb.protocol import Buffer
from tsnb.speedups import indented

logger = logging.getLogger(__name__)


class Unserialisable(Exception):
    """A handler returned something that has no bytes."""


_json = msgspec.json.Decoder().decode


def decode_values(name: str, kind: str, values: Sequence[Buffer], decode: bool = True) -> list[Any]:
    """The values of a parameter in several requests, which all have this content type: :func:`decode_value`."""
    if decode and kind == "application/json":
        with contextlib.suppress(ValueError, RecursionError):
            return [_json(value) for value in values]
    return [decode_value(name, kind, value, decode) for value in values]


def decode_value(name: str, kind: str, value: Buffer, decode: bool = True) -> Any:
    """One value as its content type says; the raw bytes, and a warning, where they are not that."""
    try:
        if decode and kind == "application/json":
            return _loads(value)
        if decode and kind.startswith("text"):
            return str(value, "utf-8")
    except (ValueError, RecursionError) as error:
        logger.warning("the value of %r is no valid %s, the handler gets its bytes: %s", name, kind, error)
    return bytearray(value)


def _loads(value: Buffer) -> Any:
    try:
        return _json(value)
    except msgspec.DecodeError:  # what Python's json takes and others do not: NaN, Infinity, huge numbers
        return json.loads(str(value, "utf-8"))


def encode_value(value: Any) -> bytes:
    """The bytes of one answer. Raises :class:`Unserialisable`."""
    if type(value) is dict or type(value) is list:
        return _json_of(value)
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)  # which copies a bytearray only
    if isinstance(value, str):
        return value.encode()
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _saved(value)
    return _json_of(value)


def _json_of(value: Any) -> bytes:
    made = indented(value)
    if made is not None:
        return made
    try:
        return _dumps(value)
    except RecursionError as error:
        raise Unserialisable(f"{type(value).__name__}: Circular reference, or nested too deeply") from error
    except (TypeError, ValueError) as error:
        raise Unserialisable(f"{type(value).__name__}: {error}") from error


def _saved(tensor: Any) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save(tensor, buffer)
    return buffer.getvalue()


def _dumps(value: Any) -> bytes:
    """The bytes of ``json.dumps(value, indent=2)``.

    Python's indenting encoder is written in Python: the compact text, by its C encoder, is indented by msgspec.
    """
    try:
        return msgspec.json.format(_compact(value), indent=2).encode()
    except msgspec.DecodeError:  # NaN and infinities, which Python writes and JSON does not know
        return json.dumps(value, indent=2).encode()


def _refuse(value: Any) -> NoReturn:
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _made_once() -> Callable[[Any], str]:
    """``json.dumps``, without making its encoder anew for each value. A circle ends as a RecursionError."""
    make = getattr(json.encoder, "c_make_encoder", None)
    if make is None:
        return json.dumps
    chunks = make(None, _refuse, json.encoder.encode_basestring_ascii, None, ": ", ", ", False, False, True)
    return lambda value: "".join(chunks(value, 0))


_compact = _made_once()
