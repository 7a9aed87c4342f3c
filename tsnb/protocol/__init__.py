"""Bytes ↔ messages: how a server and a worker talk, in one place (:mod:`tsnb.protocol.frames` has the layout)."""

from tsnb.messages import Buffer
from tsnb.protocol.batches import PLACED, bare, batch, headers, kinds, replies, result, values
from tsnb.protocol.control import MAX_CONTROL, Born, Control, Exited, Fork, Forked, Kill, decode_control, encode_control
from tsnb.protocol.frames import SMALL, ProtocolError, Reader, bytes_text, decode_head, encode, lengths
from tsnb.protocol.lines import MAX_LINE_IDS, line_mark, read_line
from tsnb.protocol.orders import Answered, Batch, Cancel, Failed, Load, Message, Ready, Result, Stop
from tsnb.protocol.sockets import AHEAD, Source, write

__all__ = [
    "AHEAD",
    "MAX_CONTROL",
    "MAX_LINE_IDS",
    "PLACED",
    "SMALL",
    "Answered",
    "Batch",
    "Born",
    "Buffer",
    "Cancel",
    "Control",
    "Exited",
    "Failed",
    "Fork",
    "Forked",
    "Kill",
    "Load",
    "Message",
    "ProtocolError",
    "Reader",
    "Ready",
    "Result",
    "Source",
    "Stop",
    "bare",
    "batch",
    "bytes_text",
    "decode_control",
    "decode_head",
    "encode",
    "encode_control",
    "headers",
    "kinds",
    "lengths",
    "line_mark",
    "read_line",
    "replies",
    "result",
    "values",
    "write",
]
