"""From what a person says (a model, connections or rates, seconds) to an Order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import urlsplit

from tsnb.client.address import Address
from tsnb.client.load.order import MOST_CONNECTIONS, MOST_RATE, MOST_SECONDS, SPARE_CONNECTIONS, Order, Stage
from tsnb.errors import BadRequest

WARMUP = 0.2
"""Share of a step's seconds that goes before it, a second at most."""


def stages(connections: Sequence[int], rates: Sequence[float], seconds: float) -> tuple[Stage, ...]:
    """A closed loop for each number of connections; or, with rates, an open loop for each of them."""
    warmup = min(1.0, WARMUP * seconds)
    if rates:
        most = max(connections, default=SPARE_CONNECTIONS)
        return tuple(Stage(most, seconds, rate, warmup) for rate in rates)
    return tuple(Stage(count, seconds, 0.0, warmup) for count in connections)


def order_for(
    address: Address,
    name: str,
    version: str | None,
    body: bytes,
    headers: Mapping[str, str],
    steps: tuple[Stage, ...],
    timeout: float = 30.0,
) -> Order:
    """The order that asks a model for predictions, with the token of its door."""
    url = address.prediction(name, version)
    token = address.token(url)
    head = {**({"Authorization": f"Bearer {token}"} if token else {}), **headers}
    return Order(url, head, body, steps, timeout=timeout)


def request_bytes(order: Order) -> bytes:
    """The order's request as it goes over the wire. Raises BadRequest for headers that would end early."""
    parts = urlsplit(order.url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    head = {"Host": parts.netloc.rpartition("@")[2], **order.head, "Content-Length": str(len(order.body))}
    lines = [f"{order.method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in head.items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise BadRequest("A header or the path holds a line break: write each header on one line.")
    return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace") + order.body


def check(stages: Sequence[Stage]) -> None:
    """Raise BadRequest for a plan without bounds or sense."""
    if not stages:
        raise BadRequest("A load test needs a number of connections or a rate: -c 1,8,64 or --rate 200.")
    for stage in stages:
        if not 1 <= stage.connections <= MOST_CONNECTIONS:
            raise BadRequest(f"{stage.connections} connections make no sense: give 1 to {MOST_CONNECTIONS}.")
        if not 0 < stage.seconds <= MOST_SECONDS:
            raise BadRequest(f"{stage.seconds:g} s for one step make no sense: give at most {MOST_SECONDS:g} s.")
        if not 0 <= stage.rate <= MOST_RATE:
            raise BadRequest(f"A rate of {stage.rate:g} per second makes no sense: give at most {MOST_RATE:,.0f}.")
    whole = sum(stage.seconds + stage.warmup for stage in stages)
    if whole > MOST_SECONDS:
        raise BadRequest(f"All steps together take {whole:g} s; at most {MOST_SECONDS:g} s are allowed.")
