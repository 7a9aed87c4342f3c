"""``model-config.yaml``: read with the safe loader, bounded, and forgiving where TorchServe is (spec 5.6)."""

from __future__ import annotations

from typing import Any

import yaml

from tsnb.errors import InvalidModel

MAX_CONFIG = 1 << 20
"""Bytes of a model config file."""

MAX_NODES = 100_000
"""Values in a model config once its aliases are written out; a few lines of aliases can mean millions."""


def parse_config(data: bytes, name: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The settings, and notes about what was ignored.

    Text that is not YAML is ignored with a note. Raises InvalidModel where the
    file is empty, or a list or single value at the top.
    """
    if len(data) > MAX_CONFIG:
        raise InvalidModel(f"{name} is {len(data)} bytes long; a model config has at most {MAX_CONFIG}.")
    try:
        value = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        return {}, (f"{name} is not valid YAML and was ignored: {reason}",)
    if not isinstance(value, dict):
        seen = "nothing" if value is None else f"a {type(value).__name__}"
        raise InvalidModel(f"{name} must hold settings as 'key: value' lines, but holds {seen}. Correct or remove it.")
    _check(value, name)
    return value, ()


def _check(value: Any, name: str) -> None:
    """Raise InvalidModel for more than can be held, and for what no message to a worker can hold."""
    waiting, seen = [value], 0
    while waiting:
        node = waiting.pop()
        seen += 1
        if seen > MAX_NODES:
            raise InvalidModel(f"{name} holds more than {MAX_NODES} values, aliases written out. Make it smaller.")
        if isinstance(node, int) and not -(2**63) <= node < 2**64:
            raise InvalidModel(f"{name} holds the number {node}, which has more than 64 bits. Write it in quotes.")
        if isinstance(node, str) and not _is_unicode(node):
            raise InvalidModel(f"{name} holds {node[:80]!r}, which is no Unicode text. Correct it.")
        if isinstance(node, dict):
            if None in node:
                raise InvalidModel(
                    f"{name} has a setting without a name (null: {node[None]!r}). Name it, or remove it."
                )
            waiting += [*node.keys(), *node.values()]
        elif isinstance(node, list | tuple | set):
            waiting += node


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
