"""A request that a served model answered lately, small enough to travel in its archive."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tsnb.errors import TsnbError
from tsnb.messages import Recorded

if TYPE_CHECKING:
    from tsnb.client import Client

MAX_SAMPLE = 64 << 10
"""Bytes of a request and its answer together."""

TRIES = 5
"""Requests that are looked at."""


def is_private(config: str | None) -> bool:
    """Whether a model-config.yaml says ``private: true``, or cannot be understood."""
    if config is None:
        return False
    import yaml

    try:
        said = yaml.safe_load(Path(config).read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return True
    return isinstance(said, dict) and bool(said.get("private"))


def latest_sample(client: Client, name: str) -> dict[str, Any] | None:
    """The latest kept request that was answered well, as JSON; None where there is none.

    A private model has none: its server keeps no contents. Headers are left
    out but for the content type.
    """
    try:
        if any(status.spec.model_config.get("private") for status in client.describe(name)):
            return None
        kept = [each for each in client.requests(name) if each.status < 400 and each.size <= MAX_SAMPLE]
        for each in kept[: -TRIES - 1 : -1]:
            sample = _as_json(client.request(name, each.request.id))
            if sample is not None:
                return sample
    except TsnbError:  # no such model there, or the server has left: an archive needs neither
        return None
    return None


def _as_json(recorded: Recorded) -> dict[str, Any] | None:
    reply, parameters = recorded.reply, recorded.request.parameters
    if reply is None or not parameters:
        return None
    if sum(len(each.value) for each in parameters) + len(reply.body) > MAX_SAMPLE:
        return None
    headers = {key.lower(): value for key, value in reply.headers.items()}
    return {
        "id": recorded.request.id,
        "time": datetime.fromtimestamp(recorded.time, UTC).isoformat(timespec="seconds"),
        "version": recorded.version,
        "request": [
            {"name": each.name, "content_type": each.content_type, **_content(each.value)} for each in parameters
        ],
        "answer": {
            "status": recorded.status,
            "content_type": headers.get("content-type", ""),
            **_content(reply.body),
        },
    }


def _content(data: bytes) -> dict[str, str]:
    """``text`` where it is UTF-8, else ``base64``."""
    try:
        return {"text": bytes(data).decode()}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}
