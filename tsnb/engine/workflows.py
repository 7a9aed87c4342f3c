"""The workflows of a server: each a handful of internal models behind one name (spec 10).

Works over any :class:`tsnb.engine.api.Engine`: a node is registered as the model ``<workflow>__<node>``.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
from msgspec import Struct

from tsnb.archive.read import Extraction, discard, extract
from tsnb.archive.unpack import revise
from tsnb.archive.workflow import SUFFIX, read_workflow
from tsnb.archive.workflow_spec import Node, Spec
from tsnb.config import Config
from tsnb.engine.api import Engine, Registration
from tsnb.engine.sources import is_download, resolve
from tsnb.engine.unpacking import cache_folder, limits
from tsnb.engine.workflow_run import Parameters, run, whole
from tsnb.errors import (
    Conflict,
    InvalidModel,
    InvalidWorkflow,
    NotFound,
    TsnbError,
    WorkersFailed,
    WorkflowFailed,
    WorkflowNotFound,
)
from tsnb.messages import Request

AT_ONCE = 4
"""Nodes that are registered at the same time."""


class Wanted(Struct, frozen=True):
    """What a caller says when registering a workflow; timeouts are seconds, for every node."""

    url: str
    name: str = ""
    response_timeout: float | None = None
    startup_timeout: float | None = None


class Workflow(Struct, frozen=True):
    """A workflow that is served. ``handler`` is the file with its functions."""

    name: str
    url: str
    spec: Spec
    handler: str


class Workflows:
    """Registers, finds, runs and removes workflows."""

    def __init__(self, engine: Engine, config: Config) -> None:
        self._engine = engine
        self._config = config
        self._served: dict[str, Workflow] = {}
        self._coming: set[str] = set()

    def names(self) -> list[str]:
        """The names of all workflows, sorted."""
        return sorted(self._served)

    def get(self, name: str) -> Workflow:
        """A workflow that is served. Raises WorkflowNotFound."""
        if name not in self._served:
            raise WorkflowNotFound(f"Workflow not found: {name}")
        return self._served[name]

    # --- coming and going -------------------------------------------------------------------------

    async def register(self, wanted: Wanted) -> Workflow:
        """Take in a workflow archive and start its nodes; when this raises, nothing of it is left.

        Raises WorkflowNotFound, InvalidWorkflow, InvalidDag, DownloadFailed, Conflict, WorkflowFailed.
        """
        extraction = await asyncio.to_thread(self._unpack, wanted.url)
        try:
            return await self._take_in(wanted, extraction.model_dir)
        finally:
            await asyncio.shield(asyncio.to_thread(discard, extraction.model_dir))

    def _unpack(self, url: str) -> Extraction:
        store = self._config.workflow_store or self._config.model_store
        source = None
        try:
            source = resolve(url, replace(self._config, model_store=store))
            return extract(source, cache_folder(self._config), limits(self._config))
        except NotFound as error:
            found = error.message.replace("Model not found at:", "Workflow not found in workflow store:")
            raise WorkflowNotFound(found) from error
        except InvalidModel as error:
            if source is not None and is_download(url):  # nobody can use it, and it would be in the way of a better one
                source.unlink(missing_ok=True)
            raise InvalidWorkflow(f"{error.message} A workflow is a {SUFFIX} file.") from error

    async def _take_in(self, wanted: Wanted, folder: Path) -> Workflow:
        described, spec = await asyncio.to_thread(read_workflow, folder)
        workflow = Workflow(wanted.name or described.workflow_name, wanted.url, spec, described.handler)
        if workflow.name in self._served or workflow.name in self._coming:
            raise Conflict(f"Workflow {workflow.name} is already registered.")
        self._coming.add(workflow.name)
        try:
            await self._start(workflow, wanted, folder)
            self._served[workflow.name] = workflow
        finally:
            self._coming.discard(workflow.name)
        return workflow

    async def _start(self, workflow: Workflow, wanted: Wanted, folder: Path) -> None:
        """Register every node, or none."""
        gate = asyncio.Semaphore(AT_ONCE)
        started: list[str] = []

        async def start(node: Node) -> str:
            async with gate:
                try:
                    await self._engine.register(await self._registration(workflow, node, wanted, folder))
                except WorkersFailed as error:
                    return error.message
                except TsnbError as error:
                    return f"Workflow Node {model_of(workflow, node)} failed to register. Details: {error.message}"
            started.append(model_of(workflow, node))
            return ""

        try:
            problems = await asyncio.gather(*(start(node) for node in workflow.spec.nodes))
        except BaseException:
            await asyncio.shield(self._stop(started))
            raise
        failures = [problem for problem in problems if problem]
        if failures:
            await self._stop(started)
            raise WorkflowFailed(f"Workflow {workflow.name} has failed to register. Failures: [{', '.join(failures)}]")

    async def _registration(self, workflow: Workflow, node: Node, wanted: Wanted, folder: Path) -> Registration:
        registration = Registration(
            url=node.url,
            model_name=model_of(workflow, node),
            batch_size=node.settings.batch_size,
            max_batch_delay=node.settings.max_batch_delay,
            initial_workers=node.settings.max_workers,
            response_timeout=wanted.response_timeout,
            startup_timeout=wanted.startup_timeout,
            node="model" if node.url else "function",
        )
        if node.url:
            return registration
        # A folder of its own for each function: the engine removes it together with the model.
        copy = await asyncio.to_thread(revise, folder, {}, cache_folder(self._config))
        function = f"{workflow.handler.removesuffix('.py')}:{node.name}"
        return msgspec.structs.replace(registration, url=str(copy.model_dir), handler=function)

    async def unregister(self, name: str) -> None:
        """Stop and forget a workflow and its nodes. Raises WorkflowNotFound."""
        workflow = self.get(name)
        del self._served[name]
        await asyncio.shield(self._stop([model_of(workflow, node) for node in workflow.spec.nodes]))

    async def _stop(self, models: Sequence[str]) -> None:
        async def stop(model: str) -> None:
            try:
                await self._engine.unregister(model)
            except NotFound:  # somebody unregistered it already
                return

        await asyncio.gather(*(stop(model) for model in models))

    # --- requests ---------------------------------------------------------------------------------

    async def predict(self, name: str, request: Request) -> dict[str, bytes]:
        """The output of every leaf, for a request whose parameters the first node gets.

        Raises WorkflowNotFound, and TsnbError that names the node which failed.
        """
        workflow = self.get(name)
        numbers = itertools.count(1)

        async def ask(node: Node, given: Parameters) -> bytes:
            asked = Request(f"{request.id}.{next(numbers)}", request.headers, given)
            return await whole(await self._engine.predict(model_of(workflow, node), None, asked))

        return await run(workflow.spec, request.parameters, ask)


def model_of(workflow: Workflow, node: Node) -> str:
    """The name of the model that a node is."""
    return f"{workflow.name}__{node.name}"
