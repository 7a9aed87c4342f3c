"""The messages and services of ``protos/``, made at run time from their compiled form, ``protos/descriptors.binpb``.

``make protos`` compiles them. The classes live in a pool of their own: stubs that somebody generated from the same
files can be imported into the same process, and any version of protobuf will do.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message_factory import GetMessageClass

PROTOS = Path(__file__).parent / "protos"
COMPILED = PROTOS / "descriptors.binpb"

PACKAGE = "org.pytorch.serve.grpc"
INFERENCE = f"{PACKAGE}.inference.InferenceAPIsService"
MANAGEMENT = f"{PACKAGE}.management.ManagementAPIsService"
OPEN_INFERENCE = f"{PACKAGE}.openinference.GRPCInferenceService"

Message: TypeAlias = Any
"""A message of one of the protos: its fields are known at run time only."""


@cache
def _pool() -> DescriptorPool:
    pool = DescriptorPool()
    for file in FileDescriptorSet.FromString(COMPILED.read_bytes()).file:
        pool.AddSerializedFile(file.SerializeToString())
    return pool


@cache
def message(name: str) -> Message:
    """The class of a message, by its full name or by what follows ``org.pytorch.serve.grpc.``."""
    full = name if name.startswith(("google.", PACKAGE)) else f"{PACKAGE}.{name}"
    return GetMessageClass(_pool().FindMessageTypeByName(full))


def service(name: str) -> Any:
    """The descriptor of a service, by its full name: its methods, their messages and which of them stream."""
    return _pool().FindServiceByName(name)
