"""An eager model and its weights in milliseconds: nothing is initialised that is overwritten right after.

The plain way fills every parameter with random numbers, then copies the
stored weights over them. Here the constructor runs with random fills skipped
and the stored (memory-mapped) tensors take the parameters' places. That must
be the same to the bit, so everything that held a skipped value is tracked;
where one is used or survives, the model is built the plain way, with a note.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

from tsnb.handlers.skipping import SkipRandomFills

Built: TypeAlias = tuple[nn.Module, tuple[str, ...]]
"""A model, and notes for its owner."""

CHOSEN_SEED = 2**32
"""torch seeds itself with 53 random bits; a seed below this was set by somebody, who counts on the numbers drawn."""


class NotCovered(Exception):
    """The fast way would not give exactly the plain model; the message says why."""


def build(cls: type[nn.Module], state: dict[str, Any]) -> Built:
    """``cls()`` with the weights of ``state``, the fast way where that is exact. Raises what the plain way raises."""
    try:
        return _build_fast(cls, state), ()
    except NotCovered as error:
        reason = str(error)
    except Exception as error:  # the plain way raises it again if it is the model's own
        reason = f"the fast way raised {type(error).__name__}"
    model = cls()
    model.load_state_dict(state)
    return model, (f"the weights were loaded the plain (slower) way: {reason}",)


def _build_fast(cls: type[nn.Module], state: dict[str, Any]) -> nn.Module:
    _check_seed()
    with SkipRandomFills() as skipped:
        model = cls()
    _check_seed()
    if skipped.was_read:
        raise NotCovered(f"the constructor of {cls.__name__} computes with random values")
    _check_unshared(model)
    before = {name: _facts(tensor) for name, tensor in _tensors(model)}
    originals = [StorageWeakRef(tensor.untyped_storage()) for name, tensor in _tensors(model) if name in state]
    model.load_state_dict(_retied(model, state), strict=True, assign=True)
    _check_same(before, model)
    if skipped.survivors() or not all(original.expired() for original in originals):
        raise NotCovered(f"{cls.__name__} keeps values that its weights file does not replace")
    return model


def _check_seed() -> None:
    if torch.initial_seed() < CHOSEN_SEED:
        raise NotCovered("the random seed was set")


def _tensors(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """All parameters and buffers under all their names."""
    yield from model.named_parameters(remove_duplicate=False)
    yield from model.named_buffers(remove_duplicate=False)


def _facts(tensor: Tensor) -> tuple[Any, ...]:
    """What must not change when a tensor takes another's place."""
    return type(tensor), tensor.dtype, tensor.shape, tensor.stride(), tensor.requires_grad


def _check_unshared(model: nn.Module) -> None:
    owners: dict[int, int] = {}
    for name, tensor in _tensors(model):
        if owners.setdefault(tensor.untyped_storage()._cdata, id(tensor)) != id(tensor):
            raise NotCovered(f"{name} shares memory with another tensor of the model")
        if vars(tensor):
            raise NotCovered(f"{name} carries attributes of its own")


def _retied(model: nn.Module, state: dict[str, Any]) -> dict[str, Any]:
    """``state`` with one object for all names of a tied tensor: the last one, which the plain way leaves there."""
    names: dict[int, list[str]] = {}
    for name, tensor in _tensors(model):
        names.setdefault(id(tensor), []).append(name)
    tied = dict(state)
    for group in names.values():
        if len(group) > 1 and all(name in state for name in group):
            tied.update(dict.fromkeys(group, _as_parameter(model, group[-1], state[group[-1]])))
    return tied


def _as_parameter(model: nn.Module, name: str, tensor: Tensor) -> Tensor:
    owner, _, attribute = name.rpartition(".")
    original = getattr(model.get_submodule(owner), attribute)
    return nn.Parameter(tensor, original.requires_grad) if isinstance(original, nn.Parameter) else tensor


def _check_same(before: dict[str, tuple[Any, ...]], model: nn.Module) -> None:
    after = {name: _facts(tensor) for name, tensor in _tensors(model)}
    if after.keys() != before.keys():
        raise NotCovered("loading the weights changes the model's parameters")
    for name, facts in before.items():
        if facts != after[name]:
            raise NotCovered(f"the stored {name} differs from the model's in type, layout or shape")
