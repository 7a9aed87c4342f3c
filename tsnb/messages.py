"""The structs that travel: between processes as frames, between floors as values.

They hold data and nothing else: no tensor, no socket, no URL. Times are in
seconds and sizes in bytes unless a name says otherwise. ``bytes`` fields may
hold any buffer that :mod:`tsnb.protocol` can send.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from msgspec import Struct, field

Buffer: TypeAlias = bytes | bytearray | memoryview

# --- a request and its answer -------------------------------------------------------------------


class Parameter(Struct, frozen=True):
    """One named value of a request: a form field, a file part, or the raw ``body``.

    ``content_type`` is the MIME type without its parameters, ``""`` when the
    client gave none. The value is decoded in the worker, never before.
    """

    name: str
    value: bytes
    content_type: str = ""


class Request(Struct, frozen=True):
    """One inference request as the handler will meet it: the row of a batch.

    ``replay_of`` is the id of the recorded request that this one repeats, for its
    owner; nobody else's requests have one.
    """

    id: str
    headers: dict[str, str] = field(default_factory=dict)
    parameters: tuple[Parameter, ...] = ()
    replay_of: str = ""


class Reply(Struct, frozen=True):
    """One answer: what the handler returned for one request, as bytes.

    ``timings`` maps stage names (``queue``, ``decode``, ``preprocess``,
    ``inference``, ``postprocess``, ``encode``, ``handle``) to seconds; ``batch`` is
    how many requests the handler was given at once, 0 if nobody asked.
    ``more`` is true for a part of a stream that is followed by another.
    """

    body: bytes
    status: int = 200
    reason: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)
    more: bool = False
    batch: int = 0


# --- a failure, as data -------------------------------------------------------------------------


class Frame(Struct, frozen=True):
    """One line of a traceback. ``source`` is the text of that line, ``""`` if unknown."""

    filename: str
    lineno: int
    function: str
    source: str = ""


class Failure(Struct, frozen=True):
    """An exception that happened in a worker, as its owner should see it.

    It crosses the socket as data, never as a pickle. ``stage`` is where it
    happened: ``import``, ``initialize``, ``preprocess``, ``inference``,
    ``postprocess``, ``handle``, ``encode``, ``exit`` or ``timeout``. ``traceback`` is Python's own rendering,
    ``frames`` the same in parts, innermost last, with the handler's frames
    only (the worker's own are left out). ``inputs`` describes what the stage
    was given (types, shapes, dtypes), ``output`` is what the worker printed.
    """

    type: str
    message: str
    stage: str = "handle"
    frames: tuple[Frame, ...] = ()
    traceback: str = ""
    inputs: str = ""
    output: str = ""
    model: str = ""
    version: str = ""
    worker: str = ""
    request_ids: tuple[str, ...] = ()


class MetricSample(Struct, frozen=True):
    """One value that a handler reported through ``context.metrics``.

    ``dimensions`` are ``(name, value)`` pairs in the order given; ``kind`` is
    ``counter``, ``gauge`` or ``histogram``.
    """

    name: str
    value: float
    unit: str = ""
    kind: str = "counter"
    dimensions: tuple[tuple[str, str], ...] = ()
    request_id: str = ""


# --- a model ------------------------------------------------------------------------------------

BatchPolicy = Literal["eager", "window"]
Node = Literal["", "model", "function"]
"""What a model is in a workflow; ``""``: it is in none. A function has no URL, and no node outlives its workflow."""


class Sequencing(Struct, frozen=True):
    """Requests of one sequence stay together, on one worker and in order (spec 7.9). Milliseconds; 0 is no limit.

    A sequence ends after ``max_idle`` without a request, or ``timeout`` after its first one. At most ``max_open``
    are open at once, and ``queue_size`` requests of one may wait.
    """

    max_idle: int
    timeout: int = 0
    max_open: int = 1
    queue_size: int = 1


class Parallelism(Struct, frozen=True):
    """A model that is spread over several devices (spec 7.3): ``level`` of them for each worker.

    ``custom`` is one process that sees them all; for the other kinds torchrun starts a process for each.
    ``torchrun`` holds its options as model-config.yaml names them.
    """

    kind: Literal["pp", "tp", "pptp", "custom"]
    level: int = 1
    torchrun: dict[str, Any] = field(default_factory=dict)


class ModelSpec(Struct, frozen=True):
    """All that is needed to run one version of one model.

    ``model_dir`` is the folder with the extracted archive, ``url`` what the
    user registered (a file name in the store, a URL or a folder). Delays keep
    the units of TorchServe: ``max_batch_delay`` and ``client_timeout`` are
    milliseconds, the other timeouts seconds. ``handler`` is ``module``,
    ``module.py``, ``module:function`` or the name of a default handler.
    ``manifest`` and ``model_config`` are the archive's MANIFEST.json and
    model-config.yaml as plain dictionaries.
    """

    name: str
    version: str
    model_dir: str
    handler: str
    url: str = ""
    runtime: str = "python"
    manifest: dict[str, Any] = field(default_factory=dict)
    model_config: dict[str, Any] = field(default_factory=dict)
    min_workers: int = 0
    max_workers: int = 0
    batch_size: int = 1
    max_batch_delay: int = 100
    batch_policy: BatchPolicy = "eager"
    response_timeout: float = 120
    startup_timeout: float = 120
    max_retry_timeout: float = 300
    client_timeout: int = 0
    job_queue_size: int = 100
    device_type: str = ""
    device_ids: tuple[int, ...] = ()
    python: str = ""
    """The interpreter of its workers where it is not the server's."""
    packages: str = ""
    """The folder with the Python packages that it brought (spec 5.5)."""
    service_envelope: str = ""
    loaded_at_startup: bool = False
    node: Node = ""
    sequencing: Sequencing | None = None
    continuous: bool = False
    """The handler is called again and again with the requests that are not finished (spec 7.8)."""
    concurrent: bool = False
    """An ``async def handle`` that is given a batch while it still works on others (spec 6.1)."""
    job_tickets: bool = False
    """A request is taken only if a worker is idle for it (spec 7.7)."""
    parallelism: Parallelism | None = None
    use_venv: bool = False
    build: int = 1
    """Counts the codes that this version has had since it was registered; a swap makes the next one."""


WorkerState = Literal["starting", "loading", "ready", "stopped", "failed"]


class WorkerStatus(Struct, frozen=True):
    """One worker as its owner sees it. ``memory`` is resident bytes, ``started`` a Unix time."""

    id: str
    state: WorkerState
    pid: int = 0
    device: str = "cpu"
    memory: int = 0
    gpu_memory: int = 0
    started: float = 0.0
    load_time: float = 0.0
    requests: int = 0
    restarts: int = 0
    notes: tuple[str, ...] = ()
    failure: Failure | None = None


class Recent(Struct, array_like=True):
    """What happened in one moment (:mod:`tsnb.engine.history`) that began at ``time``, Unix seconds.

    ``seconds`` is the sum of the latencies of its ``requests``, ``longest`` the longest of them.
    """

    time: float
    requests: int = 0
    errors: int = 0
    seconds: float = 0.0
    longest: float = 0.0


class ModelStatus(Struct, frozen=True):
    """One version of a model: its spec, its workers and its queue."""

    spec: ModelSpec
    default: bool
    workers: tuple[WorkerStatus, ...] = ()
    queued: int = 0
    requests: int = 0
    errors: int = 0
    latency: float = 0.0
    """Mean seconds per request, over the recent ones."""
    recent: tuple[Recent, ...] = ()
    """The last two minutes, moment by moment; moments without a request are left out."""


class Recorded(Struct, frozen=True):
    """A request that was kept, with its answer, so that it can be replayed.

    ``time`` is Unix seconds, ``seconds`` the time from arrival to answer.
    ``timings`` are those of :class:`Reply` with ``queue`` added, ``mates`` the
    ids of the other requests of its batch. ``reply`` is None for a failure
    (``failure`` says what happened) and for a stream.
    """

    request: Request
    model: str
    version: str
    build: int
    time: float
    seconds: float
    status: int
    size: int = 0
    worker: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    mates: tuple[str, ...] = ()
    reply: Reply | None = None
    failure: Failure | None = None

    @property
    def trial(self) -> str:
        """``check`` or ``start`` where no client asked, but new code failed at that before it was live; else ``""``."""
        if self.build or self.failure is None:
            return ""
        return "check" if self.failure.request_ids else "start"


class Revision(Struct, frozen=True):
    """New code for a served version, and the requests it must answer before it takes over.

    ``files`` are text files of the model folder by name: the others, weights
    above all, stay as they are. Or ``url`` names a whole archive, as in
    :class:`tsnb.engine.api.Registration`. Without ``checks`` the latest recorded requests that
    were answered well are used.
    """

    files: dict[str, str] = {}
    url: str | None = None
    checks: tuple[Request, ...] = ()


class Swapped(Struct, frozen=True):
    """New code is live: which build, after how many seconds, after how many checks.

    ``draining`` requests were held by workers of the old build at that moment;
    those workers finish them and leave.
    """

    name: str
    version: str
    build: int
    seconds: float
    workers: int
    checked: int
    draining: int


class ImportOrder(Struct, frozen=True):
    """A module to import in a fresh interpreter, in a folder of its own.

    ``files`` are the texts in that folder by name, the module's own ``<module>.py``
    among them; ``links`` are names in it that stand for files elsewhere.
    """

    module: str
    files: dict[str, str]
    links: dict[str, str] = {}


class ImportOutcome(Struct, frozen=True):
    """How that went. Without a ``failure`` and not ``finished`` nothing is known: it took too long."""

    failure: Failure | None = None
    finished: bool = True


class LogLine(Struct, frozen=True):
    """One line a worker wrote. ``time`` is Unix seconds, ``stream`` stdout, stderr or tsnb.

    ``level`` is a name of :mod:`logging`: the record's own, else INFO for
    stdout and WARNING for stderr. ``request_ids`` are those of the batch that
    ran, empty while none did.
    """

    time: float
    worker: str
    stream: str
    text: str
    level: str = ""
    request_ids: tuple[str, ...] = ()
