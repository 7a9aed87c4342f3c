"""The body of an HTTP request → the parameters that a handler will see (spec 1.3).

Values stay bytes: JSON and text are decoded in the worker.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import unquote_plus, unquote_to_bytes

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from tsnb.errors import BadRequest
from tsnb.messages import Parameter
from tsnb.rest.routes import Request

MAX_PARAMETERS = 1000
"""Most fields or parts of one request."""

FILE_TYPE = "application/octet-stream"
"""The type of a file part that names none."""
_PLAIN = ("binary", "8bit", "7bit")
"""Transfer encodings of parts that change nothing."""


def parameters(request: Request) -> tuple[Parameter, ...]:
    """The parameters of a request's body, in the client's order.

    Multipart without a boundary is one raw ``body``; of truncated multipart
    the whole parts count. Raises BadRequest for multipart that is nonsense.
    """
    mime = request.mime_type
    if mime == "multipart/form-data":
        boundary = parse_options_header(request.header("content-type"))[1].get("boundary")
        if boundary:
            return _multipart(bytes(request.body), boundary)
    if mime.lower() == "application/x-www-form-urlencoded":
        return _urlencoded(bytes(request.body))
    return (Parameter("body", request.body, mime),)


def has_fields(request: Request) -> bool:
    """Whether the body is a form: fields and files, rather than one raw value."""
    mime = request.mime_type
    return mime == "multipart/form-data" or mime.lower() == "application/x-www-form-urlencoded"


def query_parameters(request: Request) -> tuple[Parameter, ...]:
    """The query string as parameters, for the routes that pass it on (spec 1.3)."""
    return tuple(Parameter(name, value.encode()) for name, values in request.query.items() for value in values)


def _urlencoded(body: bytes) -> tuple[Parameter, ...]:
    """Form fields. One without ``=`` is empty, and the last of them is dropped."""
    pairs = body.split(b"&")
    if len(pairs) > MAX_PARAMETERS:
        raise _too_many()
    if b"=" not in pairs[-1]:
        pairs.pop()
    return tuple(_field(*pair.partition(b"=")) for pair in pairs if pair)


def _field(name: bytes, _: bytes, value: bytes) -> Parameter:
    if not name:
        raise BadRequest("A form field has no name. Send name=value, with & between fields.")
    return Parameter(unquote_plus(name.decode("utf-8", "replace")), unquote_to_bytes(value.replace(b"+", b" ")))


def _multipart(body: bytes, boundary: str) -> tuple[Parameter, ...]:
    try:
        parser = PushMultipartParser(boundary)
        return tuple(_parts(parser.parse(body))) if body else ()
    except MultipartError as error:
        raise BadRequest(f"Malformed multipart body: {error}. Let an HTTP library build it.") from error


def _parts(events: Iterable[MultipartSegment | bytes | None]) -> Iterator[Parameter]:
    """The whole parts. Each comes as a segment, its bytes in pieces, and a None where it ends."""
    count = 0
    part = Parameter("", b"")
    pieces: list[bytes] = []
    for event in events:
        if isinstance(event, MultipartSegment):
            count += 1
            if count > MAX_PARAMETERS:
                raise _too_many()
            part, pieces = _part(event), []
        elif event is None:
            yield Parameter(part.name, b"".join(pieces), part.content_type)
        else:
            pieces.append(event)


def _part(segment: MultipartSegment) -> Parameter:
    """A part without its value: only files carry a content type."""
    if not segment.name:
        raise BadRequest(
            'A multipart part has no name. Give each part one: Content-Disposition: form-data; name="data".'
        )
    encoding = segment.header("Content-Transfer-Encoding", "binary").strip().lower()
    if encoding not in _PLAIN:
        raise BadRequest(
            f"A multipart part is encoded: Content-Transfer-Encoding {encoding}. Send the bytes themselves."
        )
    if segment.filename is None:
        return Parameter(segment.name, b"")
    content_type = segment.header("Content-Type", FILE_TYPE)
    return Parameter(segment.name, b"", content_type.split(";", 1)[0].strip())


def _too_many() -> BadRequest:
    return BadRequest(f"The body has more than {MAX_PARAMETERS} fields. Send fewer, or one JSON body.")
