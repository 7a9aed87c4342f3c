"""Requests to one server: the right token at each door, and our own words when nobody answers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from tsnb.client import answers
from tsnb.client.address import LOOPBACK, Address

if TYPE_CHECKING:
    import httpx

CONNECT_TIMEOUT = 5.0
"""Seconds to wait until somebody takes the connection."""

ANSWER_TIMEOUT = 30.0
"""Seconds to wait for an answer that needs no model."""


class Transport:
    """Connections to the doors of an :class:`Address`. httpx is loaded with the first request."""

    def __init__(self, address: Address) -> None:
        self.address = address
        self._pool: httpx.Client | None = None

    def send(
        self,
        method: str,
        url: str,
        *,
        content: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, Any] | None = None,
        timeout: float | None = ANSWER_TIMEOUT,
    ) -> httpx.Response:
        """One request and its whole answer. Raises ServerUnreachable, RequestTimeout."""
        with _patient(url, timeout):
            return self._connections().request(
                method,
                url,
                params=query or None,
                content=content,
                headers=self._with_token(url, headers),
                timeout=_limits(timeout),
            )

    async def post_async(
        self, url: str, content: bytes, headers: Mapping[str, str], timeout: float | None
    ) -> httpx.Response:
        """One POST on the running event loop."""
        async with _patient_async(url, timeout) as http:
            return await http.post(url, content=content, headers=self._with_token(url, headers))

    @asynccontextmanager
    async def open(
        self, method: str, url: str, content: bytes, headers: Mapping[str, str], timeout: float | None
    ) -> AsyncIterator[httpx.Response]:
        """One request on the running event loop, whose answer is read by the caller, part by part."""
        everything = self._with_token(url, headers)
        async with (
            _patient_async(url, timeout) as http,
            http.stream(method, url, content=content or None, headers=everything) as response,
        ):
            yield response

    @contextmanager
    def stream(
        self, url: str, content: bytes, headers: Mapping[str, str], timeout: float | None
    ) -> Iterator[httpx.Response]:
        """One POST whose answer is read by the caller, part by part."""
        everything = self._with_token(url, headers)
        with (
            _patient(url, timeout),
            self._connections().stream(
                "POST", url, content=content, headers=everything, timeout=_limits(timeout)
            ) as response,
        ):
            yield response

    def close(self) -> None:
        """Close idle connections; the next request opens new ones."""
        if self._pool is not None:
            self._pool.close()
            self._pool = None

    def _connections(self) -> httpx.Client:
        if self._pool is None:
            import httpx

            verify = httpx.create_ssl_context() if _encrypted(self.address) else False
            self._pool = httpx.Client(trust_env=_beyond(self.address.inference), verify=verify)
        return self._pool

    def _with_token(self, url: str, headers: Mapping[str, str] | None) -> dict[str, str]:
        token = self.address.token(url)
        return {**({"Authorization": f"Bearer {token}"} if token else {}), **(headers or {})}


def _beyond(url: str) -> bool:
    """Whether a URL is not on this machine; only then may the environment's proxies be asked."""
    return urlsplit(url).hostname not in LOOPBACK


def _encrypted(address: Address) -> bool:
    """Whether certificates matter: loading the known authorities takes 20 ms, spared where nothing is encrypted."""
    return any(url.startswith("https") for url in (address.inference, address.management, address.metrics))


def _limits(timeout: float | None) -> httpx.Timeout:
    import httpx

    return httpx.Timeout(timeout, connect=CONNECT_TIMEOUT)


@contextmanager
def _patient(url: str, timeout: float | None) -> Iterator[None]:
    """Say in our own words that nobody answers, not in time, or not to the end."""
    import httpx

    try:
        yield
    except (httpx.ReadTimeout, httpx.WriteTimeout):
        raise answers.too_slow(url, timeout) from None
    except (httpx.ConnectError, httpx.ConnectTimeout) as error:
        raise answers.unreachable(url, error) from error
    except httpx.TransportError as error:
        raise answers.broken(url, error) from error


@asynccontextmanager
async def _patient_async(url: str, timeout: float | None) -> AsyncIterator[httpx.AsyncClient]:
    import httpx

    with _patient(url, timeout):
        # Authorities of one's own (SSL_CERT_FILE) count on this machine, too, where proxies do not.
        verify = httpx.create_ssl_context() if url.startswith("https") else False
        async with httpx.AsyncClient(timeout=_limits(timeout), trust_env=_beyond(url), verify=verify) as http:
            yield http
