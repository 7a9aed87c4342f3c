"""The spec of a workflow: which models and functions there are, and who gets whose output (spec 10.2). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from typing import Any

import yaml
from msgspec import Struct

from tsnb.errors import InvalidDag, InvalidWorkflow

MAX_SPEC = 1 << 20
"""Bytes of a spec file."""
MAX_NODES = 1000
"""Most nodes of one workflow."""


class Settings(Struct, frozen=True, rename="kebab"):
    """What can be said of every node; ``max_batch_delay`` and ``timeout_ms`` are milliseconds."""

    min_workers: int = 1
    max_workers: int = 1
    batch_size: int = 1
    max_batch_delay: int = 50
    retry_attempts: int = 1
    timeout_ms: int = 10000


LEAST = {"max_batch_delay": 0}
"""The smallest value of each setting, where that is not 1."""
KEYS = {name.replace("_", "-"): name for name in Settings.__struct_fields__}
FUNCTION = {"min_workers": 1, "max_workers": 1, "batch_size": 1, "max_batch_delay": 0}
"""What a function always has."""


class Node(Struct, frozen=True):
    """One step: a model with a ``url``, or a function of the workflow's handler file."""

    name: str
    url: str
    settings: Settings
    before: tuple[str, ...]
    """The nodes whose output it gets, in the order of the spec."""


class Spec(Struct, frozen=True):
    """A valid workflow. ``nodes`` are in an order in which they can run; ``edges`` are as written."""

    settings: Settings
    nodes: tuple[Node, ...]
    edges: dict[str, tuple[str, ...]]

    @property
    def leaves(self) -> list[str]:
        """The nodes whose output is the answer."""
        return [node.name for node in self.nodes if not self.edges.get(node.name)]

    @property
    def dag(self) -> str:
        """The edges as TorchServe shows them: ``{pre=[m1], m1=[post]}``."""
        return "{" + ", ".join(f"{name}=[{', '.join(after)}]" for name, after in self.edges.items()) + "}"


def parse(data: bytes, name: str) -> Spec:
    """A spec from its YAML text. Raises InvalidWorkflow, and InvalidDag where the nodes make no workflow."""
    whole = _document(data, name)
    models, settings = _models(_part(whole, "models", name), name)
    edges = _edges(_part(whole, "dag", name), name)
    if not edges:
        raise InvalidWorkflow(f"{name} has no dag. Name at least one node and what follows it: 'dag: {{a: [b]}}'.")
    return Spec(settings, tuple(_nodes(edges, models, settings)), edges)


def _document(data: bytes, name: str) -> dict[Any, Any]:
    if len(data) > MAX_SPEC:
        raise InvalidWorkflow(f"{name} is {len(data)} bytes long; a workflow's spec has at most {MAX_SPEC}.")
    try:
        found = yaml.safe_load(data)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise InvalidWorkflow(f"Failed to parse yaml. {name}{_reason(error)}") from error
    if not isinstance(found, dict):
        raise InvalidWorkflow(f"Failed to parse yaml. {name} must hold 'models:' and 'dag:', each with lines below it.")
    return found


def _reason(error: Exception) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f", line {mark.line + 1}" if mark is not None else ""
    return f"{where}: {getattr(error, 'problem', None) or error}"


def _part(whole: dict[Any, Any], key: str, name: str) -> dict[Any, Any]:
    part = whole.get(key)
    if part is not None and not isinstance(part, dict):
        raise InvalidWorkflow(f"{name}: {key} must hold 'key: value' lines, but holds a {type(part).__name__}.")
    return part or {}


def _models(part: dict[Any, Any], name: str) -> tuple[dict[str, tuple[str, Settings]], Settings]:
    """Each model's URL and settings, and the settings of all."""
    said = {_text(key, f"{name}: models"): value for key, value in part.items()}
    common = _settings(said, {}, f"{name}: models")
    models = {}
    for model, values in said.items():
        if model in KEYS:
            continue
        where = f"{name}: models: {model}"
        if not isinstance(values, dict) or not isinstance(values.get("url"), str):
            raise InvalidWorkflow(f"{where} needs a url: an archive in the model store, or where to get one.")
        models[model] = (values["url"], Settings(**{**common, **_settings(values, common, where)}))
    return models, Settings(**common)


def _settings(said: dict[Any, Any], common: dict[str, int], where: str) -> dict[str, int]:
    found = dict(common)
    for key, name in KEYS.items():
        if key not in said:
            continue
        value, least = said[key], LEAST.get(name, 1)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value < 2**31:
            raise InvalidWorkflow(f"{where}: {key} is {value!r}. It must be a whole number of at least {least}.")
        found[name] = value
    return found


def _edges(part: dict[Any, Any], name: str) -> dict[str, tuple[str, ...]]:
    edges = {}
    for key, after in part.items():
        node = _text(key, f"{name}: dag")
        if after is not None and not isinstance(after, list):
            raise InvalidWorkflow(f"{name}: dag: {node} must name what follows it as a list, as in '{node}: [next]'.")
        wanted = [_text(each, f"{name}: dag: {node}").strip() for each in after or () if each is not None]
        edges[node] = tuple(dict.fromkeys(each for each in wanted if each))
    if len(edges) > MAX_NODES:
        raise InvalidWorkflow(f"{name}: dag has {len(edges)} nodes; a workflow has at most {MAX_NODES}.")
    return edges


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise InvalidWorkflow(f"{where}: {value!r} is no name, as YAML reads it. Write it in quotes.")
    return value


def _nodes(
    edges: dict[str, tuple[str, ...]], models: dict[str, tuple[str, Settings]], settings: Settings
) -> Iterator[Node]:
    before: dict[str, list[str]] = {name: [] for name in edges}
    for name, after in edges.items():
        if name in after:
            raise InvalidDag(f"Self loop exception: {name} follows itself.")
        for each in after:
            before.setdefault(each, []).append(name)
    starts = [name for name, sources in before.items() if not sources]
    if len(starts) != 1:
        raise InvalidDag(f"DAG should have only one start node; it has {', '.join(starts) or 'none'}.")
    as_function = {**{key: getattr(settings, key) for key in Settings.__struct_fields__}, **FUNCTION}
    for name in _order(before):
        url, own = models.get(name, ("", Settings(**as_function)))
        yield Node(name, url, own, tuple(before[name]))


def _order(before: dict[str, list[str]]) -> list[str]:
    try:
        return list(TopologicalSorter(before).static_order())
    except CycleError as error:
        raise InvalidDag(f"Not a valid DAG: {' → '.join(error.args[1])} is a circle.") from error
