"""``service_envelope=json``: instances in, predictions out, as Google's and TensorFlow's servers have them."""

from __future__ import annotations

import base64
import json
from typing import Any

from tsnb.handlers.envelopes.base import Grouped, listed


class JSONEnvelope(Grouped):
    """``{"instances": [item, …]}`` becomes its items; answers are the text of ``{"predictions": [result, …]}``.

    ``{"b64": text}``, as an item or as a column of one, is decoded to bytes.
    """

    def items(self, request: dict[str, Any]) -> list[Any]:
        """The instances of one request."""
        return [self._decoded(item) for item in listed(request, "instances")]

    def answer(self, index: int, results: list[Any]) -> str:
        """JSON, as text."""
        return json.dumps({"predictions": results})

    def _decoded(self, item: Any) -> Any:
        if not isinstance(item, dict):
            return item
        if "b64" in item:
            return base64.b64decode(item["b64"])
        columns = {name: value for name, value in item.items() if isinstance(value, dict) and "b64" in value}
        return item | {name: base64.b64decode(value["b64"]) for name, value in columns.items()}
