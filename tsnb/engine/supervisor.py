"""One place for a worker, kept filled: start, load, serve, notice the end, back off, start again.

Alive means "answers": a worker that is overdue is killed and counted as dead.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import psutil

from tsnb import protocol
from tsnb.engine.backoff import Backoff
from tsnb.engine.lifecycle import is_spread
from tsnb.engine.logs import follow
from tsnb.engine.processes import Order, Process, worker_environment
from tsnb.engine.ranks import Grouped
from tsnb.engine.surroundings import extras
from tsnb.engine.worker_handle import Flight, LoadFailed, WorkerHandle, named
from tsnb.errors import Conflict, TsnbError, WorkerDied, WorkersFailed
from tsnb.messages import Failure, ModelSpec, WorkerState, WorkerStatus

if TYPE_CHECKING:
    from tsnb.engine.model import ServedModel

log = logging.getLogger(__name__)

EXIT_PATIENCE = 0.5
"""Seconds to wait for the exit code of a worker whose connection is gone, so that the failure can name it."""

Launch = Callable[[Order], Awaitable[Process]]


class Slot:
    """A place for one worker of a model; keeps its id, its device and its history over restarts.

    ``settled`` is resolved at the first outcome, ready or failed: None, or the
    error that ended the first attempt.
    """

    def __init__(
        self, worker_id: str, model: ServedModel, spec: ModelSpec, gpus: tuple[int, ...], launch: Launch
    ) -> None:
        self.id = worker_id
        self.spec = spec
        self.state: WorkerState = "starting"
        #: The GPU that its handler is told; one that sees several only counts among those.
        self.gpu_id = (0 if spec.parallelism else gpus[0]) if gpus else None
        self._gpus = gpus
        self.handle: WorkerHandle | None = None
        self.process: Process | None = None
        self.settled: asyncio.Future[TsnbError | None] = asyncio.get_running_loop().create_future()
        self.requests = 0
        self.failure: Failure | None = None
        self.retiring = False
        #: The loop's time at which it had nothing to do any more.
        self.idle_since = 0.0
        #: It is being tried before a swap: it gets checks and no requests.
        self.candidate = False
        self._model = model
        self._launch = launch
        self._backoff = Backoff(spec.max_retry_timeout)
        self._restarts = 0
        self._started = 0.0
        self._ready: protocol.Ready | None = None
        self._death = ""
        self._pipes: list[asyncio.ReadTransport] = []
        self._task = asyncio.create_task(self._run(), name=f"supervise {worker_id}")

    # --- what others see --------------------------------------------------------------------------

    @property
    def idle(self) -> bool:
        """Whether the worker can take a batch now."""
        return self.state == "ready" and self.handle is not None and self.handle.free

    def healthy(self, now: float) -> bool:
        """Not down for longer than the model's retry window (spec 1.2)."""
        return self.state != "failed" and self._backoff.down_for(now) <= self.spec.max_retry_timeout

    def status(self) -> WorkerStatus:
        """The worker as its owner sees it."""
        pid = self.process.pid if self.process is not None and self.state != "stopped" else 0
        return WorkerStatus(
            id=self.id,
            state=self.state,
            pid=pid,
            device=self._device(),
            memory=_resident_bytes(pid, is_spread(self.spec)),
            started=self._started,
            load_time=self._ready.seconds if self._ready else 0.0,
            requests=self.requests,
            restarts=self._restarts,
            notes=self._ready.notes if self._ready else (),
            failure=self.failure,
        )

    def _device(self) -> str:
        if self._ready is not None:
            return self._ready.device
        return "cpu" if self.gpu_id is None else f"cuda:{self.gpu_id}"

    # --- the life of a worker ---------------------------------------------------------------------

    async def _run(self) -> None:
        while not self.retiring:
            try:
                await self._start()
            except Exception as error:
                await self._note_failed_start(error)
            else:
                # Before Python 3.12 wait_for can swallow a cancellation: a retiring worker may come this far.
                if not self.retiring:
                    await self._serve()
            await self._clean_up()
            if self.retiring or not await self._wait_for_retry():
                break
        if not self.retiring:
            self.state = "failed"
            self._model.refuse_if_hopeless()

    async def _start(self) -> None:
        self.state = "starting"
        self._started = time.time()
        spec = self.spec
        config = self._model.config
        own = extras(spec, config, self._gpus, len(self._model.slots))
        env = worker_environment(dict(os.environ), config.blacklist_env_vars, own)
        self.process = await self._launch(
            Order(
                self.id,
                env,
                spec.model_dir,
                spec.python,
                finds_tsnb=spec.use_venv and bool(spec.packages),
                parallelism=spec.parallelism if is_spread(spec) else None,
            )
        )
        if self.retiring:
            return
        await self._follow_output()
        first, *others = await self._connections()
        self.handle = self._model.make_handle(
            on_done=self._on_done,
            on_unstarted=self._model.on_unstarted,
            on_metrics=self._model.on_metrics,
            on_overdue=self._on_overdue,
            response_timeout=spec.response_timeout,
            max_response_size=self._model.config.max_response_size,
        )
        await self.handle.connect(first)
        if isinstance(self.handle, Grouped):
            await self.handle.join(others)
        self.state = "loading"
        self._ready = await self.handle.load(self._load_order(), spec.startup_timeout)

    async def _connections(self) -> list[socket.socket]:
        assert self.process is not None  # noqa: S101
        if self.process.ranks is None:
            return [self.process.ends.ours]
        found = await self.process.ranks.accept(self.process, self.spec.startup_timeout)
        self.process.ends.ours.close()
        return found

    def _load_order(self) -> protocol.Load:
        spec, config = self.spec, self._model.config
        return protocol.Load(
            model_name=spec.name,
            model_version=spec.version,
            model_dir=spec.model_dir,
            handler=spec.handler,
            manifest=spec.manifest,
            model_config=spec.model_config,
            worker_id=self.id,
            gpu_id=self.gpu_id,
            batch_size=spec.batch_size,
            service_envelope=spec.service_envelope,
            decode_input_request=config.decode_input_request,
            limit_max_image_pixels=config.limit_max_image_pixels,
            metrics=self._model.listed_metrics,
            concurrent=spec.concurrent,
        )

    async def _follow_output(self) -> None:
        assert self.process is not None  # noqa: S101
        ends = self.process.ends
        for stream, descriptor in (("stdout", ends.stdout[0]), ("stderr", ends.stderr[0])):
            self._pipes.append(await follow(descriptor, self._lines_of(stream)))

    def _lines_of(self, stream: str) -> Callable[..., None]:
        return functools.partial(self._model.ring.add, self.id, stream)

    async def _serve(self) -> None:
        assert self.handle is not None  # noqa: S101
        self.state = "ready"
        if self._backoff.down_for(time.monotonic()):
            log.info("Auto recovery succeeded, reset recoveryStartTS: worker %s of %s", self.id, self._model.label)
        self._backoff.reset()
        self._death = ""
        self.failure = None
        self._settle(None)
        self._model.on_worker_ready(self)
        reason = await self._end_of_service()
        self.state = "stopped"
        self._model.on_worker_gone(self)
        await self._answer_for_the_dead(reason)

    async def _end_of_service(self) -> str:
        """Wait until the worker is gone. A child of its own can hold the socket open after its end."""
        assert self.handle is not None  # noqa: S101
        assert self.process is not None  # noqa: S101
        closed = self.handle.closed
        ends: set[asyncio.Future[Any]] = {closed, self.process.exited}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        if not closed.done():
            await asyncio.wait([closed], timeout=EXIT_PATIENCE)  # what it sent last is still on its way
        return closed.result() if closed.done() else "its connection is held open by a process it started"

    async def _answer_for_the_dead(self, reason: str) -> None:
        """The batch of a worker that died gets an error that says, to the owner, how it died."""
        code = await self._exit_code()
        if self.retiring and self.handle is not None and not self.handle.held:
            return
        failure = self._death_certificate(code, reason)
        self.failure = failure
        what = "Backend worker did not respond in given time" if failure.stage == "timeout" else "Worker disconnected"
        log.warning("%s: worker %s of %s: %s", what, self.id, self._model.label, failure.message)
        out_of_memory = code in (-signal.SIGKILL, 137) and failure.stage == "exit"

        def error() -> WorkerDied:
            died = WorkerDied(out_of_memory=out_of_memory)
            died.failure = failure
            return died

        if self.handle is not None:
            self.handle.fail(error)

    async def _exit_code(self) -> int | None:
        if self.process is None:
            return None
        with contextlib.suppress(TimeoutError):
            return await asyncio.wait_for(asyncio.shield(self.process.exited), EXIT_PATIENCE)
        return None

    def _death_certificate(self, code: int | None, reason: str) -> Failure:
        stage = "timeout" if self._death else "exit"
        message = self._death or f"The worker process {how_it_ended(code, reason)}."
        if self.handle is not None and self.handle.refused:
            stage, message = "encode", f"{reason}; the worker was stopped and is started again."
        ids = tuple(job.request.id for job in self.handle.running) if self.handle else ()
        lines = "\n".join(line.text for line in self._model.ring.lines(worker=self.id)[-20:])
        failure = Failure("WorkerDied", message, stage=stage, output=lines)
        return named(failure, model=self.spec.name, version=self.spec.version, worker=self.id, request_ids=ids)

    async def _note_failed_start(self, error: Exception) -> None:
        spec = self.spec
        failed = error.failed if isinstance(error, LoadFailed) else None
        text = failed.message if failed is not None else await self._why_not_started(error)
        failure = (
            failed.failure
            if failed is not None
            else Failure("LoadFailed", text, stage="initialize", output=self._last_output())
        )
        self.failure = named(failure, model=spec.name, version=spec.version, worker=self.id)
        log.warning(
            "Backend worker error: worker %s of %s did not start: %s: %s",
            self.id,
            self._model.label,
            self.failure.type,
            self.failure.message,
        )
        problem = WorkersFailed(
            f"Failed to start workers for model {spec.name} version: {spec.version}", failure=self.failure
        )
        problem.status = 507 if failed is not None and failed.status == 507 else 500
        problem.__cause__ = RuntimeError(text)
        self._settle(problem)

    async def _why_not_started(self, error: Exception) -> str:
        if self.handle is not None and self.handle.closed.done():
            code = await self._exit_code()
            return f"The worker process {how_it_ended(code, str(error))} while it loaded the model."
        if not isinstance(error, (TsnbError, LoadFailed, OSError)):
            log.error("worker %s of %s could not be started", self.id, self._model.label, exc_info=error)
        return str(error)

    def _last_output(self) -> str:
        return "\n".join(line.text for line in self._model.ring.lines(worker=self.id)[-20:])

    def _settle(self, problem: TsnbError | None) -> None:
        if not self.settled.done():
            self.settled.set_result(problem)

    async def _clean_up(self) -> None:
        """Whatever is left of this attempt goes, by force if need be."""
        self.state = "stopped"
        if self.handle is not None:
            self.handle.fail(WorkerDied)  # nobody else will answer, should we have been cancelled
            self.handle.close()
        elif self.process is not None:
            self.process.ends.ours.close()
        if self.process is not None:
            self.process.kill()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self.process.exited), EXIT_PATIENCE)
        for pipe in self._pipes:
            pipe.close()
        self._pipes.clear()
        self.handle = self.process = self._ready = None

    async def _wait_for_retry(self) -> bool:
        """Wait as the back-off says; False when it says to give up."""
        again = self._backoff.down_for(time.monotonic()) > 0
        delay = self._backoff.next(time.monotonic())
        log.info("Auto recovery %s: worker %s", "failed again" if again else "start timestamp", self.id)
        if delay is None:
            log.error("worker %s of %s is given up: it was down for too long", self.id, self._model.label)
            return False
        log.info("Retry worker: %s in %s seconds.", self.id, delay)
        self._restarts += 1
        await asyncio.sleep(delay)
        return True

    # --- events -----------------------------------------------------------------------------------

    def _on_done(self, flight: Flight, seconds: float) -> None:
        self.requests += len(flight.jobs)
        self._model.on_batch_done(self, flight, seconds)

    def _on_overdue(self) -> None:
        self._death = (
            f"No answer within {self.spec.response_timeout:g} s (responseTimeout in model-config.yaml, "
            "or default_response_timeout); the worker was killed and is started again."
        )
        if self.process is not None:
            self.process.kill()

    # --- the end ----------------------------------------------------------------------------------

    def retire(self) -> None:
        """Take no more work; finish what is held, then exit."""
        self.retiring = True
        if self.state == "ready" and self.handle is not None:
            self.handle.stop()
        else:
            self._task.cancel()

    async def gone(self, timeout: float) -> None:
        """Wait for the end of a retiring worker; after ``timeout`` seconds it is killed."""
        done, _ = await asyncio.wait([self._task], timeout=timeout)
        if not done:
            if self.process is not None:
                self.process.kill()
            done, _ = await asyncio.wait([self._task], timeout=1.0)
        if not done or self._task.cancelled():
            self._task.cancel()
            await self._clean_up()
        self._settle(Conflict("The worker was stopped before it was ready: the model was scaled down or unregistered."))


def how_it_ended(code: int | None, reason: str) -> str:
    """The end of a process in words."""
    if code is None:
        return f"ended ({reason})"
    if code < 0:
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = f"signal {-code}"
        return f"was killed by {name}" + (" (out of memory?)" if name == "SIGKILL" else "")
    return f"exited with code {code}"


def _resident_bytes(pid: int, family: bool) -> int:
    if not pid:
        return 0
    try:
        process = psutil.Process(pid)
        members = [process, *process.children()] if family else [process]
        return sum(int(each.memory_info().rss) for each in members)
    except psutil.Error:
        return 0
