"""From an archive, its model-config.yaml and what the caller said to a :class:`ModelSpec` (spec 2.2, 5.6). Pure."""

from __future__ import annotations

import logging
from typing import Any, TypeVar

import msgspec

from tsnb.archive.read import Extraction
from tsnb.config import Config
from tsnb.engine import model_settings
from tsnb.engine.api import Registration
from tsnb.engine.lifecycle import MOST, integer
from tsnb.engine.model_settings import NOTHING, ModelSettings
from tsnb.errors import BadRequest, InvalidModel
from tsnb.messages import BatchPolicy, ModelSpec

log = logging.getLogger(__name__)

RUNTIMES = ("python", "python3", "LSP")
MAX_WORKERS = 1024
"""More workers for one model are taken for a slip of the finger."""

POLICIES: tuple[BatchPolicy, ...] = ("eager", "window")

T = TypeVar("T")


def make_spec(
    said: Registration, config: Config, model_dir: str, manifest: dict[str, Any], yaml: dict[str, Any]
) -> ModelSpec:
    """All that is needed to run the model, by TorchServe's precedence.

    Batching: what the caller said, then YAML, then the key ``models``, then the
    default. Timeouts: YAML, then ``models``, then the caller, then the
    configuration. Workers: YAML, then the caller, then the configuration. What a
    snapshot restores comes before all. Raises BadRequest or InvalidModel for
    what cannot be run.
    """
    model = manifest.get("model") or {}
    name = _name(said, model)
    version = _text("version", model.get("modelVersion") or model.get("version") or "1.0")
    settings = NOTHING if said.restored else model_settings.of(config.models, name, version)
    tuning: dict[str, Any] = {} if said.restored else yaml
    workers = _workers(said, config, tuning, settings)
    return ModelSpec(
        name=name,
        version=version,
        model_dir=model_dir,
        handler=_handler(said, config, model),
        url="" if said.node == "function" else said.url,
        runtime=_runtime(said, manifest),
        manifest=manifest,
        model_config=yaml,
        min_workers=workers[0],
        max_workers=workers[1],
        batch_size=max(1, _first(said.batch_size, integer(tuning, "batchSize", 1), settings.batch_size, 1)),
        max_batch_delay=_first(
            said.max_batch_delay, integer(tuning, "maxBatchDelay", 1), settings.max_batch_delay, 100
        ),
        batch_policy=_policy(yaml, config),
        response_timeout=_seconds(
            "response_timeout",
            _first(
                integer(tuning, "responseTimeout", 1),
                settings.response_timeout,
                said.response_timeout,
                config.default_response_timeout,
            ),
        ),
        startup_timeout=_seconds(
            "startup_timeout",
            _first(
                integer(tuning, "startupTimeout", 1),
                settings.startup_timeout,
                said.startup_timeout,
                config.default_startup_timeout,
            ),
        ),
        max_retry_timeout=max(0, _first(integer(yaml, "maxRetryTimeoutInSec", -MOST), 300)),
        client_timeout=_first(integer(yaml, "clientTimeoutInMills", 0), 0),
        job_queue_size=_first(integer(yaml, "jobQueueSize", 1), config.job_queue_size),
        device_type=_device_type(yaml),
        device_ids=_device_ids(yaml),
        service_envelope=config.service_envelope,
        loaded_at_startup=said.loaded_at_startup,
        node=said.node,
    )


def revised_spec(spec: ModelSpec, extraction: Extraction, build: int) -> ModelSpec:
    """A version with new code: its settings stay, its folder, handler and build are new."""
    model = extraction.manifest.get("model") or {}
    return msgspec.structs.replace(
        spec,
        model_dir=str(extraction.model_dir),
        handler=str(model.get("handler") or spec.handler),
        manifest=extraction.manifest,
        model_config=extraction.config,
        build=build,
    )


def _first(*values: T | None) -> T:
    """The first value that was given; the last one always is."""
    for value in values:
        if value is not None:
            return value
    raise ValueError("no value given")


def _name(said: Registration, model: dict[str, Any]) -> str:
    name = said.model_name or model.get("modelName") or said.fallback_name
    if not name:
        raise InvalidModel("Model name is not defined.")
    return _text("name", name)


def _text(what: str, value: object) -> str:
    try:
        str(value).encode()
    except UnicodeEncodeError as error:
        raise BadRequest(f"The model's {what} is no Unicode text: {value!r}. Give it another.") from error
    return str(value)


def _seconds(name: str, value: float) -> float:
    if value <= 0:
        raise BadRequest(f"{name} is {value:g} seconds, in which nothing can be done. Give 1 or more.")
    return value


def _handler(said: Registration, config: Config, model: dict[str, Any]) -> str:
    handler = said.handler or model.get("handler") or config.default_service_handler
    if not handler:
        raise InvalidModel(
            "The archive names no handler: its MANIFEST.json has no model.handler. "
            "Archive it again with --handler, or register it with handler=…"
        )
    return str(handler)


def _runtime(said: Registration, manifest: dict[str, Any]) -> str:
    runtime = said.runtime or manifest.get("runtime") or "python"
    if runtime not in RUNTIMES:
        if said.runtime:
            raise BadRequest(f"Invalid RuntimeType value: {runtime}")
        raise InvalidModel(
            f"Runtime is not defined or invalid. MANIFEST.json says {runtime!r}; use one of {', '.join(RUNTIMES)}."
        )
    if runtime == "LSP":
        raise InvalidModel(
            "The runtime LSP is TorchServe's C++ backend, and there is none here. "
            "Archive the model with a Python handler, or register it with runtime=python."
        )
    return str(runtime)


def _workers(said: Registration, config: Config, yaml: dict[str, Any], settings: ModelSettings) -> tuple[int, int]:
    least = integer(yaml, "minWorkers", -MOST)
    most = integer(yaml, "maxWorkers", 1)
    if least is not None and most is not None and most >= max(1, least):
        return check_workers(max(1, least)), most
    if said.loaded_at_startup and settings.min_workers:
        return check_workers(settings.min_workers), max(settings.min_workers, settings.max_workers or 0)
    count = check_workers(max(0, _first(said.initial_workers, config.default_workers_per_model)))
    return count, max(count, said.max_workers or 0)


def check_workers(count: int) -> int:
    """The number of workers to start. Raises BadRequest where that is a slip."""
    if count > MAX_WORKERS:
        raise BadRequest(f"{count} workers are too many: at most {MAX_WORKERS} can serve one model.")
    return count


def _policy(yaml: dict[str, Any], config: Config) -> BatchPolicy:
    wanted = yaml.get("batchPolicy", config.batch_policy)
    for policy in POLICIES:
        if wanted == policy:
            return policy
    log.warning("batchPolicy: %r is ignored, it must be one of %s", wanted, ", ".join(POLICIES))
    return "eager"


def _device_type(yaml: dict[str, Any]) -> str:
    value = yaml.get("deviceType", "")
    return value if value in ("cpu", "gpu") else ""


def _device_ids(yaml: dict[str, Any]) -> tuple[int, ...]:
    value = yaml.get("deviceIds", ())
    if isinstance(value, list) and all(isinstance(item, int) and not isinstance(item, bool) for item in value):
        return tuple(value)
    return ()
