"""A local engine with real workers, and handlers small enough to read in a test."""

import asyncio
import json
import textwrap
import uuid

import pytest

from tsnb.config import Config
from tsnb.engine.api import Registration
from tsnb.engine.local import LocalEngine
from tsnb.messages import Parameter, Request

DEADLINE = 30.0
"""Seconds a test waits for a condition on a busy machine before it fails."""


async def until(condition, what):
    """Wait for a condition; fail with ``what`` was awaited when it does not come."""
    loop = asyncio.get_running_loop()
    end = loop.time() + DEADLINE
    while not (found := condition()):
        assert loop.time() < end, f"{what} did not happen in {DEADLINE:g} s"
        await asyncio.sleep(0.01)
    return found


class Bench:
    """An engine on a model store in a temporary folder."""

    def __init__(self, folder, **settings):
        self.folder = folder
        self.store = folder / "model_store"
        self.store.mkdir(exist_ok=True)
        settings = {"model_store": str(self.store), "cache_dir": str(folder / "cache")} | settings
        self.engine = LocalEngine(Config(**settings))

    def put(self, name, handler, *, version="1.0", yaml=None):
        """Lay an unarchived model into the store; its folder's name."""
        folder = self.store / f"{name}-{version}"
        (folder / "MAR-INF").mkdir(parents=True)
        (folder / "handler.py").write_text(textwrap.dedent(handler))
        model = {"modelName": name, "handler": "handler.py", "modelVersion": version}
        if yaml is not None:
            (folder / "model-config.yaml").write_text(textwrap.dedent(yaml))
            model["configFile"] = "model-config.yaml"
        (folder / "MAR-INF" / "MANIFEST.json").write_text(json.dumps({"runtime": "python", "model": model}))
        return folder.name

    async def serve(self, name, handler, *, version="1.0", yaml=None, workers=1, **said):
        """Lay a model into the store and register it."""
        url = self.put(name, handler, version=version, yaml=yaml)
        return await self.engine.register(Registration(url, initial_workers=workers, **said))

    async def ask(self, name, body=b"", version=None, content_type=""):
        """One prediction; the reply."""
        request = Request(str(uuid.uuid4()), {}, (Parameter("body", body, content_type),))
        return await self.engine.predict(name, version, request)

    def workers(self, name, version=None):
        """The workers of a model."""
        return self.engine.describe(name, version)[0].workers


@pytest.fixture
def bench(tmp_path):
    """Make a bench: ``async with bench() as b``."""

    class Opened:
        def __init__(self, **settings):
            self.bench = Bench(tmp_path, **settings)

        async def __aenter__(self):
            return self.bench

        async def __aexit__(self, *exc):
            await self.bench.engine.close(3.0)

    return Opened
