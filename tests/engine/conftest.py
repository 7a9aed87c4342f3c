"""A local engine with real workers, and handlers small enough to read in a test."""

import asyncio
import json
import shutil
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

    async def clear(self):
        """Unregister every model, and empty the store."""
        for name in self.engine.models():
            for status in sorted(self.engine.describe(name, "all"), key=lambda status: status.default):
                await self.engine.unregister(name, status.spec.version)
        for folder in self.store.iterdir():
            shutil.rmtree(folder)

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


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    """Run ``scenario(bench)`` on a bench that the tests of a file share; its models are gone after each."""
    with asyncio.Runner() as runner:
        bench = Bench(tmp_path_factory.mktemp("bench"))

        async def one(scenario):
            try:
                await asyncio.wait_for(scenario(bench), 90)
            finally:
                await bench.clear()

        yield lambda scenario: runner.run(one(scenario))
        runner.run(bench.engine.close(3.0))
