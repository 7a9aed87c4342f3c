"""``service_envelope=kserve``: the first version of KServe's protocol."""

from __future__ import annotations

from typing import Any

from tsnb.handlers.envelopes.base import Grouped, listed


class KServeEnvelope(Grouped):
    """``{"instances": [item, …]}`` becomes its items; answers are ``{"predictions": [result, …]}``.

    Explanations are answered with ``{"explanations": [result, …]}``.
    """

    counted = False

    def items(self, request: dict[str, Any]) -> list[Any]:
        """The instances of one request."""
        return listed(request, "instances")

    def answer(self, index: int, results: list[Any]) -> dict[str, Any]:
        """The results under the name of what was asked for."""
        explained = self.context.get_request_header(index, "explain") == "True"
        return {"explanations" if explained else "predictions": results}
