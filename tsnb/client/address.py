"""Where the server is, and the token each of its doors asks for.

A notebook server answers everything under one prefix (``<base_url>tsnb/``).
A stand-alone server has three listeners, on TorchServe's ports by default,
and writes one token per listener into ``key_file.json`` (spec 0.1, 9.1).
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit, urlunsplit

from tsnb.errors import ConfigError

STANDALONE = "http://127.0.0.1:8080"
_NEIGHBOURS = {8080: (8081, 8082), 8443: (8444, 8445)}
_INFERENCE = ("predictions", "explanations", "ping")
_ALSO_INFERENCE = ("invocations", "api-description")
_ENDINGS = (":predict", ":explain", "/infer", "/explain", "/predict", "/invoke")
LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True)
class Address:
    """The three doors of one server, without a trailing slash, and the tokens for two of them."""

    inference: str
    management: str
    metrics: str
    inference_token: str | None = None
    management_token: str | None = None

    @property
    def together(self) -> bool:
        """Whether one prefix answers everything, as in the notebook server."""
        return self.inference == self.management

    def token(self, url: str) -> str | None:
        """The token for a URL of this server: the inference key opens predictions and ping, the other the rest."""
        if url.startswith(f"{self.inference}/"):
            word = url[len(self.inference) + 1 :].split("/", 1)[0]
            if word in _INFERENCE or not self.together:
                return self.inference_token
        return self.management_token if url.startswith(f"{self.management}/") else None

    def url(self, path: str) -> str:
        """The URL of a path at the door that answers it."""
        path = path.lstrip("/")
        plain = path.partition("?")[0]
        word = plain.split("/", 1)[0]
        if word in (*_INFERENCE, *_ALSO_INFERENCE) or plain.endswith(_ENDINGS):
            return f"{self.inference}/{path}"
        return f"{self.metrics if word == 'metrics' else self.management}/{path}"

    def prediction(self, name: str, version: str | None = None, *, explain: bool = False) -> str:
        """The URL that answers predictions (or explanations) of a model."""
        word = "explanations" if explain else "predictions"
        return "/".join([self.inference, word, *(quote(part, safe="") for part in (name, version) if part)])


def find(
    url: str | None, token: str | None, management_url: str | None, environment: Mapping[str, str], folder: Path
) -> Address:
    """The server that was named, or the one in TSNB_URL, or a stand-alone one on this machine.

    Without a token TSNB_TOKEN is used, but never sent to another origin than
    TSNB_URL names; then ``key_file.json`` in ``folder``, for this machine only.
    """
    inference = _clean(url or environment.get("TSNB_URL") or STANDALONE)
    explicit = management_url or (None if url else environment.get("TSNB_MANAGEMENT_URL"))
    neighbours = _neighbours(inference)
    management = _clean(explicit) if explicit else neighbours[0]
    metrics = inference if management == inference else neighbours[1]
    token = token or _environment_token(inference, environment)
    tokens = (token, token) if token else _key_file(inference, folder)
    return Address(inference, management, metrics, *tokens)


def _clean(url: str) -> str:
    parts = urlsplit(url.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigError(f"{url!r} is no server URL: write it as http://host:port or http://host:port/base/tsnb/.")
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def _neighbours(inference: str) -> tuple[str, str]:
    """Management and metrics beside TorchServe's inference port; any other URL is one door for all."""
    parts = urlsplit(inference)
    ports = _NEIGHBOURS.get(parts.port or 0)
    if ports is None or parts.path:
        return inference, inference
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    management, metrics = (f"{parts.scheme}://{host}:{port}" for port in ports)
    return management, metrics


def _environment_token(inference: str, environment: Mapping[str, str]) -> str | None:
    token, home = environment.get("TSNB_TOKEN"), environment.get("TSNB_URL")
    if token and home and urlsplit(home)[:2] != urlsplit(inference)[:2]:
        return None
    return token or None


def _key_file(inference: str, folder: Path) -> tuple[str | None, str | None]:
    if urlsplit(inference).hostname not in LOOPBACK:
        return None, None
    try:
        keys = json.loads((folder / "key_file.json").read_text(encoding="utf-8"))
        return keys["inference"]["key"], keys["management"]["key"]
    except (OSError, ValueError, KeyError, TypeError):
        return None, None
