"""What a user hands to ``predict``, as the bytes and content type of a request (spec 1.3)."""

from __future__ import annotations

import json
import mimetypes
from io import BytesIO
from pathlib import Path
from typing import Any

from tsnb.errors import BadRequest

JSON = "application/json"
_ACCEPTED = "bytes, text, a pathlib.Path, an open file, a PIL image, an array or tensor, or anything JSON can hold"


def encode(data: Any, content_type: str | None = None) -> tuple[bytes, str]:
    """The body and its content type; ``content_type`` overrides the one guessed from the data.

    Raises BadRequest when the data cannot be sent or the file cannot be read.
    """
    body, guessed = _encode(data)
    return body, content_type or guessed


def _encode(data: Any) -> tuple[bytes, str]:
    if isinstance(data, (bytes, bytearray, memoryview)):
        return bytes(data), "application/octet-stream"
    if isinstance(data, str):
        return data.encode(), "text/plain; charset=utf-8"
    if isinstance(data, Path):
        return _read(data), guess(data.name)
    if _is_image(data):
        return _png(data), "image/png"
    if hasattr(data, "read"):
        return _open_file(data)
    return _json(data), JSON


def guess(file_name: str) -> str:
    """The content type a file's name suggests."""
    return mimetypes.guess_type(file_name)[0] or "application/octet-stream"


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise BadRequest(f"The file {str(path)!r} cannot be sent: {reason}. Paths start at {Path.cwd()}.") from error


def _open_file(data: Any) -> tuple[bytes, str]:
    content = data.read()
    if isinstance(content, str):
        return content.encode(), "text/plain; charset=utf-8"
    return bytes(content), guess(str(getattr(data, "name", "")))


def _is_image(data: Any) -> bool:
    """Whether this is a PIL image, found without importing Pillow."""
    return any(cls.__module__ == "PIL.Image" and cls.__name__ == "Image" for cls in type(data).__mro__)


def _png(image: Any) -> bytes:
    """A PIL image as PNG; the modes PNG does not know (CMYK, floats …) become RGB."""
    buffer = BytesIO()
    writable = image if image.mode in ("1", "L", "LA", "I", "I;16", "P", "RGB", "RGBA") else image.convert("RGB")
    writable.save(buffer, format="PNG")
    return buffer.getvalue()


def _json(data: Any) -> bytes:
    try:
        return json.dumps(data, default=_plain).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise BadRequest(f"A {_name(data)} cannot be sent to a model: {error}. Send {_ACCEPTED}.") from error


def _plain(value: Any) -> Any:
    """Arrays and tensors, and their scalars, as lists and numbers; wherever they sit in the data."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"JSON has no form for a {_name(value)}")


def _name(value: Any) -> str:
    cls = type(value)
    return cls.__name__ if cls.__module__ == "builtins" else f"{cls.__module__}.{cls.__name__}"
