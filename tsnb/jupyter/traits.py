"""Every setting of :class:`tsnb.config.Config` as a trait: ``c.TsnbApp.<name>``."""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

from traitlets import Bool, Float, HasTraits, Int, TraitType, Unicode

from tsnb.config import Config, checked

KINDS: dict[type, type[TraitType[Any, Any]]] = {bool: Bool, int: Int, float: Float, str: Unicode}


def _traits() -> dict[str, TraitType[Any, Any]]:
    hints = get_type_hints(Config)
    return {
        each.name: KINDS[hints[each.name]](each.default, help=each.metadata.get("help", "")).tag(config=True)
        for each in fields(Config)
    }


Settings: Any = type("Settings", (HasTraits,), _traits())
"""A mixin with one trait for each setting; defaults and help texts are Config's."""


def config_from(settings: HasTraits) -> Config:
    """The settings of a mixed object as a Config. Raises ConfigError."""
    return checked(Config(**{each.name: getattr(settings, each.name) for each in fields(Config)}))
