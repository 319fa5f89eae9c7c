"""Ports for what the tests start themselves."""

from __future__ import annotations

import fcntl
import socket
import tempfile
from pathlib import Path

# Below those that the kernel gives to outgoing connections: one of these could take a port before its server does.
FIRST, COUNT = 10000, 8000
# No browser, and no fetch of Node.js, connects to it (https://fetch.spec.whatwg.org/#port-blocking).
BLOCKED = 10080
# Several runs of tests on one machine take turns, so that none is given a port that another is about to use.
COUNTER = Path(tempfile.gettempdir(), "mcp-test-ports")


def free_port() -> int:
    """Returns a port of 127.0.0.1 that nobody listens on, another one each time, whoever asks."""
    while True:
        port = FIRST + _next() % COUNT
        if port == BLOCKED:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def _next() -> int:
    with COUNTER.open("a+") as counter:
        fcntl.flock(counter, fcntl.LOCK_EX)
        counter.seek(0)
        number = int(counter.read() or 0) + 1
        counter.truncate(0)
        counter.write(str(number))
        return number


def listens(port: int) -> bool:
    """Whether somebody accepts connections at a port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return bool(connection.getsockname() != connection.getpeername())  # a free port may connect to itself
    except OSError:
        return False
