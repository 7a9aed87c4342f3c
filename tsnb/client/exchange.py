"""Any request to a server, as curl would send it, and the same one many times over."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from tsnb.client import answers, payload
from tsnb.client.address import Address
from tsnb.client.result import Result, of_the_model
from tsnb.client.transport import Transport
from tsnb.errors import TsnbError

if TYPE_CHECKING:
    import httpx

    from tsnb.client.load import LoadResult, Step, Tick

Hear = Callable[["httpx.Response", bytes], None]
"""Gets the parts of an answer as they arrive, with the status and headers that came before them."""


class Exchanged(NamedTuple):
    """What was answered, whatever it is; ``error`` where the server itself refused or failed."""

    result: Result
    error: TsnbError | None


class Exchanges:
    """The part of a client that sends what it is given."""

    address: Address
    _transport: Transport

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        content: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
        hear: Hear | None = None,
    ) -> Exchanged:
        """Send a request to the door that answers ``path``; the token is added, errors are returned.

        Raises ServerUnreachable and RequestTimeout.
        """
        url = self.address.url(path)
        async with self._transport.open(method, url, content, headers or {}, timeout) as response:
            parts = []
            async for part in response.aiter_bytes():
                parts.append(part)
                if hear is not None:
                    hear(response, part)
        body = b"".join(parts)
        headers = of_the_model(response.headers)
        result = Result(response.status_code, headers, body, response.elapsed.total_seconds())
        return Exchanged(result, answers.own_error(_whole(response, body)))

    def loadtest(
        self,
        name: str,
        data: Any,
        version: str | None = None,
        *,
        connections: Sequence[int] = (1, 8, 64),
        rates: Sequence[float] = (),
        seconds: float = 5.0,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        hear: Callable[[Tick | Step], None] = lambda news: None,
    ) -> LoadResult:
        """Ask a model as fast as so many ``connections`` can, or at ``rates`` per second, ``seconds`` for each.

        A process of its own does it; ``hear`` is called with its news. See :mod:`tsnb.client.load`.
        """
        from tsnb.client import load

        body, sent = payload.encode(data, content_type)
        head = {"Content-Type": sent, **(headers or {})}
        stages = load.stages(connections, rates, seconds)
        return load.run_order(load.order_for(self.address, name, version, body, head, stages), name, hear)


def _whole(response: httpx.Response, body: bytes) -> httpx.Response:
    """The same answer with its body, which was read part by part and decoded on the way."""
    import httpx

    head = {
        name: value for name, value in response.headers.items() if name not in ("content-encoding", "content-length")
    }
    return httpx.Response(response.status_code, headers=head, content=body)
