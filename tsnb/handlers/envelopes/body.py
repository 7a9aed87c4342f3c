"""``service_envelope=body``: the handler gets the bodies alone, without the rows around them."""

from __future__ import annotations

from typing import Any

from tsnb.handlers.envelopes.base import BaseEnvelope


class BodyEnvelope(BaseEnvelope):
    """``[{"body": value}, …]`` becomes ``[value, …]``; answers stay what they are."""

    def parse_input(self, data: list[dict[str, Any]]) -> list[Any]:
        """The bodies of a batch."""
        return [row.get("data") or row.get("body") for row in data]

    def format_output(self, data: list[Any]) -> list[Any]:
        """The answers as they are."""
        return data
