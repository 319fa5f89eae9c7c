"""A kubelet's side of a port forward: a WebSocket with the subprotocol ``v4.channel.k8s.io``, for one port.

The frames are those of kubernetes 1.20's pkg/kubelet/cri/streaming/portforward/websocket.go.
"""

from __future__ import annotations

import base64
import hashlib
import select
import socket
import struct
from http.server import BaseHTTPRequestHandler

PROTOCOL = "v4.channel.k8s.io"
_GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
_BINARY, _CLOSE = 2, 8
_DATA, _ERROR = b"\x00", b"\x01"


def serve_port_forward(handler: BaseHTTPRequestHandler, address: str, port: int, pod: str) -> None:
    """Answers a request by a connection to the port of a pod, until either side ends."""
    key = handler.headers["Sec-WebSocket-Key"]
    accepted = base64.b64encode(hashlib.sha1(f"{key}{_GUID}".encode(), usedforsecurity=False).digest()).decode()
    handler.send_response(101)
    for name, value in {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Accept": accepted,
        "Sec-WebSocket-Protocol": PROTOCOL,
    }.items():
        handler.send_header(name, value)
    handler.end_headers()
    handler.wfile.flush()
    handler.close_connection = True
    for channel in (_DATA, _ERROR):
        _send(handler, channel + struct.pack("<H", port))
    try:
        there = socket.create_connection((address, port), timeout=10)
    except OSError as error:
        _send(handler, _ERROR + f"error forwarding port {port} to pod {pod}: {error.strerror or error}".encode())
        return
    with there:
        _pump(handler, there)


def _pump(handler: BaseHTTPRequestHandler, there: socket.socket) -> None:
    # Nothing has been read ahead with the request: a client sends its first frame when it has the answer.
    here = handler.connection
    while True:
        waits = getattr(here, "pending", int)()  # what TLS has read already, select does not see
        ready = [here] if waits else select.select([here, there], [], [])[0]
        if here in ready:
            frame = _received(here)
            if frame is None:
                return
            there.sendall(frame[1:])
        if there in ready:
            data = there.recv(64 * 1024)
            if not data:
                return
            _send(handler, _DATA + data)


def _received(here: socket.socket) -> bytes | None:
    """The next frame of data, masked as a client's are; None at the end."""
    while True:
        head = _exactly(here, 2)
        if len(head) < 2 or head[0] & 15 == _CLOSE:
            return None
        length = head[1] & 127
        if length >= 126:
            length = int.from_bytes(_exactly(here, 2 if length == 126 else 8))
        mask = _exactly(here, 4)
        body = _exactly(here, length)
        if head[0] & 15 == _BINARY:
            return bytes(byte ^ mask[number % 4] for number, byte in enumerate(body))


def _exactly(here: socket.socket, count: int) -> bytes:
    """So many bytes, fewer at the end."""
    found = b""
    while len(found) < count and (more := here.recv(count - len(found))):
        found += more
    return found


def _send(handler: BaseHTTPRequestHandler, payload: bytes) -> None:
    length = len(payload)
    if length < 126:
        head = struct.pack("!BB", 128 | _BINARY, length)
    elif length < 65536:
        head = struct.pack("!BBH", 128 | _BINARY, 126, length)
    else:
        head = struct.pack("!BBQ", 128 | _BINARY, 127, length)
    handler.wfile.write(head + payload)
