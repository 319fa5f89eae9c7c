# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Small HTTP servers that do exactly what a test tells them to, faults included."""

from __future__ import annotations

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.fleet import probe_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget, ToolCall


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def message(self) -> dict[str, Any]:
        return json.loads(self.body) if self.body else {}


# What a script returns: the bytes of the answer, piece by piece; None closes the connection without a word.
Script = Callable[[Request], "Iterable[bytes] | None"]


@dataclass
class Scripted:
    script: Script
    tls: ssl.SSLContext | None = None
    requests: list[Request] = field(default_factory=list)
    ended: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.port: int = self._listener.getsockname()[1]
        self._open: list[socket.socket] = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}/mcp/time/mcp"

    @property
    def steps(self) -> list[str]:
        """What was asked, in order: the JSON-RPC method, or the HTTP method where there is no body."""
        return [request.message.get("method", request.method) for request in self.requests]

    def close(self) -> None:
        self.ended.set()
        for sock in [self._listener, *self._open]:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _accept(self) -> None:
        while not self.ended.is_set():
            try:
                sock, _peer = self._listener.accept()
            except OSError:
                return
            self._open.append(sock)
            threading.Thread(target=self._serve, args=(sock,), daemon=True).start()

    def _serve(self, sock: socket.socket) -> None:
        with suppress(OSError, ValueError):
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            with sock, sock.makefile("rb") as reader:
                while request := _read_request(reader):
                    self.requests.append(request)
                    pieces = self.script(request)
                    if pieces is None:
                        return
                    for piece in pieces:
                        sock.sendall(piece)


def _read_request(reader: Any) -> Request | None:
    line = reader.readline().decode()
    if not line:
        return None
    method, path, _version = line.split(" ", 2)
    headers = {}
    while (line := reader.readline().decode().strip()) != "":
        name, _colon, value = line.partition(":")
        headers[name.lower()] = value.strip()
    return Request(method, path, headers, reader.read(int(headers.get("content-length", 0))))


def answer(status: int, body: bytes | str | dict[str, Any] | list[Any] = b"", **headers: str) -> list[bytes]:
    """An HTTP answer; a dict or list goes as JSON. Header names are written with underscores."""
    if isinstance(body, (dict, list)):
        body = json.dumps(body)
        headers.setdefault("content_type", "application/json")
    data = body.encode() if isinstance(body, str) else body
    lines = [f"HTTP/1.1 {status} Whatever", f"content-length: {len(data)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ["\r\n".join([*lines, "", ""]).encode() + data]


def stream(*events: bytes, **headers: str) -> Iterator[bytes]:
    """An event stream in chunks, ended properly."""
    head = ["HTTP/1.1 200 OK", "content-type: text/event-stream", "transfer-encoding: chunked"]
    head += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    yield "\r\n".join([*head, "", ""]).encode()
    for event in events:
        yield f"{len(event):x}\r\n".encode() + event + b"\r\n"
    yield b"0\r\n\r\n"


def result(request: Request, value: dict[str, Any]) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request.message["id"], "result": value}


def error(request: Request, code: int, message: str, **data: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": request.message["id"], "error": {"code": code, "message": message, "data": data}}


INTRODUCTION = {
    "protocolVersion": "2025-11-25",
    "serverInfo": {"name": "scripted", "version": "1.2.3"},
    "capabilities": {"tools": {}},
}


def session_server(**overrides: Script) -> Script:
    """A server of the time of sessions. An override takes a step's place, by its name with underscores."""

    def script(request: Request) -> Iterable[bytes] | None:
        step = request.message.get("method", request.method)
        override = overrides.get(step.replace("/", "_"))
        if override is not None:
            return override(request)
        if step == "server/discover":
            return answer(400, error(request, -32022, "unsupported version", supported=["2025-11-25"]))
        if step == "initialize":
            return answer(200, result(request, INTRODUCTION), mcp_session_id="s-1")
        if step == "tools/list":
            return answer(200, result(request, {"tools": [{"name": "now", "inputSchema": {"type": "object"}}]}))
        if step == "tools/call":
            return answer(200, result(request, {"content": [{"type": "text", "text": "12:00 UTC"}]}))
        return answer(202 if request.method == "POST" else 200)

    return script


Serve = Callable[..., Scripted]


def ask(server: Scripted | str, *, call: ToolCall | None = None, timeout: float = 5, **options: Any) -> dict[str, Any]:
    """The report of a probe on this server, or on this address."""
    url = server if isinstance(server, str) else server.url
    headers = options.pop("headers", {})
    deadline = options.pop("deadline", 20)
    target = ProbeTarget("time", url, headers, call)
    return probe_fleet([target], timeout=timeout, deadline=deadline, **options)[0]
