"""``service_envelope=json``: instances in, predictions out, as Google's and TensorFlow's servers have them."""

from __future__ import annotations

import base64
import json
from typing import Any

from tsnb.handlers.envelopes.base import Grouped, listed


class JSONEnvelope(Grouped):
    """``{"instances": [item, …]}`` becomes its items; answers are the text of ``{"predictions": [result, …]}``.

    ``{"b64": text}`` and nothing beside it, as an item or as a column of one, is decoded to bytes.
    """

    counted = False

    def items(self, request: dict[str, Any]) -> list[Any]:
        """The instances of one request. Raises ValueError where it has none."""
        instances = listed(request, "instances")
        if not instances:
            raise ValueError("instances is empty: there is nothing to predict")
        return [self._decoded(item) for item in instances]

    def answer(self, index: int, results: list[Any]) -> str:
        """JSON, as text."""
        return json.dumps({"predictions": results[: self._lengths[index]]})

    def _decoded(self, item: Any) -> Any:
        if _is_base64(item):
            return base64.b64decode(item["b64"])
        if not isinstance(item, dict):
            return item
        columns = {name: base64.b64decode(value["b64"]) for name, value in item.items() if _is_base64(value)}
        return item | columns


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == ["b64"]
