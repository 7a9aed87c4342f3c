"""``service_envelope=kservev2``: the second version of KServe's protocol, the Open Inference Protocol."""

from __future__ import annotations

from typing import Any

import numpy as np

from tsnb.handlers.envelopes.base import Grouped, listed

BYTES = "BYTES"
NAMES = {
    np.dtype(name): kind
    for kind, name in (
        ("BOOL", "bool"),
        *((f"{sign}INT{bits}", f"{sign.lower()}int{bits}") for sign in ("", "U") for bits in (8, 16, 32, 64)),
        *((f"FP{bits}", f"float{bits}") for bits in (16, 32, 64)),
    )
}
"""numpy's types and the protocol's names for them; texts and everything else are :data:`BYTES`."""


class KServev2Envelope(Grouped):
    """``{"inputs": [tensor, …]}`` becomes its tensors, with their ``data`` in the shape they name.

    The answer has an output for each result of the handler, named after the tensors in their order. A lone request may
    get fewer results than it has tensors: many models make one out of several.
    """

    counted = False

    def items(self, request: dict[str, Any]) -> list[Any]:
        """The tensors of one request. Raises ValueError where one lacks something."""
        return [self._shaped(tensor) for tensor in listed(request, "inputs")]

    def answer(self, index: int, results: list[Any]) -> dict[str, Any]:
        """The results as named outputs."""
        request = self._requests[index]
        model = (self.context.manifest or {}).get("model", {})
        names = [tensor["name"] for tensor in request["inputs"]]
        if len(results) > len(names):
            raise ValueError(f"the handler returned {len(results)} results for {len(names)} inputs")
        return {
            "id": _named(request.get("id")) or self.context.get_request_id(index),
            "model_name": model.get("modelName", self.context.model_name),
            "model_version": model.get("modelVersion"),
            "outputs": [_output(name, result) for name, result in zip(names, results, strict=False)],
        }

    def _shaped(self, tensor: Any) -> dict[str, Any]:
        missing = {"name", "shape", "datatype", "data"} - set(tensor)
        if missing:
            raise ValueError(f"an input of the envelope lacks {', '.join(sorted(missing))}")
        data = tensor["data"]
        data = data[0] if tensor["datatype"] == BYTES else np.array(data).reshape(tensor["shape"]).tolist()
        return {**tensor, "data": data}


def _named(request_id: Any) -> Any:
    """The id that a client gave; none where it is blank."""
    return request_id if not isinstance(request_id, str) or request_id.strip() else None


def _output(name: str, result: Any) -> dict[str, Any]:
    values = np.array(result).flatten()
    if values.dtype.kind == "S":
        values = np.char.decode(values)
    kind = NAMES.get(values.dtype, BYTES)
    return {"name": name, "datatype": kind, "data": values.tolist(), "shape": list(values.shape)}
