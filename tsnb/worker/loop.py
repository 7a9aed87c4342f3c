"""What a worker is: load one model, then batches in and answers out until the server is gone.

::

    Load  ─► handler's initialize ─► Ready  | Failed
    Batch ─► handler's handle     ─► Result | Failed      (Results marked ``more`` before it, for a stream)
    Stop, end-of-file             ─► exit
"""

from __future__ import annotations

import logging
import os
import socket
import threading

from tsnb import protocol
from tsnb.protocol import Batch, Buffer, Failed, Load, Message, Result, Stop
from tsnb.worker import watch
from tsnb.worker.concurrent import ConcurrentModel
from tsnb.worker.model import Model, Send
from tsnb.worker.output import capture

logger = logging.getLogger(__name__)


def sender(sock: socket.socket) -> Send:
    """What sends a message, from whichever thread. A rank that only follows leaves all answers to rank 0."""
    lock = threading.Lock()
    silent = "TORCHELASTIC_RUN_ID" in os.environ and os.environ.get("LOCAL_RANK", "0") != "0"

    def send(message: Message, bodies: list[Buffer]) -> None:
        if silent and isinstance(message, Result | Failed) and message.number is not None:
            return
        with lock:
            protocol.write(sock, message, bodies)

    return send


def run(sock: socket.socket) -> int:
    """Serve one connection to its end; the exit status of the process."""
    output = capture()
    watch.leave_on_hangup(sock)
    send = sender(sock)
    source = protocol.Source(sock)
    model: Model | None = None
    try:
        while (received := source.read()) is not None:
            message, bodies = received
            if isinstance(message, Batch) and model is not None:
                output.clear(message.ids)
                model.answer(message, bodies)
                output.clear()
            elif isinstance(message, Load):
                if message.concurrent:
                    return ConcurrentModel(message, output, send).serve(source.read)
                model = Model(message, output, send)
                if not model.load():
                    return 1
            elif isinstance(message, Stop):
                return 0
            else:
                raise protocol.ProtocolError(f"a worker cannot use {type(message).__name__} here")
    except (BrokenPipeError, ConnectionResetError):
        return 0
    except protocol.ProtocolError as error:
        logger.error("the connection to the server broke: %s", error)
        return 1
    return 0
