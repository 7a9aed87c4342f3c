"""One HTTP/1.1 connection that sends the same bytes again and again and reads whole answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import perf_counter as clock
from typing import cast

import httptools


class Connection(asyncio.Protocol):
    """``done(connection, status, seconds)`` is called for each answer, ``lost(connection, why)`` at the end."""

    def __init__(
        self,
        request: bytes,
        done: Callable[[Connection, int, float], None],
        lost: Callable[[Connection, str], None],
    ) -> None:
        self.begun = 0.0
        #: Whether a request is on its way.
        self.asking = False
        self.received = 0
        self._request = request
        self._done = done
        self._lost = lost
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpResponseParser(self)
        self._leaving = False

    def ask(self, begun: float) -> None:
        """Send the request; its latency counts from ``begun``, a time of the performance counter."""
        self.begun, self.asking = begun, True
        if self._transport is not None:
            self._transport.write(self._request)

    def close(self) -> None:
        """Be done with it; nobody is told."""
        self._leaving = True
        if self._transport is not None:
            self._transport.abort()

    # --- what asyncio and the parser call -----------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Some of an answer."""
        self.received += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError as error:
            self._end(f"no HTTP answer: {error}")

    def on_message_complete(self) -> None:
        """A whole answer is here."""
        status = self._parser.get_status_code()
        if status < 200 or not self.asking:
            return
        self.asking = False
        if not self._parser.should_keep_alive():
            self._end("")  # before it is told, so that nobody asks here again
        self._done(self, status, clock() - self.begun)

    def connection_lost(self, error: Exception | None) -> None:
        """The other side has closed it, or the network has."""
        self._end(str(error) if error else "the server closed the connection")

    @property
    def open(self) -> bool:
        """Whether it can take a request."""
        return not self._leaving

    def _end(self, why: str) -> None:
        if not self._leaving:
            self.close()
            self._lost(self, why)
