"""What the keys ``models`` and ``model_snapshot`` say of one version of a model (spec 7.11, 8.2). Pure."""

from __future__ import annotations

from functools import lru_cache
from typing import TypeAlias, TypeVar

import msgspec
from msgspec import Struct

from tsnb.errors import ConfigError

T = TypeVar("T")


class ModelSettings(Struct, frozen=True, rename="camel", omit_defaults=True):
    """One version. Units as in :class:`tsnb.messages.ModelSpec`; 0 workers and None mean that nothing was said.

    ``url`` and ``handler`` are tsnb's own: a folder outside the model store, and a
    handler that is not the archive's.
    """

    default_version: bool | None = None
    mar_name: str = ""
    min_workers: int | None = None
    max_workers: int | None = None
    batch_size: int | None = None
    max_batch_delay: int | None = None
    response_timeout: float | None = None
    startup_timeout: float | None = None
    runtime_type: str | None = None
    url: str | None = None
    handler: str | None = None


Settings: TypeAlias = dict[str, dict[str, ModelSettings]]
"""Model name and version → what is said of it."""

NOTHING = ModelSettings()


@lru_cache(maxsize=4)
def settings(text: str) -> Settings:
    """What the key ``models`` holds, nothing when it is empty. Raises ConfigError."""
    return decode("models", text or "{}", Settings)


def decode(setting: str, text: str, kind: type[T]) -> T:
    """The JSON object in a setting. Raises ConfigError."""
    try:
        return msgspec.json.decode(text, type=kind, strict=False)
    except msgspec.ValidationError as error:
        raise ConfigError(
            f"{setting} must be a JSON object of models, versions and their settings: {error}."
        ) from error
    except msgspec.DecodeError as error:
        raise ConfigError(f"{setting} is not valid JSON: {error}.") from error


def of(text: str, name: str, version: str) -> ModelSettings:
    """What the key ``models`` says of a version."""
    return settings(text).get(name, {}).get(version, NOTHING)
