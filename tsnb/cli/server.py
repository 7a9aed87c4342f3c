"""The life of a stand-alone server: engine, models, listeners; then, in reverse, the end."""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path

import tsnb.rest  # noqa: F401  (fills the table of endpoints)
from tsnb.cli.ending import Ending
from tsnb.cli.listeners import Listeners, grpc_server
from tsnb.cli.logs_setup import Logs
from tsnb.cli.serve import Setup
from tsnb.cli.sources import snapshot_folder
from tsnb.cli.startup import default_workers, load_models
from tsnb.cli.summary import summary, warnings
from tsnb.config import Config
from tsnb.engine.local import LocalEngine
from tsnb.engine.snapshot import SnapshotEngine, Snapshots, lasting
from tsnb.rest.routes import Doors
from tsnb.rest.service import Service
from tsnb.rest.tokens import KEY_FILE, KeyFile, Keys, TokenGuard

log = logging.getLogger("tsnb")

READY = "Model server started."


async def serve(setup: Setup, environ: Mapping[str, str], logs: Logs) -> None:
    """Run a server until it is told to stop. Raises ConfigError when it cannot start."""
    config = setup.config
    async with AsyncExitStack() as stack:
        ending = stack.enter_context(Ending(setup.lifeline))
        engine = _engine(setup, environ, logs)
        record = logs.access if config.access_log else None
        keys = _keys(config, environ)
        file = KeyFile(Path.cwd() / KEY_FILE)
        guard = TokenGuard(keys, file.write, time.time) if keys is not None else None
        doors = Doors(engine, config)
        service = Service(doors, guard, record)
        listeners = Listeners(service, grpc_server(doors, keys, record))
        stack.push_async_callback(engine.close)
        await listeners.bind()
        stack.push_async_callback(listeners.close, ending)
        if keys is not None and not keys.fixed:
            # Not before binding: a server that cannot start must not touch the file of the one that runs.
            stack.callback(file.remove)
            file.write(keys.document())
        if await ending.before(_start(engine, listeners, setup, environ)):
            await ending.asked.wait()
        log.info("Stopping.")
        if isinstance(engine, SnapshotEngine):
            await engine.end_snapshots()


def _engine(setup: Setup, environ: Mapping[str, str], logs: Logs) -> LocalEngine:
    if setup.lasting is None:
        return LocalEngine(setup.config, logs.engine)
    return SnapshotEngine(setup.config, Snapshots(snapshot_folder(environ), lasting(setup.lasting)), logs.engine)


async def _start(engine: LocalEngine, listeners: Listeners, setup: Setup, environ: Mapping[str, str]) -> None:
    await engine.start()
    gpus = len(engine.devices)
    workers = default_workers(setup.config, gpus)
    await load_models(engine, setup.config, workers)
    log.info("%s", summary(setup, environ, gpus, workers))
    for warning in warnings(setup.config):
        log.warning("%s", warning)
    if isinstance(engine, SnapshotEngine):
        await engine.begin_snapshots()
    say(*await listeners.start())
    _spare_the_collector()
    say(READY)


def say(*lines: str) -> None:
    """Each line whole: an unbuffered ``print`` writes its line feed apart, and a line of the log may come between."""
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    sys.stdout.flush()


def _spare_the_collector() -> None:
    """What is here by now stays: later collections need not walk through it, nor come as often (8 % of an echo)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


def _keys(config: Config, environ: Mapping[str, str]) -> Keys | None:
    if config.disable_token_authorization:
        return None
    return Keys(config.token_expiration_min, time.time(), environ.get("TSNB_TOKEN", ""))
