"""``MAR-INF/MANIFEST.json`` as a struct, tolerant of what older archivers wrote (spec 5.2).

Numbers where strings belong (``"modelVersion": 1.10``) are taken as they are
spelled. Keys this module does not know are kept and written again.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Struct, field

from tsnb.errors import InvalidModel

MANIFEST = "MAR-INF/MANIFEST.json"
"""Where the manifest lies in every format."""

INDEX = "MAR-INF/tsnb.json"
"""Where tsnb writes the digests of an archive's files and where it came from; TorchServe ignores it."""

DEFAULT_VERSION = "1.0"
"""The version of a model whose manifest names none."""

TORCHSERVE_VERSION = "0.12.0"
"""The TorchServe that tsnb answers for."""

ARCHIVER_VERSION = TORCHSERVE_VERSION
"""The torch-model-archiver whose layout is written."""

MAX_MANIFEST = 1 << 20
"""Bytes; a manifest is never longer."""


class Model(Struct, omit_defaults=True):
    """The ``model`` part. Every file is a name below the archive's root."""

    model_name: str | None = field(default=None, name="modelName")
    serialized_file: str | None = field(default=None, name="serializedFile")
    handler: str | None = None
    model_file: str | None = field(default=None, name="modelFile")
    model_version: str | None = field(default=None, name="modelVersion")
    extensions: str | None = None
    requirements_file: str | None = field(default=None, name="requirementsFile")
    config_file: str | None = field(default=None, name="configFile")
    version: str | None = None
    """What some older archives have in place of ``modelVersion``."""

    @property
    def files(self) -> dict[str, str]:
        """The files that the manifest names: key in the manifest → name in the archive."""
        named = {
            "serializedFile": self.serialized_file,
            "modelFile": self.model_file,
            "requirementsFile": self.requirements_file,
            "configFile": self.config_file,
        }
        return {key: name for key, name in named.items() if name}


class Manifest(Struct):
    """A manifest. ``raw`` is the JSON object it was read from, ``{}`` for a new one."""

    created_on: str | None = field(default=None, name="createdOn")
    runtime: str | None = "python"
    model: Model | None = field(default_factory=Model)
    archiver_version: str | None = field(default=None, name="archiverVersion")
    raw: dict[str, Any] = field(default_factory=dict)

    @property
    def entry(self) -> Model:
        """The model part, empty when there is none."""
        return self.model or Model()

    @property
    def version(self) -> str:
        """The model's version, ``1.0`` when the manifest is silent."""
        return self.entry.model_version or self.entry.version or DEFAULT_VERSION


_MODEL_KEYS = {item.encode_name for item in msgspec.structs.fields(Model)}
_KEYS = {item.encode_name for item in msgspec.structs.fields(Manifest)} - {"raw"}


def parse(data: bytes | str) -> Manifest:
    """A manifest from its JSON text. Raises InvalidModel."""
    if len(data) > MAX_MANIFEST:
        raise _unreadable(f"{MANIFEST} is {len(data)} bytes long; at most {MAX_MANIFEST} are read.")
    try:
        raw = json.loads(data)
        spelled = json.loads(data, parse_int=str, parse_float=str)
    except (ValueError, RecursionError) as error:
        raise _unreadable(f"{MANIFEST} is not JSON: {error}.") from error
    return _typed(raw, spelled)


def from_dict(raw: dict[str, Any]) -> Manifest:
    """A manifest from its JSON object, as an ``Extraction`` carries it; ``{}`` gives the default one."""
    return parse(json.dumps(raw))


def _typed(raw: Any, spelled: Any) -> Manifest:
    if not isinstance(raw, dict):
        raise _unreadable(f"{MANIFEST} holds a {type(raw).__name__}, not an object.")
    known = {key: value for key, value in spelled.items() if key in _KEYS}
    try:
        manifest = msgspec.convert(known, Manifest)
    except msgspec.ValidationError as error:
        raise _unreadable(f"{MANIFEST}: {error}.") from error
    manifest.runtime = manifest.runtime or "python"
    manifest.raw = raw
    return manifest


def _unreadable(detail: str) -> InvalidModel:
    return InvalidModel(f"Failed to parse signature.json. {detail} Archive the model again, or correct the file.")


def encode(manifest: Manifest) -> bytes:
    """The JSON text, laid out as torch-model-archiver does: two spaces, keys in its order, no final newline."""
    model = {**msgspec.to_builtins(manifest.entry), **_unknown(manifest.raw.get("model"), _MODEL_KEYS)}
    whole = {
        "createdOn": manifest.created_on,
        "runtime": manifest.runtime,
        "model": model,
        "archiverVersion": manifest.archiver_version,
    }
    said = {key: value for key, value in whole.items() if value is not None}
    return json.dumps({**said, **_unknown(manifest.raw, _KEYS)}, indent=2).encode()


def _unknown(raw: Any, known: set[str]) -> dict[str, Any]:
    return {key: value for key, value in raw.items() if key not in known} if isinstance(raw, dict) else {}


def new(model: Model, runtime: str, created: datetime) -> Manifest:
    """A manifest for an archive that is being made now."""
    return Manifest(created.strftime("%d/%m/%Y %H:%M:%S"), runtime, model, ARCHIVER_VERSION)
