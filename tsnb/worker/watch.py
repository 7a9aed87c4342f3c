"""Leave when the server is gone, even in the middle of a batch."""

from __future__ import annotations

import os
import select
import socket
import threading

HUNG_UP = select.POLLHUP | select.POLLERR | getattr(select, "POLLRDHUP", 0)


def leave_on_hangup(sock: socket.socket) -> None:
    """End this process at once when the peer of ``sock`` closes. The main thread goes on reading."""
    threading.Thread(target=_watch, args=(sock,), name="tsnb-watch", daemon=True).start()


def _watch(sock: socket.socket) -> None:
    poll = select.poll()
    poll.register(sock, HUNG_UP)
    while not poll.poll():
        pass
    os._exit(0)
