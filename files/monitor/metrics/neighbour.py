"""Asking what runs beside the monitor on its host: bridges at their ports, the control plane of the load balancer.

This is all that the monitor ever asks of others, and only when it is scraped. Where a bridge is, root's files say.
"""

from __future__ import annotations

import http.client

import gevent
from gevent import socket

SECONDS = 3.0
LARGEST = 4 * 1024 * 1024
_PATH = "/metrics"


class NotTold(Exception):
    """Nothing, or nothing that is wanted, came back; the sentence says what."""


class NobodyThere(NotTold):
    """Nothing listens there."""


def of_bridge(address: str, port: int) -> bytes:
    """Returns the page of the bridge at a port of this host; raises NotTold."""
    return _asked(address, port, _PATH)


def of_balancer(address: str, port: int) -> bytes:
    """Returns what HAProxy tells of itself and of each backend, its single servers left out; raises NotTold."""
    return _asked(address, port, f"{_PATH}?scope=global&scope=frontend&scope=backend")


def _asked(address: str, port: int, path: str) -> bytes:
    connection = http.client.HTTPConnection("localhost")
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        late = gevent.Timeout(SECONDS, TimeoutError(f"no answer in {SECONDS:g} s"))
        with late, socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.connect((address, port))
            connection.sock = sock
            connection.request("GET", path)
            answer = connection.getresponse()
            content = answer.read(LARGEST + 1)
    except ConnectionRefusedError:
        raise NobodyThere(f"nothing listens at {address} port {port}") from None
    except (OSError, http.client.HTTPException) as error:
        raise NotTold(str(error) or type(error).__name__) from None
    if answer.status != http.HTTPStatus.OK:
        raise NotTold(f"it answers {answer.status}")
    if len(content) > LARGEST:
        raise NotTold(f"it says more than {LARGEST // 2**20} MiB")
    return content
