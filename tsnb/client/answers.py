"""What came back, as a value or as the error it stands for.

A tsnb server says ``{code, type, message}`` (spec 0.4). Anything else comes
from somebody in between (a notebook server that wants a login, a hub, a
proxy, another program on the port), and the message says who it may be.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tsnb import html
from tsnb.errors import (
    InvalidKey,
    NotFound,
    RequestTimeout,
    RequestTooLarge,
    ServerUnreachable,
    TsnbError,
    from_wire,
)

if TYPE_CHECKING:
    import httpx


def check(response: httpx.Response) -> None:
    """Raise what an answer of the server itself stands for. Its body must have been read."""
    error = own_error(response)
    if error is None and (response.status_code >= 300 or not _is_json(response)):
        error = foreign(response)
    if error is not None:
        raise error


def check_prediction(response: httpx.Response) -> None:
    """Raise errors of the server; whatever a handler answered, with any status, passes."""
    error = own_error(response)
    if error is None and "x-request-id" not in response.headers:
        error = foreign(response)
    if error is not None:
        raise error


def own_error(response: httpx.Response) -> TsnbError | None:
    """The error a tsnb server reported, with its request id; None for any other answer."""
    if response.status_code < 400:
        return None
    value = _json(response)
    if not isinstance(value, dict) or not {"code", "type", "message"} <= value.keys():
        return None
    error = from_wire(response.status_code, str(value["type"]), str(value["message"]))
    error.request_id = response.headers.get("x-request-id")
    return error


def foreign(response: httpx.Response) -> TsnbError:
    """The error for an answer that no tsnb server gives."""
    status, url = response.status_code, str(response.url)
    if status == 413:
        size = html.bytes_text(len(response.request.content))
        return RequestTooLarge(f"The server refuses a body of {size}: raise max_request_size in its configuration.")
    if status in (401, 403) or _asks_for_login(response):
        return InvalidKey(f"{_origin(url)} did not let this client in ({status}{_reason(response)}): {_LOGIN}")
    if status == 404:
        return NotFound(f"There is no tsnb at {url} (404): {_NO_TSNB}")
    if status in (502, 503, 504):
        return ServerUnreachable(f"A proxy in front of {_origin(url)} answered {status}: the server behind it is down.")
    return ServerUnreachable(f"{url} answered {status} with {_kind(response)}, not as a tsnb server does: {_NO_TSNB}")


_LOGIN = "pass token=, or set TSNB_TOKEN to the token of the notebook server (`jupyter server list` shows it)."
_NO_TSNB = (
    "check the URL; for a notebook server it ends in <base_url>tsnb/, and `jupyter server extension list` "
    "must show tsnb enabled."
)


def unreachable(url: str, reason: Exception) -> ServerUnreachable:
    """The error for a URL where nobody answers."""
    why = str(reason) or type(reason).__name__
    if "CERTIFICATE_VERIFY_FAILED" in why:
        return ServerUnreachable(
            f"The certificate of {_origin(url)} is not trusted here ({why}). Set the variable SSL_CERT_FILE to a "
            "PEM file with the certificate, or with that of the authority that signed it."
        )
    return ServerUnreachable(
        f"Nobody answers at {_origin(url)} ({why}). Start a server with `tsnb serve --model-store DIR`, "
        "or pass url= (or set TSNB_URL) to the one that runs."
    )


def broken(url: str, reason: Exception) -> ServerUnreachable:
    """The error for a connection that ended before the answer did."""
    why = str(reason) or type(reason).__name__
    return ServerUnreachable(f"The connection to {_origin(url)} broke before the answer was complete ({why}).")


def too_slow(url: str, timeout: float | None) -> RequestTimeout:
    """The error for an answer that did not come in time."""
    return RequestTimeout(f"No answer from {url} within {html.seconds_text(timeout or 0)}; pass a longer timeout=.")


def _asks_for_login(response: httpx.Response) -> bool:
    return "login" in response.headers.get("location", "") or "/login" in response.url.path


def _reason(response: httpx.Response) -> str:
    value = _json(response)
    text = value.get("reason") or value.get("message") if isinstance(value, dict) else None
    return f" {text}" if text else f" {response.reason_phrase}".rstrip()


def _kind(response: httpx.Response) -> str:
    kind = _content_type(response)
    return {"text/html": "a web page", "": "no content type"}.get(kind, kind)


def _is_json(response: httpx.Response) -> bool:
    return _content_type(response) == "application/json"


def _content_type(response: httpx.Response) -> str:
    return str(response.headers.get("content-type", "")).split(";")[0].strip()


def _json(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)
    except ValueError:
        return None


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
