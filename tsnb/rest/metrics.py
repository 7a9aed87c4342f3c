"""The metrics API (spec 3.1)."""

from __future__ import annotations

from tsnb.rest.routes import ANY, Doors, Listener, Request, Response, route

PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"


@route(
    (*ANY, "OPTIONS"),
    "/metrics/{rest...}",
    Listener.METRICS,
    query={"name[]": "Only metrics of this name; may be repeated."},
)
async def metrics(doors: Doors, request: Request) -> Response:
    """All metrics in Prometheus text format."""
    text = doors.engine.metrics_text(request.query.get("name[]"))
    return Response(200, text.encode(), {"content-type": PROMETHEUS_TEXT})
