"""Descriptions of the tensors in a ``torch.save`` pickle, by walking its opcodes.

Nothing is imported and nothing is called. Of all a pickle can say, only what
plain dictionaries, lists and tensors need is understood; the rest becomes an
opaque value, or ends the walk with :class:`NotShown`.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable
from typing import IO, Any

from msgspec import Struct

MAX_OPCODES = 5_000_000
"""Steps of a walk."""

MAX_VALUES = 1_000_000
"""Values looked at for tensors."""


class NotShown(Exception):
    """The pickle holds something other than tensors in dictionaries."""


class TensorInfo(Struct, frozen=True):
    """Shape and dtype of a tensor."""

    shape: tuple[int, ...]
    dtype: str


class _Global(Struct, frozen=True):
    module: str
    name: str


class _Storage(Struct, frozen=True):
    dtype: str


class _Opaque:
    """Anything that is not understood."""


_OPAQUE = _Opaque()
_MARK = object()

_STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}  # fmt: skip


def describe(pickle: IO[bytes], most: int) -> dict[str, TensorInfo]:
    """The tensors of a pickled dictionary, nested keys dotted. At most ``most``. Raises NotShown, ValueError."""
    found: dict[str, TensorInfo] = {}
    top = _Machine().run(pickle)
    if not isinstance(top, dict | list | TensorInfo):
        raise NotShown("it holds an object of some class, not tensors in a dictionary")
    waiting: list[tuple[str, Any]] = [("", top)]
    for _ in range(MAX_VALUES):  # values that contain each other would never end
        if not waiting or len(found) >= most:
            return found
        name, value = waiting.pop()
        if isinstance(value, TensorInfo):
            found[name] = value
        else:
            waiting += [(f"{name}.{key}" if name else key, item) for key, item in _inside(value)][::-1]
    raise NotShown("it holds too many values")


def _inside(value: Any) -> list[tuple[str, Any]]:
    if isinstance(value, dict):
        return [(str(key), item) for key, item in value.items()]
    return [(str(index), item) for index, item in enumerate(value)] if isinstance(value, list) else []


class _Machine:
    """A stack machine for the opcodes that :func:`torch.save` writes."""

    def __init__(self) -> None:
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self, pickle: IO[bytes]) -> Any:
        """The description of the pickled value."""
        try:
            for step, (opcode, argument, _) in enumerate(pickletools.genops(pickle)):
                if step > MAX_OPCODES:
                    raise NotShown("its pickle is too long")
                if opcode.name == "STOP":
                    return self._stack.pop()
                self._step(opcode.name, argument)
        except (IndexError, KeyError, TypeError) as error:
            raise NotShown("its pickle is broken") from error
        raise NotShown("its pickle has no end")

    def _step(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self._stack.append(argument)
        elif name in _CONSTANTS:
            self._stack.append(_CONSTANTS[name]())
        elif name in _STEPS:
            _STEPS[name](self, argument)
        elif name not in ("PROTO", "FRAME"):
            raise NotShown(f"its pickle uses {name}")

    def put(self, index: int | None) -> None:
        """Remember the top of the stack."""
        self._memo[len(self._memo) if index is None else index] = self._stack[-1]

    def get(self, index: int) -> None:
        """Push what was remembered."""
        self._stack.append(self._memo[index])

    def global_(self, argument: str | None) -> None:
        """A name of a module: never looked up, only recognised."""
        if argument is None:
            name, module = self._stack.pop(), self._stack.pop()
        else:
            module, name = argument.split(" ", 1)
        self._stack.append(_Global(str(module), str(name)))

    def tuple_(self, count: int | None) -> None:
        """A tuple of the last ``count`` values, or of those since the mark."""
        self._stack.append(tuple(self.since_mark() if count is None else self.last(count)))

    def append(self, items: list[Any]) -> None:
        """Add to the list below."""
        if isinstance(self._stack[-1], list):
            self._stack[-1].extend(items)

    def set_items(self, items: list[Any]) -> None:
        """Add to the dictionary below; keys that are no plain values become their description."""
        target = self._stack[-1]
        if isinstance(target, dict):
            for key, value in zip(items[::2], items[1::2], strict=True):
                target[key if isinstance(key, str | int) else repr(key)[:50]] = value

    def persistent(self) -> None:
        """A storage: ``("storage", type, key, device, size)``."""
        pid = self._stack.pop()
        kind = pid[1] if isinstance(pid, tuple) and len(pid) > 1 and pid[0] == "storage" else None
        name = kind.name if isinstance(kind, _Global) and kind.module in ("torch", "torch.storage") else ""
        self._stack.append(_Storage(_STORAGES.get(name, name)) if name else _OPAQUE)

    def reduce(self) -> None:
        """A call: described where it makes a tensor or a dictionary, opaque otherwise."""
        arguments, function = self._stack.pop(), self._stack.pop()
        self._stack.append(_called(function, arguments))

    def build(self) -> None:
        """State for the object below, as the metadata of a state dict: not shown."""
        self._stack.pop()

    def new_object(self) -> None:
        """An instance of a class: opaque."""
        self._stack[-2:] = [_OPAQUE]

    def pop(self) -> None:
        """Forget the top."""
        self._stack.pop()

    def last(self, count: int) -> list[Any]:
        """The last values."""
        return [self._stack.pop() for _ in range(count)][::-1]

    def since_mark(self) -> list[Any]:
        """The values above the last mark."""
        items = []
        while (item := self._stack.pop()) is not _MARK:
            items.append(item)
        return items[::-1]


def _called(function: Any, arguments: Any) -> Any:
    match function, arguments:
        case _Global("torch._utils", "_rebuild_tensor_v2"), (_Storage() as storage, _, tuple() as shape, *_):
            return TensorInfo(_sizes(shape), storage.dtype)
        case _Global("torch._utils", "_rebuild_parameter"), (TensorInfo() as info, *_):
            return info
        case _Global("collections", "OrderedDict"), ():
            return {}
    return _OPAQUE


def _sizes(shape: tuple[Any, ...]) -> tuple[int, ...]:
    if not all(isinstance(size, int) for size in shape):
        raise NotShown("a tensor has a shape that is not of numbers")
    return shape


_LITERALS = {
    "BININT", "BININT1", "BININT2", "LONG1", "LONG4", "INT", "LONG", "BINFLOAT", "FLOAT", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8", "UNICODE", "BINSTRING", "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES",
    "BINBYTES8",
}  # fmt: skip

_CONSTANTS: dict[str, Callable[[], Any]] = {
    "NONE": lambda: None, "NEWTRUE": lambda: True, "NEWFALSE": lambda: False, "MARK": lambda: _MARK,
    "EMPTY_DICT": dict, "EMPTY_LIST": list, "EMPTY_TUPLE": tuple,
}  # fmt: skip

_STEPS: dict[str, Callable[[_Machine, Any], None]] = {
    "BINPUT": _Machine.put, "LONG_BINPUT": _Machine.put, "PUT": _Machine.put,
    "MEMOIZE": lambda machine, _: machine.put(None),
    "BINGET": _Machine.get, "LONG_BINGET": _Machine.get, "GET": _Machine.get,
    "GLOBAL": _Machine.global_, "STACK_GLOBAL": lambda machine, _: machine.global_(None),
    "TUPLE": lambda machine, _: machine.tuple_(None), "TUPLE1": lambda machine, _: machine.tuple_(1),
    "TUPLE2": lambda machine, _: machine.tuple_(2), "TUPLE3": lambda machine, _: machine.tuple_(3),
    "APPEND": lambda machine, _: machine.append(machine.last(1)),
    "APPENDS": lambda machine, _: machine.append(machine.since_mark()),
    "SETITEM": lambda machine, _: machine.set_items(machine.last(2)),
    "SETITEMS": lambda machine, _: machine.set_items(machine.since_mark()),
    "BINPERSID": lambda machine, _: machine.persistent(),
    "REDUCE": lambda machine, _: machine.reduce(),
    "BUILD": lambda machine, _: machine.build(),
    "NEWOBJ": lambda machine, _: machine.new_object(),
    "POP": lambda machine, _: machine.pop(),
}  # fmt: skip
