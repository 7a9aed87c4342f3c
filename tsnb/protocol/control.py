"""The nursery's control channel.

A SOCK_SEQPACKET socket pair between the server and the nursery: one packet, one message. A Fork
packet carries three file descriptors: the worker's end of its frame socket, and the write ends of
the pipes that become its stdout and stderr.
"""

from __future__ import annotations

from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from tsnb.messages import Buffer


class Fork(Struct, frozen=True, array_like=True, tag="fork"):
    """Server → nursery: fork a worker with this environment and working directory."""

    worker_id: str
    env: dict[str, str]
    cwd: str


class Kill(Struct, frozen=True, array_like=True, tag="kill"):
    """Server → nursery: send a signal to a worker, if it has not been reaped yet."""

    pid: int
    signal: int


class Born(Struct, frozen=True, array_like=True, tag="born"):
    """Nursery → server: everything is imported, forks are instant from now on."""

    pid: int


class Forked(Struct, frozen=True, array_like=True, tag="forked"):
    """Nursery → server: the worker runs under this process id."""

    worker_id: str
    pid: int


class Exited(Struct, frozen=True, array_like=True, tag="exited"):
    """Nursery → server: a worker ended; ``code`` is negative for a signal, as in subprocess."""

    pid: int
    code: int


Control: TypeAlias = Fork | Kill | Born | Forked | Exited

MAX_CONTROL: Final = 256 * 1024
"""A control packet is never longer (an environment can be long)."""

_control_decoder: msgspec.msgpack.Decoder[Control] = msgspec.msgpack.Decoder(Control)
_encoder = msgspec.msgpack.Encoder()


def encode_control(message: Control) -> bytes:
    """A control message as one packet."""
    return _encoder.encode(message)


def decode_control(packet: Buffer) -> Control:
    """One packet as a control message."""
    return _control_decoder.decode(packet)
