"""The engine of one machine: worker processes behind queues."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any
from weakref import WeakValueDictionary

import msgspec

from tsnb.archive.read import Extraction, discard, extract
from tsnb.archive.unpack import revise
from tsnb.config import Config
from tsnb.engine import arena, nursery, placement, processes, torchrun
from tsnb.engine.api import Outcome, Registration, Scaled, Stream
from tsnb.engine.dependencies import with_packages
from tsnb.engine.intake import Intake
from tsnb.engine.job import Job, asked
from tsnb.engine.kinds import served
from tsnb.engine.lifecycle import with_lifecycle
from tsnb.engine.logs import EngineLogs
from tsnb.engine.model import ServedModel, spec_folders
from tsnb.engine.recorder import Recorder
from tsnb.engine.records import with_timings
from tsnb.engine.registration import check_workers, make_spec, revised_spec
from tsnb.engine.sources import downloaded, is_download, resolve
from tsnb.engine.stats import Stats
from tsnb.engine.store import Store
from tsnb.engine.supervisor import Slot
from tsnb.engine.swap import MAX_CHECKS, swap
from tsnb.engine.system_metrics import SystemMetrics
from tsnb.engine.unpacking import cache_folder, limits
from tsnb.errors import BadRequest, Conflict, ServiceUnavailable, TsnbError
from tsnb.messages import Failure, LogLine, ModelSpec, ModelStatus, Recorded, Reply, Request, Revision, Swapped

log = logging.getLogger(__name__)


class LocalEngine:
    """Implements :class:`tsnb.engine.api.Engine` with processes of this machine."""

    def __init__(self, config: Config, logs: EngineLogs = EngineLogs()) -> None:  # noqa: B008 (frozen)
        self.config = config
        self._logs = logs
        self._stats = Stats(config, logs.metrics)
        self._store: Store[ServedModel] = Store()
        self._recorder = Recorder(config)
        self._nursery = nursery.Nursery()
        self._worker_ids = itertools.count(config.initial_worker_port)
        self._gpu_counter = itertools.count()
        self._devices: list[placement.Device] | None = None
        self._background: set[asyncio.Task[None]] = set()
        self._arena: arena.Arena | None = None
        self._intakes: WeakValueDictionary[tuple[str, str | None], Intake] = WeakValueDictionary()
        self._closed = False
        self.count_response = self._stats.response

    async def start(self) -> None:
        """Ask for the GPUs, and let the nursery import torch meanwhile: the first model finds it ready."""
        if self._devices is not None:
            return
        self._loop = asyncio.get_running_loop()
        self._arena = arena.made()
        self._stats.open()
        if nursery.available():
            self._in_background(self._warm_up())
        self._devices = await asyncio.to_thread(placement.devices, self.config.number_of_gpu)
        if not self.config.disable_system_metrics:
            self._in_background(SystemMetrics(self.config, self._stats.system, self._worker_pids).run())

    async def _warm_up(self) -> None:
        with contextlib.suppress(TsnbError, TimeoutError):  # whoever needs a worker is told
            await self._nursery.start()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    def _worker_pids(self) -> list[int]:
        slots = [slot for model in self._store.all() for slot in model.slots]
        return [slot.process.pid for slot in slots if slot.process is not None]

    async def close(self, timeout: float = 3.0) -> None:
        """Stop every worker within ``timeout`` seconds, by force where needed."""
        if self._closed:
            return
        self._closed = True
        for task in self._background:
            task.cancel()
        models = self._store.all()
        await asyncio.gather(*(model.close(max(0.1, timeout - 0.5)) for model in models))
        self._nursery.close()
        if self._arena is not None:
            self._arena.close()
        await asyncio.to_thread(_discard_all, [path for model in models for path in model.model_dirs])
        await asyncio.to_thread(self._stats.close)

    @property
    def devices(self) -> list[placement.Device]:
        """The GPUs that workers may use."""
        return self._devices or []

    # --- models -----------------------------------------------------------------------------------

    async def register(self, registration: Registration, *, wait: bool = True) -> Scaled:
        """Take in an archive and start its workers (see :class:`tsnb.engine.api.Engine`)."""
        if self._closed:
            raise ServiceUnavailable("The server is stopping.")
        await self.start()
        model = await self._take_in(registration)
        spec = model.spec
        slots = self._grow(model, spec.min_workers)
        if wait:
            try:
                await self._settled(model, slots)
            except (TsnbError, asyncio.CancelledError):
                await asyncio.shield(self._forget(model))
                raise
        return Scaled(spec.name, spec.version, spec.min_workers, model.running)

    async def _take_in(self, registration: Registration) -> ServedModel:
        source = await asyncio.to_thread(
            resolve, registration.url, self.config, signed=registration.s3_sse_kms, handler=registration.handler
        )
        try:
            extraction = await asyncio.to_thread(extract, source, cache_folder(self.config), limits(self.config))
        except TsnbError:
            if is_download(registration.url):  # nobody can use it, and it would be in the way of a better one
                await asyncio.to_thread(source.unlink, missing_ok=True)
            raise
        model_dir = str(extraction.model_dir)
        folders = [model_dir]
        try:
            spec = make_spec(registration, self.config, model_dir, extraction.manifest, extraction.config)
            self._store.check_free(spec.name, spec.version)
            spec = self._with_room(with_lifecycle(spec))
            spec = await with_packages(spec, self.config, cache_folder(self.config))
            folders = spec_folders(spec)
            model = served(spec, self.config, self._stats, self._recorder)
            model.arena = self._arena
            self._store.add(spec.name, spec.version, model)
            self._stats.model_added(spec.name, spec.version)
            model.ring.attach(spec.name, spec.version, self._logs.model, self._stats.printed)
        except BaseException:
            await asyncio.shield(asyncio.to_thread(_discard_all, folders))
            raise
        return model

    def _with_room(self, spec: ModelSpec) -> ModelSpec:
        spec = placement.placed(spec, len(self.devices))
        workers = placement.room_for(spec, len(self.devices), spec.min_workers, spec.max_workers)
        return msgspec.structs.replace(spec, min_workers=workers[0], max_workers=workers[1])

    async def unregister(self, name: str, version: str | None = None) -> None:
        """Stop and forget a version."""
        wanted = self._store.check_removable(name, version)
        await asyncio.shield(self._forget(self._store.get(name, wanted)))

    async def _forget(self, model: ServedModel) -> None:
        if model.closed:  # somebody else forgot it, and another may have its name by now
            return
        self._store.remove(*model.key)
        self._stats.model_removed(*model.key, last=model.spec.name not in self._store.names())
        await model.close(min(model.spec.response_timeout, self.config.unregister_model_timeout))
        await asyncio.to_thread(_discard_all, model.model_dirs)
        download = downloaded(model.spec.url, self.config.model_store)
        if download is not None:
            await asyncio.to_thread(download.unlink, missing_ok=True)

    async def set_default(self, name: str, version: str) -> None:
        """Let requests without a version go to this one."""
        self._store.set_default(name, version)

    def models(self) -> list[str]:
        """The names of all models, sorted."""
        return self._store.names()

    def describe(self, name: str, version: str | None = None) -> list[ModelStatus]:
        """One version, the default one, or all."""
        models = self._store.versions(name) if version == "all" else [self._store.get(name, version)]
        default = self._store.default(name)
        return [model.status(model.spec.version == default) for model in models]

    # --- workers ----------------------------------------------------------------------------------

    async def scale(
        self, name: str, version: str | None, min_workers: int, max_workers: int | None = None, *, wait: bool = False
    ) -> Scaled:
        """Bring the number of workers between two numbers."""
        model = self._store.get(name, version)
        least, most = _worker_range(min_workers, max_workers)
        async with model.changing:
            model.check_served()
            self._resize(model, least, most)
            starting = [slot for slot in model.slots if not slot.settled.done()]  # those of an earlier order, too
        if wait:
            await self._settled(model, starting)
        return Scaled(model.spec.name, model.spec.version, least, model.running)

    def _resize(self, model: ServedModel, least: int, most: int) -> None:
        least, most = placement.room_for(model.spec, len(self.devices), least, most)
        model.resize(least, most)
        self._grow(model, least - len(model.slots))
        leaving = [model.remove_last() for _ in range(len(model.slots) - most)]
        if leaving:
            self._in_background(model.gone(leaving, model.spec.response_timeout))

    def _new_slots(self, model: ServedModel, count: int, spec: ModelSpec | None = None) -> list[Slot]:
        slots = []
        for _ in range(count):
            gpus = self._next_gpus(model, spec or model.spec)
            slot = Slot(str(next(self._worker_ids)), model, spec or model.spec, gpus, self._launch)
            slots.append(slot)
        return slots

    def _grow(self, model: ServedModel, count: int) -> list[Slot]:
        slots = self._new_slots(model, count)
        for slot in slots:
            model.add(slot)
        return slots

    def _next_gpus(self, model: ServedModel, spec: ModelSpec) -> tuple[int, ...]:
        gpus, level = len(self.devices), spec.parallelism.level if spec.parallelism else 1
        if placement.assign(gpus, spec.device_type, spec.device_ids, 0) is None:
            return ()
        counter = model.gpu_counter if spec.parallelism or spec.device_ids else self._gpu_counter
        return placement.spread(gpus, spec.device_type, spec.device_ids, level, next(counter))

    async def _launch(self, order: processes.Order) -> processes.Process:
        if order.parallelism is not None:
            return torchrun.start(order, order.parallelism)
        if order.python or not nursery.available():
            return processes.spawn(order)
        return await self._nursery.fork(order)

    async def _settled(self, model: ServedModel, slots: list[Slot]) -> None:
        """Wait until each of these workers is ready. Raises what the first failing one says."""
        for problem in await asyncio.gather(*(asyncio.shield(slot.settled) for slot in slots)):
            # One that somebody scaled away meanwhile has not failed, unless the whole model is gone.
            if problem is not None and (model.closed or not isinstance(problem, Conflict)):
                raise problem

    # --- code -------------------------------------------------------------------------------------

    async def swap(self, name: str, version: str | None, revision: Revision) -> Swapped:
        """Give a version new code without dropping a request (see :mod:`tsnb.engine.swap`)."""
        model = self._store.get(name, version)
        async with model.changing:
            model.check_served()
            extraction = await asyncio.to_thread(self._revised, model.spec, revision)
            spec = revised_spec(model.spec, extraction, model.next_build())
            try:
                spec = await with_packages(spec, self.config, cache_folder(self.config), model.spec)
                return await self._bring_live(model, spec, revision.checks or self._samples(model))
            except BaseException:
                mine = [folder for folder in spec_folders(spec) if folder not in model.model_dirs]
                await asyncio.shield(asyncio.to_thread(_discard_all, mine))
                raise

    def _samples(self, model: ServedModel) -> Sequence[Request]:
        """Recorded requests to check new code with: none of a stateful model, whose sequences they would disturb."""
        return () if model.spec.sequencing is not None else self._recorder.samples(*model.key, MAX_CHECKS)

    async def rollback(self, name: str, version: str | None) -> Swapped:
        """Go back to the code before the last swap."""
        model = self._store.get(name, version)
        async with model.changing:
            model.check_served()
            if model.previous is None:
                raise BadRequest(
                    f'Model "{name}" has had only one code since it was registered; nothing to go back to.'
                )
            return await self._bring_live(model, model.previous, ())

    def _revised(self, spec: ModelSpec, revision: Revision) -> Extraction:
        if revision.url is not None:
            source = resolve(revision.url, self.config, handler=spec.handler)
            return extract(source, cache_folder(self.config), limits(self.config))
        return revise(Path(spec.model_dir), revision.files, cache_folder(self.config))

    async def _bring_live(self, model: ServedModel, spec: ModelSpec, checks: Sequence[Request]) -> Swapped:
        before, forgotten = model.spec, model.previous
        swapped, old = await swap(model, spec, checks, lambda count: self._new_slots(model, count, spec))
        model.previous = before
        self._in_background(self._see_off(model, old, forgotten))
        return swapped

    async def _see_off(self, model: ServedModel, old: list[Slot], forgotten: ModelSpec | None) -> None:
        await model.gone(old, model.spec.response_timeout)
        if forgotten is not None:
            mine = [folder for folder in spec_folders(forgotten) if folder not in model.model_dirs]
            await asyncio.to_thread(_discard_all, mine)

    # --- requests ---------------------------------------------------------------------------------

    def submit(
        self, name: str, version: str | None, request: Request, done: Callable[[Outcome], None], *, timed: bool = False
    ) -> Callable[[], None]:
        """Queue a request; ``done`` gets its outcome (see :class:`tsnb.engine.api.Engine`)."""
        model = self._store.get(name, version)
        job = Job(request, done, monotonic(), self._stats.accept(name, version))
        if timed:
            job.done = lambda outcome: done(with_timings(outcome, job, monotonic()))
        model.submit(job)
        return job.give_up

    def intake(self, name: str, version: str | None) -> Intake:
        """The way in for many requests (see :class:`tsnb.engine.intake.Intake`)."""
        key = name, version
        found = self._intakes.get(key)
        if found is None:
            found = Intake(partial(self._store.get, name, version), partial(self._stats.accept, name, version))
            self._intakes[key] = found
        return found

    async def predict(self, name: str, version: str | None, request: Request, *, timed: bool = False) -> Reply | Stream:
        """Queue a request and wait for its answer."""
        job, future = asked(request)
        abandon = self.submit(name, version, request, job.done, timed=timed)
        try:
            return await future
        except asyncio.CancelledError:
            abandon()
            raise
        except TsnbError as error:
            error.request_id = request.id
            raise

    # --- looking ----------------------------------------------------------------------------------

    def healthy(self) -> bool:
        """Whether every default version has the workers it needs (spec 1.2)."""
        return all(model.healthy() for model in self._store.defaults())

    def logs(self, name: str, version: str | None = None, *, after: float = 0.0) -> list[LogLine]:
        """What the workers of a model wrote lately."""
        return self._store.get(name, version).ring.lines(after)

    def remember(self, request_id: str, failure: Failure) -> None:
        """Keep a failure for the owner of a request that the engine did not see; one that it saw is kept already."""
        if self._recorder.get(request_id) is not None:
            return
        self._recorder.keep(
            Recorded(Request(request_id), failure.model, failure.version, 0, time.time(), 0.0, 500, failure=failure)
        )

    def failure(self, request_id: str) -> Failure | None:
        """The failure that answered a request, while it is remembered."""
        kept = self._recorder.get(request_id)
        return kept.failure if kept is not None else None

    def requests(self, name: str, version: str | None = None, *, after: float = 0.0) -> list[Recorded]:
        """The requests that were kept of a model, oldest first."""
        self._store.get(name, version)
        return self._recorder.of(name, version, after)

    def request(self, request_id: str) -> Recorded | None:
        """A request that was kept."""
        return self._recorder.get(request_id)

    def record(self, name: str, version: str | None, count: int) -> None:
        """Keep the next requests of a version, whatever comes of them."""
        model = self._store.get(name, version)
        if not 1 <= count <= self.config.record_requests:
            raise BadRequest(
                f"{count} requests cannot be recorded: from 1 to {self.config.record_requests} (record_requests)."
            )
        self._recorder.expect(model.key, count)

    def metrics_text(self, names: list[str] | None = None) -> str:
        """All metrics in Prometheus text format."""
        return self._stats.text(names)


def _worker_range(least: int, most: int | None) -> tuple[int, int]:
    wanted = least if most is None else most
    if least < 0:
        raise BadRequest(f"min_worker is {least}. It cannot be negative: use 0 to stop all workers.")
    if wanted < least:
        raise BadRequest("max_worker cannot be less than min_worker.")
    return check_workers(least), wanted


def _discard_all(folders: list[str]) -> None:
    for folder in folders:
        discard(Path(folder))
