"""What managing models means and what is said of it, for every door with TorchServe's words (spec 2, 4.2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import Struct

from tsnb import messages
from tsnb.engine.api import Engine, Registration, Scaled, Stream
from tsnb.errors import BadRequest, ModelNotFound, ModelVersionNotFound, ServiceUnavailable
from tsnb.rest.descriptions import description
from tsnb.rest.routes import close

RUNTIMES = ("python", "python3", "LSP")
_INTEGER = re.compile("[+-]?[0-9]{1,10}")
T = TypeVar("T")
PAGE = 100
"""Most models of one page of the list."""


class Said(Struct, frozen=True):
    """What was done, as a sentence; ``status`` is the HTTP status that goes with it."""

    text: str
    status: int = 200


async def register(engine: Engine, values: Mapping[str, str], *, wait: bool) -> Said:
    """Take in an archive and start its workers; ``values`` are the parameters that were given, as text."""
    scaled = await engine.register(_registration(values), wait=wait)
    if scaled.wanted == 0:
        return Said(f"{_registered(scaled)}. Use scale workers API to add workers for the model.")
    if not wait:
        return Said("Processing worker updates...", 202)
    if scaled.running < scaled.wanted:
        return Said("Workers scaling in progress...", 206)
    return Said(_registered(scaled))


async def scale(engine: Engine, name: str, version: str | None, least: int, most: int, *, wait: bool) -> Said:
    """Change how many workers a model has."""
    if most < least:
        raise BadRequest("max_worker cannot be less than min_worker.")
    scaled = await engine.scale(name, version, least, most, wait=wait)
    if not wait:
        return Said("Processing worker updates...", 202)
    if scaled.running < least:
        return Said("Workers scaling in progress...", 206)
    suffix = f", version: {version}" if version else ""
    return Said(f"Workers scaled to {least} for model: {name}{suffix}")


async def unregister(engine: Engine, name: str, version: str | None) -> Said:
    """Stop a version's workers and forget it."""
    await engine.unregister(name, version)
    return Said(f'Model "{name}" unregistered')


async def set_default(engine: Engine, name: str, version: str) -> Said:
    """Let requests without a version go to this one."""
    try:
        await engine.set_default(name, version)
    except ModelVersionNotFound as error:  # here it is said without a colon (spec 2.7)
        raise ModelVersionNotFound(f"Model version {version} does not exist for model {name}") from error
    return Said(f'Default version successfully updated for model "{name}" to "{version}"')


def listing(engine: Engine, limit: int, offset: int) -> dict[str, Any]:
    """One page of the models and where they came from; a limit that makes no sense is the largest."""
    specs = [engine.describe(name)[0].spec for name in engine.models()]
    rows = [{"modelName": spec.name, "modelUrl": spec.url} for spec in specs if spec.url]
    return page("models", rows, limit, offset)


def page(key: str, rows: list[dict[str, str]], limit: int, offset: int) -> dict[str, Any]:
    """One page of a list, and where the next one begins (spec 2.5)."""
    limit = limit if 0 <= limit <= PAGE else PAGE
    offset = max(0, offset)
    end = offset + limit
    token = {"nextPageToken": str(end)} if end <= len(rows) else {}
    return {**token, key: rows[offset:end]}


async def describe(
    engine: Engine, name: str, version: str | None, asked: messages.Request | None = None
) -> list[dict[str, Any]]:
    """A model's settings, workers and queue; with a request, also what its handler says of itself."""
    found = [description(status) for status in engine.describe(name, version)]
    if asked is not None and version != "all":
        found[0]["customizedMetadata"] = await _metadata(engine, asked, name, version)
    return found


def description_request(request_id: str, headers: Mapping[str, str]) -> messages.Request:
    """What a handler gets that shall describe itself (spec 2.4)."""
    return messages.Request(request_id, {**headers, "describe": "True"})


def _registered(scaled: Scaled) -> str:
    return f'Model "{scaled.name}" Version: {scaled.version} registered with {scaled.wanted} initial workers'


def _registration(values: Mapping[str, str]) -> Registration:
    """Raises BadRequest and ModelNotFound with TorchServe's words for what cannot be tried at all."""
    if not values.get("url"):
        raise ModelNotFound("empty url") if "url" in values else BadRequest("Parameter url is required.")
    runtime = values.get("runtime")
    if runtime is not None and runtime not in RUNTIMES:
        raise BadRequest(f"Invalid RuntimeType value: {runtime}")
    workers = _number(values, "initial_workers")
    return Registration(
        url=values["url"],
        model_name=values.get("model_name") or None,
        handler=values.get("handler") or None,
        runtime=runtime,
        batch_size=_number(values, "batch_size", not_given=-1),
        max_batch_delay=_number(values, "max_batch_delay", not_given=-100),
        initial_workers=None if workers is None else max(0, workers),
        response_timeout=_number(values, "response_timeout"),
        startup_timeout=_number(values, "startup_timeout"),
        s3_sse_kms=true(values.get("s3_sse_kms")),
    )


def _number(values: Mapping[str, str], name: str, *, not_given: int | None = None) -> int | None:
    value = integer(values.get(name), None)
    return None if value == not_given else value


def integer(text: str | None, default: T) -> int | T:
    """Text that is no 32-bit integer silently takes the default, as in TorchServe."""
    if not text or not _INTEGER.fullmatch(text):
        return default
    value = int(text)
    return value if -(2**31) <= value < 2**31 else default


def true(text: str | None) -> bool:
    """Whether a parameter says true."""
    return text is not None and text.lower() == "true"


async def _metadata(engine: Engine, asked: messages.Request, name: str, version: str | None) -> dict[str, Any]:
    """What the handler says of itself: a JSON object, or an empty one for any other answer (spec 2.4)."""
    try:
        answer = await engine.predict(name, version, asked)
    except ServiceUnavailable as error:
        raise ServiceUnavailable(
            f'Model "{name}" has no worker to serve describe request. Please use scale workers API to add workers.'
        ) from error
    if isinstance(answer, Stream):
        await close(answer.parts)
        return {}
    try:
        found = json.loads(answer.body)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
