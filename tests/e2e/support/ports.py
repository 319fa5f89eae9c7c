"""Ports for what the tests start themselves."""

from __future__ import annotations

import itertools
import os
import socket

# Below those that the kernel gives to outgoing connections: one of these could take a port before its server does.
FIRST, COUNT = 10000, 8000

_next = itertools.count(os.getpid() * 100)


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on, another one each time."""
    while True:
        port = FIRST + next(_next) % COUNT
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port


def listens(port: int) -> bool:
    """Whether somebody accepts connections at a port of 127.0.0.1."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
            return bool(connection.getsockname() != connection.getpeername())  # a free port may connect to itself
    except OSError:
        return False
