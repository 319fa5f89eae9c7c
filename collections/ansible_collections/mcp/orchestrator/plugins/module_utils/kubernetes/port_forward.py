# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Leads connections to a port of this host's loopback to a port of a pod, as ``kubectl port-forward`` does.

The API server hands each connection on to the kubelet, and that to the pod's own loopback. So the pod needs no address
that this host reaches, no NetworkPolicy has to let this host in, and headers arrive as they were sent: through
``pods/proxy`` the API server keeps Authorization for itself. The frames are those of
https://github.com/kubernetes/kubernetes/blob/v1.20.2/pkg/kubelet/cri/streaming/portforward/websocket.go: the first
byte says which channel it is, 0 for data and 1 for an error, and the first frame of each has the port's number alone.
"""

from __future__ import annotations

import select
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError

_DATA, _ERROR = 0, 1
_BINARY, _CLOSE = 2, 8  # RFC 6455, 5.2
_AT_ONCE = 64 * 1024
_LOOK_SECONDS = 0.1


class Stream(Protocol):
    """A WebSocket to the API server, as websocket-client has it."""

    sock: Any

    def recv_data_frame(self, control_frame: bool = False) -> tuple[int, Any]:
        """Returns the kind of the next frame, and the frame."""

    def send_binary(self, payload: bytes) -> int:
        """Sends a frame."""

    def shutdown(self) -> None:
        """Ends the connection at once."""


class Forward:
    """``port`` is one of 127.0.0.1. ``problem`` is why a connection to the pod failed, the first that did."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.problem = ""


@contextmanager
def forward(connect: Callable[[], Stream]) -> Iterator[Forward]:
    """A port of this host that leads to a pod's, until the block ends. ``connect`` returns a new connection, or raises
    ClusterError."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                stream = connect()
            except ClusterError as error:
                made.problem = made.problem or str(error)
                return
            try:
                made.problem = _pump(self.request, stream) or made.problem
            except Exception:  # noqa: S110 - either side has hung up, and the client sees that for itself
                pass
            finally:
                stream.shutdown()

    with _Server(("127.0.0.1", 0), Handler) as server:
        made = Forward(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, args=(_LOOK_SECONDS,), daemon=True)
        thread.start()
        try:
            yield made
        finally:
            server.shutdown()


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128


def _pump(local: Any, stream: Stream) -> str:
    """Carries both directions until one side ends. Returns what the kubelet complains of, or nothing."""
    known: set[int] = set()
    while True:
        waits = getattr(stream.sock, "pending", int)()  # what TLS has read already, select does not see
        ready = [stream.sock] if waits else select.select([local, stream.sock], [], [])[0]
        if stream.sock in ready:
            kind, frame = stream.recv_data_frame(True)
            if kind == _CLOSE:
                return ""
            if kind == _BINARY and frame.data:
                channel, data = frame.data[0], frame.data[1:]
                if channel not in known:
                    known.add(channel)
                elif channel == _ERROR:
                    return f"its node says: {' '.join(data.decode('utf-8', 'replace').split())}"
                else:
                    local.sendall(data)
        if local in ready:
            data = local.recv(_AT_ONCE)
            if not data:
                return ""
            stream.send_binary(bytes([_DATA]) + data)
