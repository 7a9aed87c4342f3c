"""The engine of a notebook server: made on first use, closed once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from tsnb.config import Config
from tsnb.engine.api import Engine
from tsnb.errors import ConfigError, ServiceUnavailable
from tsnb.jupyter.lock import StoreLock
from tsnb.rest.routes import Doors

CLOSE_TIMEOUT = 2.5
"""Seconds the engine gets to stop its workers; the notebook server itself is often killed after a few."""


class Host:
    """Holds the engine and the lock on the model store.

    Nothing is made before somebody asks: a notebook server whose user never
    serves a model has no workers and no model store.
    """

    def __init__(
        self,
        config: Config,
        make_engine: Callable[[Config], Engine],
        secret: str = "",
        on_start: Callable[[Engine], None] | None = None,
    ) -> None:
        self.config = config
        self.secret = secret
        self.predicting = 0
        self._make_engine = make_engine
        self._on_start = on_start
        self._doors: Doors | None = None
        self._lock = StoreLock(Path(config.model_store))
        self._starting = asyncio.Lock()
        self._closed = False

    async def doors(self) -> Doors:
        """What endpoints may reach. Raises Conflict, ConfigError, or ServiceUnavailable once closed."""
        if self._doors is None:
            async with self._starting:
                if self._doors is None:
                    self._doors = Doors(await self._start(), self.config)
                    if self._on_start is not None:
                        self._on_start(self._doors.engine)
        return self._doors

    @property
    def engine(self) -> Engine | None:
        """The engine, if anybody ever asked for one. Looking starts nothing."""
        return None if self._doors is None else self._doors.engine

    async def _start(self) -> Engine:
        if self._closed:
            raise ServiceUnavailable("The notebook server is shutting down.")
        self._open_store()
        engine = self._make_engine(self.config)
        try:
            await engine.start()
        except BaseException:
            await engine.close(timeout=CLOSE_TIMEOUT)
            self._lock.release()
            raise
        return engine

    def _open_store(self) -> None:
        store = Path(self.config.model_store)
        try:
            store.mkdir(parents=True, exist_ok=True)
            self._lock.take()
        except OSError as error:
            raise ConfigError(
                f"The model store cannot be used: {error.strerror}. "
                "Set c.TsnbApp.model_store to a folder that this server may write to."
            ) from error

    async def close(self) -> None:
        """Stop the workers within three seconds and give the model store back. May be called twice."""
        self._closed = True
        engine, self._doors = self.engine, None
        try:
            if engine is not None:
                await asyncio.wait_for(engine.close(timeout=CLOSE_TIMEOUT), CLOSE_TIMEOUT + 0.4)
        except TimeoutError:
            pass  # workers end by themselves when their socket closes with this process
        finally:
            self._lock.release()
