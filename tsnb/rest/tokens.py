"""Token authorization (spec 9.1): which key a request needs, when keys expire, how they are renewed.

Pure but for :class:`KeyFile`: the time is an argument, in Unix seconds.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from hmac import compare_digest
from pathlib import Path
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from tsnb.errors import BadRequest, ConfigError, InvalidKey, MethodNotAllowed, NotFound
from tsnb.rest.routes import Listener, Request, Response, find, split

Kind: TypeAlias = Literal["management", "inference", "API"]

KEY_FILE = "key_file.json"
REFUSED = "Token Authorization failed. Token either incorrect, expired, or not provided correctly"
NOT_RENEWED = "Token Authentication failed. Token either incorrect, expired, or not provided correctly"
FIXED = "The token was fixed by TSNB_TOKEN when the server started; it cannot be renewed."

_PUBLIC: tuple[list[str], ...] = ([], ["api-description"], ["openapi.json"])
"""Paths that describe the API: never protected."""
_EITHER = frozenset[Kind](("inference", "management"))
_RENEWABLE: dict[str, Kind] = {"management": "management", "inference": "inference"}
_SCHEMES = ("Bearer ", "Bearer\t")


class Key(Struct, frozen=True):
    """A token and the time it expires; None: never."""

    value: str
    expires: float | None = None

    def fits(self, key: bytes, now: float) -> bool:
        """Whether this is the key, in time that does not depend on how much of it is right."""
        equal = compare_digest(self.value.encode(), key)
        return equal and (self.expires is None or now < self.expires)


class Claim(Struct, frozen=True):
    """What a request's head alone says of its right to pass: which keys open it, and which it brings."""

    kinds: frozenset[Kind]
    key: bytes


class Keys:
    """The three keys of a server. With ``fixed`` they are all that one, for ever."""

    def __init__(self, minutes: float, now: float, fixed: str = "") -> None:
        self._seconds = minutes * 60
        self.fixed = bool(fixed)
        never = Key(fixed or secrets.token_urlsafe(24))
        self._keys: dict[Kind, Key] = {"management": never, "inference": never, "API": never}
        if not fixed:
            self.renew("management", now)
            self.renew("inference", now)

    def __getitem__(self, kind: Kind) -> str:
        return self._keys[kind].value

    def renew(self, kind: Kind, now: float) -> None:
        """Make a new key of this kind; the old one is worthless at once."""
        self._keys[kind] = Key(secrets.token_urlsafe(24), now + self._seconds)

    def admits(self, kinds: frozenset[Kind], authorization: str, now: float) -> bool:
        """Whether an ``Authorization`` header carries one of these keys."""
        return self.open(kinds, presented(authorization), now)

    def open(self, kinds: frozenset[Kind], key: bytes, now: float) -> bool:
        """Whether this is one of these keys, and has not expired."""
        for kind in kinds:  # noqa: SIM110 (a generator would take as long as all else)
            if self._keys[kind].fits(key, now):
                return True
        return False

    def document(self) -> dict[str, dict[str, str]]:
        """What the key file says."""
        return {kind: _entry(key) for kind, key in self._keys.items()}


def _entry(key: Key) -> dict[str, str]:
    if key.expires is None:
        return {"key": key.value}
    instant = datetime.fromtimestamp(key.expires, UTC).isoformat(timespec="microseconds")
    return {"key": key.value, "expiration time": instant.replace("+00:00", "Z")}


class KeyFile:
    """``key_file.json``: readable by its owner only, and never seen half-written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._text = ""

    def write(self, document: dict[str, Any]) -> None:
        """Replace the file. Raises ConfigError where that cannot be done."""
        try:
            descriptor, partial = tempfile.mkstemp(dir=self.path.parent, prefix=".key_file-")
        except OSError as error:
            raise _unwritable(self.path, error) from error
        self._text = json.dumps(document, indent=2)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(self._text)
            os.replace(partial, self.path)
        except OSError as error:
            os.unlink(partial)
            raise _unwritable(self.path, error) from error

    def remove(self) -> None:
        """Take the file away, for it opens nothing any more; another server's file stays."""
        with contextlib.suppress(OSError):
            if self.path.read_text() == self._text:
                self.path.unlink()


def _unwritable(path: Path, error: OSError) -> ConfigError:
    return ConfigError(
        f"Cannot write the tokens to {str(path)!r}: {error.strerror}. Start in a folder that you may write to, "
        "set the environment variable TSNB_TOKEN, or switch tokens off with --disable-token-auth."
    )


class TokenGuard:
    """Stands before the endpoints: lets a request pass, refuses it, or renews a key.

    ``changed`` is called with the new document after a renewal.
    """

    def __init__(self, keys: Keys, changed: Callable[[dict[str, Any]], None], clock: Callable[[], float]) -> None:
        self._keys = keys
        self._changed = changed
        self._clock = clock

    def __call__(self, request: Request) -> Response | None:
        """None to let the request pass. Raises InvalidKey (spec 0.2 gives the order)."""
        claim: Claim | None = request.memo.get("claim")
        if claim is None:
            segments = split(request.path)
            if segments in _PUBLIC or request.listener is Listener.METRICS:
                return None
            if is_preflight(request):
                return Response(200)
            if segments == ["token"] and Listener.MANAGEMENT & request.listener:
                return self._renew(request)
            claim = Claim(needed(request), presented(request.header("authorization")))
            request.memo["claim"] = claim
        if not self._keys.open(claim.kinds, claim.key, self._clock()):
            raise InvalidKey(REFUSED)
        return None

    def _renew(self, request: Request) -> Response:
        now = self._clock()
        if not self._keys.admits(frozenset(("API",)), request.header("authorization"), now):
            raise InvalidKey(NOT_RENEWED)
        if self._keys.fixed:
            raise BadRequest(FIXED)
        kind = _RENEWABLE.get(request.argument("type", "") or "")
        if kind is None:
            raise InvalidKey(NOT_RENEWED)
        self._keys.renew(kind, now)
        self._changed(self._keys.document())
        return Response(200, b"\n", {"content-type": "application/json"})


def presented(authorization: str) -> bytes:
    """The key in an ``Authorization`` header; none fits the empty one."""
    if not authorization.startswith(_SCHEMES):
        return b""
    return authorization[len(_SCHEMES[0]) :].strip(" \t").encode()


def is_preflight(request: Request) -> bool:
    """Whether a browser asks what another page may ask: it never sends the token with that, and no endpoint is run."""
    asks = request.header("origin") and request.header("access-control-request-method")
    return request.method == "OPTIONS" and bool(asks)


def needed(request: Request) -> frozenset[Kind]:
    """The kinds of key that open this request.

    On a listener with both APIs the route decides: what only manages needs the
    management key, anything else takes either. (TorchServe asks for both keys
    in one header there, which nobody can give: spec 13, quirk 13.)
    """
    if not Listener.MANAGEMENT & request.listener:
        return frozenset(("inference",))
    if not Listener.INFERENCE & request.listener:
        return frozenset(("management",))
    try:
        route = find(request)
    except (NotFound, MethodNotAllowed):
        return _EITHER
    return frozenset(("management",)) if route.listener is Listener.MANAGEMENT else _EITHER
