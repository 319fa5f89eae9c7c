"""From an older worker of HAProxy to the newest: what reaches it on a connection that was there before a reload.

Such a connection still belongs to the older worker, which knows the older rules and targets. It must not decide about
a new request: that might belong to a session of a target that came later, or go to one that is about to leave. So it
passes the request on to the listener as it is now, through a socket on which the client's address comes along. After
the answer the connection ends ("option idle-close-on-response"), and the next one finds the newest worker by itself.
"""

from __future__ import annotations

# Characters that HAProxy takes in the path of a socket to listen on: it needs ten more for the name of a temporary one.
LONGEST_PATH = 97

_HANDED = "{ var(txn.handed) -m found }"


def backend_of(port: int) -> str:
    """Returns the name of the backend that leads to the newest worker's listener on ``port``."""
    return f"newest.{port}"


def socket_of(folder: str, port: int) -> str:
    """Returns the path of the socket of that listener."""
    return f"{folder}/n{port}"


def bind_line(folder: str, port: int) -> str:
    """Returns the line by which a listener takes requests from older workers."""
    return f"bind unix@{socket_of(folder, port)} accept-proxy mode 600"


def first_lines() -> list[str]:
    """Returns the lines of a frontend before all others: an older worker changes nothing of what it passes on."""
    return [
        "http-request set-var(txn.handed) bool(true) if { stopping }",
        f"http-request allow if {_HANDED}",
        f"http-response allow if {_HANDED}",
    ]


def choice_line(port: int) -> str:
    """Returns the line that stands before every other choice of a backend."""
    return f"use_backend {backend_of(port)} if {_HANDED}"


def backend_lines(folder: str, port: int, idle: int) -> list[str]:
    """Returns the backend of a listener's newest worker; ``idle`` is the load balancer's idle timeout in seconds."""
    return [
        f"backend {backend_of(port)}",
        f"  timeout server {idle}s",
        f"  timeout tunnel {idle}s",
        "  http-reuse never",
        f"  server newest unix@{socket_of(folder, port)} send-proxy-v2",
    ]
