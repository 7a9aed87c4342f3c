"""Descriptions of the tensors in a ``torch.save`` pickle, by walking its opcodes.

Nothing is imported and nothing is called. Of all a pickle can say, only what
dictionaries, lists, tensors and the attributes of objects need is understood;
the rest becomes an opaque value, or ends the description with a reason.
"""

from __future__ import annotations

import pickletools
from collections.abc import Callable, Iterator
from typing import IO, Any

from msgspec import Struct, field

MAX_OPCODES = 5_000_000
"""Steps of a walk."""

MAX_VALUES = 1_000_000
"""Values looked at for tensors."""

MAX_TENSOR_NAME = 4096
"""Characters in the dotted name of a tensor."""

MAX_DIMENSIONS = 64
"""Dimensions of a tensor, as numpy has it."""

MAX_IMPORTS = 1000
"""Names of modules' functions and classes that are listed."""


class NotShown(Exception):
    """The pickle holds something other than tensors in dictionaries."""


class TensorInfo(Struct, frozen=True):
    """Shape and dtype of a tensor, and where its values lie; offset and stride count elements."""

    shape: tuple[int, ...]
    dtype: str
    storage: str = ""
    offset: int = 0
    stride: tuple[int, ...] = ()


class Description(Struct):
    """What a pickle holds. ``problem`` says why there are no tensors; ``whole`` that objects of classes are among it.

    ``imports`` are the names that unpickling would import, beyond those that tensors need.
    """

    tensors: dict[str, TensorInfo] = field(default_factory=dict)
    imports: tuple[str, ...] = ()
    problem: str = ""
    whole: bool = False


class _Global(Struct, frozen=True):
    module: str
    name: str


class _Storage(Struct, frozen=True):
    dtype: str
    key: str


class _Opaque:
    """Anything that is not understood."""


class _Object:
    """An instance of some class: only its attributes count."""

    def __init__(self) -> None:
        self.attributes: dict[Any, Any] = {}


_OPAQUE = _Opaque()
_MARK = object()

_STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128",
}  # fmt: skip

_DTYPES = {
    *_STORAGES.values(), "uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2", "float8_e4m3fnuz",
    "float8_e5m2fnuz",
}  # fmt: skip

_PLAIN = {
    ("collections", "OrderedDict"), ("torch._utils", "_rebuild_tensor_v2"), ("torch._utils", "_rebuild_tensor_v3"),
    ("torch._utils", "_rebuild_parameter"), ("torch.storage", "UntypedStorage"), ("torch", "Size"),
    *(("torch", name) for name in [*_STORAGES, *_DTYPES]),
}  # fmt: skip
"""What pickles of tensors in dictionaries import."""

_MODULE_PARTS = ("_parameters", "_buffers", "_modules")
"""The attributes of an ``nn.Module`` that hold its tensors; they do not count in names."""


def describe(pickle: IO[bytes], most: int) -> Description:
    """What a pickle holds, nested keys dotted; at most ``most`` tensors."""
    machine = _Machine()
    found = Description()
    try:
        top = machine.run(pickle)
        found.whole = isinstance(top, _Object)
        found.tensors = _tensors(top, most)
    except NotShown as error:
        found.problem = str(error)
    except ValueError as error:
        found.problem = f"its pickle is broken: {error}"
    found.imports = tuple(machine.imports)
    return found


def _tensors(top: Any, most: int) -> dict[str, TensorInfo]:
    if not isinstance(top, dict | list | TensorInfo | _Object):
        raise NotShown("it holds an object of some class, not tensors in a dictionary")
    found: dict[str, TensorInfo] = {}
    seen: set[int] = set()
    waiting: list[tuple[str, Any]] = [("", top)]
    for _ in range(MAX_VALUES):  # values that contain each other would never end
        if not waiting or len(found) >= most:
            return found
        name, value = waiting.pop()
        if isinstance(value, TensorInfo):
            found[name] = value
        elif isinstance(value, dict | list) or (isinstance(value, _Object) and id(value) not in seen):
            seen.add(id(value))
            waiting += [(_dotted(name, key), item) for key, item in _inside(value)][::-1]
    raise NotShown("it holds too many values")


def _dotted(name: str, key: str) -> str:
    if len(name) + len(key) > MAX_TENSOR_NAME:
        raise NotShown(f"a tensor has a name of more than {MAX_TENSOR_NAME} characters")
    return f"{name}.{key}" if name and key else name or key


def _inside(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, _Object):
        for key, item in value.attributes.items():
            yield ("" if key in _MODULE_PARTS else str(key)), item
    elif isinstance(value, dict):
        yield from ((str(key), item) for key, item in value.items())
    else:
        yield from ((str(index), item) for index, item in enumerate(value))


class _Machine:
    """A stack machine for the opcodes that :func:`torch.save` writes."""

    def __init__(self) -> None:
        self.imports: dict[str, None] = {}
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._texts = ("", "")

    def run(self, pickle: IO[bytes]) -> Any:
        """The description of the pickled value. What is imported is noted to the end, understood or not."""
        problem = ""
        for step, (opcode, argument, _) in enumerate(pickletools.genops(pickle)):
            if step > MAX_OPCODES:
                raise NotShown("its pickle is too long")
            self._note_import(opcode.name, argument)
            if opcode.name == "STOP" and not problem and self._stack:
                return self._stack.pop()
            problem = problem or self._attempt(opcode.name, argument)
        raise NotShown(problem or "its pickle has no end")

    def _attempt(self, name: str, argument: Any) -> str:
        """Do a step; why it cannot be done, or nothing."""
        try:
            self._step(name, argument)
        except NotShown as error:
            return str(error)
        except (IndexError, KeyError, TypeError, ValueError, AttributeError):
            return "its pickle is broken"
        return ""

    def _note_import(self, name: str, argument: Any) -> None:
        if isinstance(argument, str) and "UNICODE" in name:
            self._texts = (self._texts[1], argument)
        elif name == "STACK_GLOBAL":
            stack = self._stack[-2:]
            known = len(stack) == 2 and all(isinstance(part, str) for part in stack)
            self._imported(*(stack if known else self._texts))
        elif name in ("GLOBAL", "INST"):
            self._imported(*argument.split(" ", 1))

    def _imported(self, module: str, name: str) -> None:
        plain = (module, name) in _PLAIN or module.split(".")[0] == "__torch__"
        if not plain and len(self.imports) < MAX_IMPORTS:
            self.imports[f"{module}.{name}"] = None

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
                target[key if isinstance(key, str | int) else f"({type(key).__name__})"] = value

    def persistent(self) -> None:
        """A storage: ``("storage", type, key, device, size)``."""
        pid = self._stack.pop()
        kind = pid[1] if isinstance(pid, tuple) and len(pid) > 1 and pid[0] == "storage" else None
        name = kind.name if isinstance(kind, _Global) and kind.module in ("torch", "torch.storage") else ""
        key = str(pid[2]) if name and len(pid) > 2 and isinstance(pid[2], str | int) else ""
        self._stack.append(_Storage(_STORAGES.get(name, name), key) if name else _OPAQUE)

    def reduce(self) -> None:
        """A call: described where it makes a tensor or a dictionary, opaque otherwise."""
        arguments, function = self._stack.pop(), self._stack.pop()
        self._stack.append(_called(function, arguments))

    def build(self) -> None:
        """State for the object below: its attributes. Other things have none, as the metadata of a state dict."""
        state, target = self._stack.pop(), self._stack[-1]
        if isinstance(target, _Object) and isinstance(state, dict):
            target.attributes = state

    def new_object(self) -> None:
        """An instance of a class."""
        self._stack[-2:] = [_Object()]

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
        case _Global("torch._utils", "_rebuild_tensor_v2"), (_Storage() as storage, offset, shape, stride, *_):
            return _tensor(storage, storage.dtype, offset, shape, stride)
        case (
            _Global("torch._utils", "_rebuild_tensor_v3"),
            (_Storage() as storage, offset, shape, stride, _, _, _Global("torch", dtype), *_),
        ):
            return _tensor(storage, dtype, offset, shape, stride)
        case _Global("torch._utils", "_rebuild_parameter"), (TensorInfo() as info, *_):
            return info
        case _Global("collections", "OrderedDict"), ():
            return {}
    return _OPAQUE


def _tensor(storage: _Storage, dtype: str, offset: Any, shape: Any, stride: Any) -> TensorInfo:
    return TensorInfo(_sizes(shape), dtype, storage.key, _sizes((offset,))[0], _sizes(stride))


def _sizes(numbers: Any) -> tuple[int, ...]:
    if not isinstance(numbers, tuple) or len(numbers) > MAX_DIMENSIONS:
        raise NotShown(f"a tensor has a shape that is no list of at most {MAX_DIMENSIONS} numbers")
    if not all(type(size) is int and 0 <= size < 1 << 63 for size in numbers):
        raise NotShown("a tensor has a shape that is not of numbers")
    return numbers


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
