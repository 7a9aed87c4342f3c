"""Where a listener binds: ``http://host[:port]``, ``https://host[:port]`` or ``unix:/path`` (spec 0.1)."""

from __future__ import annotations

from urllib.parse import urlsplit

from msgspec import Struct

from tsnb.config import Config
from tsnb.errors import ConfigError
from tsnb.rest.routes import Listener

LISTENERS = {
    "inference_address": Listener.INFERENCE,
    "management_address": Listener.MANAGEMENT,
    "metrics_address": Listener.METRICS,
}

DEFAULT_PORTS = {
    ("inference_address", "http"): 80,
    ("inference_address", "https"): 443,
    ("management_address", "http"): 8081,
    ("management_address", "https"): 8444,
    ("metrics_address", "http"): 8082,
    ("metrics_address", "https"): 8445,
}


class Address(Struct, frozen=True):
    """One place to listen on. ``path`` is set for unix sockets only."""

    scheme: str
    host: str = ""
    port: int = 0
    path: str = ""

    def __str__(self) -> str:
        if self.path:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


class Binding(Struct, frozen=True):
    """An address, what answers there, and the settings that named it."""

    address: Address
    listener: Listener
    settings: tuple[str, ...]


def parse(setting: str, text: str) -> Address:
    """The address in a setting. Raises ConfigError with TorchServe's words."""
    if text.lower().startswith("unix:"):
        return _parse_unix(setting, text)
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _invalid(setting, text) from error
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise _invalid(setting, text)
    if parts.path not in ("", "/") or parts.query or parts.fragment:
        raise _invalid(setting, text)
    return Address(parts.scheme, parts.hostname, DEFAULT_PORTS[setting, parts.scheme] if port is None else port)


def _parse_unix(setting: str, text: str) -> Address:
    path = text[len("unix:") :]
    if not path.startswith("/") or "\0" in path:
        raise _invalid(setting, text)
    return Address("unix", path=path)


def _invalid(setting: str, text: str) -> ConfigError:
    return ConfigError(
        f"Invalid binding address: {setting}={text!r}. Use http://host:port, https://host:port or unix:/absolute/path."
    )


def bindings(config: Config) -> list[Binding]:
    """The listeners to open; settings with the same address share one, and both REST APIs together answer all."""
    found: dict[Address, list[str]] = {}
    for setting in LISTENERS:
        if setting == "metrics_address" and not config.enable_metrics_api:
            continue
        found.setdefault(parse(setting, getattr(config, setting)), []).append(setting)
    return [Binding(address, _listener(settings), tuple(settings)) for address, settings in found.items()]


def _listener(settings: list[str]) -> Listener:
    if {"inference_address", "management_address"} <= set(settings):
        return Listener.ALL
    listener = LISTENERS[settings[0]]
    for setting in settings[1:]:
        listener |= LISTENERS[setting]
    return listener
