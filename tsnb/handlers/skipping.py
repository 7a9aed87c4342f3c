"""Run a constructor without filling tensors with random numbers, and know where the gaps are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.multiprocessing.reductions import StorageWeakRef
from torch.nn import init
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

aten = torch.ops.aten

IN_PLACE = frozenset(
    f"aten::{name}_"
    for name in ("add", "clamp", "clamp_max", "clamp_min", "copy", "div", "erfinv", "fill", "mul", "sub", "zero")
)
"""Operations on a tensor without values that need not be done either; they leave its shape as it is."""

EMPTY: dict[Any, Any] = {
    aten.randn.default: aten.empty.memory_format,
    aten.rand.default: aten.empty.memory_format,
    aten.randn_like.default: aten.empty_like.default,
    aten.rand_like.default: aten.empty_like.default,
}
"""What stands in for an operation that makes a random tensor."""

INITIALISERS = ("trunc_normal_", "_no_grad_trunc_normal_", "orthogonal_", "sparse_")
"""Functions of ``torch.nn.init`` that look at what they draw, and are skipped as a whole."""

READS = frozenset(getattr(Tensor, name) for name in ("numpy", "tolist", "__array__", "data_ptr", "__dlpack__"))
"""Ways to a tensor's values that pass the dispatcher by."""


class SkipRandomFills(TorchDispatchMode):
    """Inside, random in-place operations do nothing, and every tensor that depends on one is tracked.

    ``was_read`` tells whether such a value was used for anything but another
    tensor. :meth:`survivors` counts the tracked memory that is still alive.
    """

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.was_read = False
        self._hollow: dict[int, StorageWeakRef] = {}
        self._reads = _WatchReads(self)
        self._initialisers = {name: getattr(init, name) for name in INITIALISERS if hasattr(init, name)}

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """No: nothing is compiled here, and saying yes makes torch import its compiler, for more than a second."""
        return False

    def __enter__(self) -> SkipRandomFills:
        for name in self._initialisers:
            setattr(init, name, self._fill)
        self._reads.__enter__()  # type: ignore[no-untyped-call]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        self._reads.__exit__(*error)  # type: ignore[no-untyped-call]
        for name, function in self._initialisers.items():
            setattr(init, name, function)

    def survivors(self) -> int:
        """How many pieces of memory without proper values are still in use."""
        return sum(not storage.expired() for storage in self._hollow.values())

    def is_hollow(self, value: object) -> bool:
        """Whether a tensor's values depend on a random number that was not drawn."""
        if not isinstance(value, Tensor):
            return False
        found = self._hollow.get(value.untyped_storage()._cdata)
        return found is not None and not found.expired()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        kwargs = kwargs or {}
        random = torch.Tag.nondeterministic_seeded in func.tags
        hollow = random or any(map(self.is_hollow, tree_leaves((args, kwargs))))
        if not hollow:
            return func(*args, **kwargs)
        result = self._skip(func, args, kwargs, random)
        made = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
        self.was_read |= not made
        for tensor in made:
            self._fill(tensor)
        return result

    def _fill(self, tensor: Tensor, *_: Any, **__: Any) -> Tensor:
        """Stands for any random fill: the values stay what they are, and are tracked."""
        storage = tensor.untyped_storage()
        self._hollow[storage._cdata] = StorageWeakRef(storage)
        return tensor

    def _skip(self, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any], random: bool) -> Any:
        name = func._schema.name
        if (random and name.endswith("_")) or (name in IN_PLACE and self.is_hollow(args[0])):
            return args[0]
        if func in EMPTY:
            return EMPTY[func](*args, **kwargs)
        if func is aten.clone.default:
            return aten.empty_like.default(*args, **kwargs)
        return func(*args, **kwargs)


class _WatchReads(TorchFunctionMode):
    """Notices values that leave a tensor without an operation of the dispatcher."""

    def __init__(self, skip: SkipRandomFills) -> None:
        super().__init__()
        self._skip = skip

    def __torch_function__(
        self, func: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in READS and self._skip.is_hollow(args[0]):
            self._skip.was_read = True
        return func(*args, **(kwargs or {}))
