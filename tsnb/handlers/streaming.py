"""Answers in parts: what a handler calls while it is still computing (spec 1.10)."""

from __future__ import annotations

from typing import Any

from tsnb.handlers.context import Context


def send_intermediate_predict_response(
    ret: list[Any],
    req_id_map: dict[int, str] | None = None,
    message: str = "",
    code: int = 200,
    context: Context | None = None,
) -> None:
    """Send one part per request of the batch now; ``handle`` returns the last part as usual.

    ``req_id_map``, ``message`` and ``code`` are those of TorchServe and are not
    needed. Raises RuntimeError where nobody listens: outside a server.
    """
    send = getattr(context, "stream", None)
    if send is None:
        raise RuntimeError(
            "send_intermediate_predict_response works in a served handler only, and needs its context: "
            "send_intermediate_predict_response(parts, context.request_ids, 'text', 200, context)"
        )
    send(ret)
