"""The keys of model-config.yaml that change how requests and workers live (spec 5.6). Pure.

A value of a wrong type is ignored with a warning, as in TorchServe.
"""

from __future__ import annotations

import logging
from typing import Any, cast

import msgspec
from msgspec import Struct

from tsnb.errors import InvalidModel
from tsnb.messages import ModelSpec, Parallelism, Sequencing

log = logging.getLogger(__name__)

MOST = 2**31 - 1
"""TorchServe's integers hold no more."""

KINDS = ("pp", "tp", "pptp", "custom")


class Lifecycle(Struct, frozen=True):
    """What model-config.yaml says, as the fields of the same names in :class:`tsnb.messages.ModelSpec`."""

    sequencing: Sequencing | None
    continuous: bool
    concurrent: bool
    job_tickets: bool
    parallelism: Parallelism | None
    use_venv: bool


def lifecycle(yaml: dict[str, Any]) -> Lifecycle:
    """Read the keys. Raises InvalidModel for those that contradict each other."""
    continuous, concurrent = flag(yaml, "continuousBatching"), flag(yaml, "asyncCommunication")
    if continuous and concurrent:
        raise InvalidModel(
            "model-config.yaml: continuousBatching and asyncCommunication exclude each other: the one calls the "
            "handler once for each step, the other lets it work on several batches. Remove one of them."
        )
    return Lifecycle(
        sequencing=_sequencing(yaml),
        continuous=continuous,
        concurrent=concurrent,
        job_tickets=flag(yaml, "useJobTicket"),
        parallelism=_parallelism(yaml),
        use_venv=flag(yaml, "useVenv"),
    )


def flag(yaml: dict[str, Any], key: str) -> bool:
    """A setting that is true or false; false where it is not given or no such value."""
    value = yaml.get(key, False)
    if isinstance(value, bool):
        return value
    log.warning("model-config.yaml: %s: %r is ignored, it must be true or false", key, value)
    return False


def integer(yaml: dict[str, Any], key: str, least: int) -> int | None:
    """An integer from ``least`` to :data:`MOST`; None where it is not given or no such value, with a warning."""
    value = yaml.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST:
        log.warning("model-config.yaml: %s: %r is ignored, it must be an integer of at least %d", key, value, least)
        return None
    return value


def _sequencing(yaml: dict[str, Any]) -> Sequencing | None:
    if not flag(yaml, "sequenceBatching"):
        return None
    rules = sequence_rules(yaml)
    if rules is None:
        raise InvalidModel(
            "model-config.yaml: sequenceBatching needs sequenceMaxIdleMSec, the milliseconds after which a sequence "
            "without requests ends; give a number of at least 1."
        )
    return rules


def sequence_rules(yaml: dict[str, Any]) -> Sequencing | None:
    """What is said of sequences, whether or not the model has any; None where no idle time is."""
    idle = integer(yaml, "sequenceMaxIdleMSec", 1)
    if idle is None:
        return None
    return Sequencing(
        max_idle=idle,
        timeout=integer(yaml, "sequenceTimeoutMSec", 0) or 0,
        max_open=integer(yaml, "maxNumSequence", 1) or 1,
        queue_size=integer(yaml, "maxSequenceJobQueueSize", 1) or 1,
    )


def _parallelism(yaml: dict[str, Any]) -> Parallelism | None:
    kind = yaml.get("parallelType")
    if kind is None:
        return None
    if kind not in KINDS:
        log.warning("model-config.yaml: parallelType: %r is ignored, it must be one of %s", kind, ", ".join(KINDS))
        return None
    options = yaml.get("torchrun", {})
    if not isinstance(options, dict):
        log.warning("model-config.yaml: torchrun: %r is ignored, it must hold 'option: value' lines", options)
        options = {}
    level = integer(options, "nproc-per-node", 1) or integer(yaml, "parallelLevel", 1)
    if level is None:
        log.warning(
            "model-config.yaml: parallelType: %r is ignored without parallelLevel, the devices of a worker", kind
        )
        return None
    return Parallelism(cast("Any", kind), level, {str(name): value for name, value in options.items()})


def with_lifecycle(spec: ModelSpec) -> ModelSpec:
    """The spec with what its model-config.yaml says of these. Raises InvalidModel."""
    return msgspec.structs.replace(spec, **msgspec.structs.asdict(lifecycle(spec.model_config)))


def is_spread(spec: ModelSpec) -> bool:
    """Whether each worker of the model is several processes, which torchrun starts."""
    return spec.parallelism is not None and spec.parallelism.kind != "custom"
