"""A client that can do what well-behaved ones would not, and a bridge of one's own to do it to."""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.e2e.support.ports import free_port, listens
from tests.e2e.support.waiting import until

ROOT = Path(__file__).parents[3]
HOSTILE = [sys.executable, str(ROOT / "tests/hostile/server.py")]
REVISION = "2025-11-25"
META = "io.modelcontextprotocol/"
BOTH = "application/json, text/event-stream"


@dataclass
class Event:
    """A server-sent event."""

    data: str
    id: str | None = None
    event: str | None = None

    @property
    def json(self) -> Any:
        return json.loads(self.data)


@dataclass
class Reply:
    """An HTTP answer, read whole unless it is a stream."""

    status: int
    headers: dict[str, str]
    body: bytes = b""
    events: Iterator[Event] = field(default_factory=lambda: iter(()))
    close: Callable[[], None] = lambda: None

    @property
    def is_stream(self) -> bool:
        return self.headers.get("content-type", "").startswith("text/event-stream")

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Bridge:
    """A running bridge."""

    def __init__(self, process: subprocess.Popen[bytes], port: int, path: str) -> None:
        self.process = process
        self.port = port
        self.path = path
        self.log: list[str] = []
        threading.Thread(target=self._read_log, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{self.path}/mcp"

    def request(
        self, method: str, path: str | None = None, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        target = self.path + "/mcp" if path is None else path
        connection.request(method, target, body=body, headers=headers or {})
        answer = connection.getresponse()
        reply = Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()})
        if not reply.is_stream:
            reply.body = answer.read()
            connection.close()
            return reply

        def close() -> None:
            # http.client's close would wait for the rest of the stream.
            if connection.sock is not None:
                connection.sock.close()
            with contextlib.suppress(Exception):
                answer.fp.raw._sock.shutdown(socket.SHUT_RDWR)  # type: ignore[attr-defined]

        reply.close = close
        reply.events = events(answer)
        return reply

    def health(self) -> dict[str, Any]:
        reply = self.request("GET", f"{self.path}/health")
        return {"status": reply.status, **reply.json}

    def metrics(self) -> dict[str, float]:
        page = self.request("GET", "/metrics").body.decode()
        lines = (line.rsplit(" ", 1) for line in page.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, value in lines}

    def wait_healthy(self) -> None:
        until(lambda: self.health()["state"] == "ok", "the server answers")

    def descendants(self) -> list[int]:
        """Process ids below the bridge, zombies included."""
        children: dict[int, list[int]] = {}
        for entry in Path("/proc").iterdir():
            if entry.name.isdigit():
                with contextlib.suppress(OSError, ValueError):
                    parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                    children.setdefault(parent, []).append(int(entry.name))
        found: list[int] = []
        todo = [self.process.pid]
        while todo:
            below = children.get(todo.pop(), [])
            found += below
            todo += below
        return found

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(60)

    def _read_log(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.log.append(line.decode("utf-8", "replace").rstrip("\n"))


def events(answer: Any) -> Iterator[Event]:
    """The events of a stream, until it ends."""
    found: dict[str, str] = {}
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException, AttributeError):
        for raw in answer:
            line = raw.decode().rstrip("\r\n")
            if line.startswith(":"):
                continue
            if not line:
                if "data" in found:
                    yield Event(found["data"], found.get("id"), found.get("event"))
                found = {}
                continue
            name, _, value = line.partition(":")
            found[name] = value.removeprefix(" ")


class Client:
    """One MCP session over streamable HTTP. Every call is a connection of its own."""

    def __init__(self, bridge: Bridge, revision: str = REVISION, capabilities: dict[str, Any] | None = None) -> None:
        self.bridge = bridge
        self.revision = revision
        self.session: str | None = None
        self.numbers = itertools.count(1)
        self.capabilities = capabilities or {}

    def headers(self, **more: str) -> dict[str, str]:
        found = {"content-type": "application/json", "accept": BOTH}
        if self.session is not None:
            found["mcp-session-id"] = self.session
            found["mcp-protocol-version"] = self.revision
        return {**found, **{name.replace("_", "-"): value for name, value in more.items()}}

    def post(self, message: Any, **headers: str) -> Reply:
        body = message if isinstance(message, bytes) else json.dumps(message).encode()
        return self.bridge.request("POST", None, body, self.headers(**headers))

    def open(self) -> dict[str, Any]:
        """Initialises; the server's answer."""
        params = {
            "protocolVersion": self.revision,
            "capabilities": self.capabilities,
            "clientInfo": {"name": f"client-{id(self)}", "version": "1"},
        }
        reply = self.post(request("initialize", params, next(self.numbers)))
        answer = last(reply)
        assert "result" in answer, answer
        self.session = reply.headers["mcp-session-id"]
        self.revision = answer["result"]["protocolVersion"]
        assert self.post({"jsonrpc": "2.0", "method": "notifications/initialized"}).status == 202
        result: dict[str, Any] = answer["result"]
        return result

    def call(self, name: str, meta: dict[str, Any] | None = None, **arguments: Any) -> Any:
        """The decoded text of a tool's result. Fails the test on any error."""
        answer = self.call_raw(name, meta, **arguments)
        assert "result" in answer, answer
        text = answer["result"]["content"][0]["text"]
        with contextlib.suppress(json.JSONDecodeError):
            return json.loads(text)
        return text

    def call_raw(self, name: str, meta: dict[str, Any] | None = None, **arguments: Any) -> Any:
        return last(self.post(self.calling(name, meta, **arguments)))

    def calling(self, name: str, meta: dict[str, Any] | None = None, **arguments: Any) -> dict[str, Any]:
        params: dict[str, Any] = {"name": name, "arguments": arguments}
        if meta is not None:
            params["_meta"] = meta
        return request("tools/call", params, next(self.numbers))

    def listen(self, **headers: str) -> Reply:
        return self.bridge.request("GET", None, None, self.headers(accept="text/event-stream", **headers))

    def delete(self) -> Reply:
        return self.bridge.request("DELETE", None, None, self.headers())


class Listener:
    """Reads a stream in the background."""

    def __init__(self, reply: Reply) -> None:
        assert reply.is_stream, reply
        self.reply = reply
        self.events: queue.Queue[Event | None] = queue.Queue()
        self.seen: list[Event] = []
        threading.Thread(target=self._read, daemon=True).start()

    def next(self, seconds: float = 60) -> Event | None:
        """The next event, None at the end of the stream."""
        return self.events.get(timeout=seconds)

    def message(self, seconds: float = 60) -> Any:
        """The next event that carries a message."""
        while True:
            event = self.next(seconds)
            assert event is not None, "the stream has ended"
            if event.data:
                return event.json

    def _read(self) -> None:
        for event in self.reply.events:
            self.seen.append(event)
            self.events.put(event)
        self.events.put(None)


def request(method: str, params: dict[str, Any] | None, ident: int | str) -> dict[str, Any]:
    message: dict[str, Any] = {"jsonrpc": "2.0", "id": ident, "method": method}
    if params is not None:
        message["params"] = params
    return message


def last(reply: Reply) -> Any:
    """The answer in a reply of either form."""
    if reply.is_stream:
        return [event for event in reply.events if event.data][-1].json
    assert reply.body, reply
    return reply.json


class ClientAt(Client):
    """A client with an address of its own, as a balancer tells it."""

    def __init__(self, bridge: Bridge, address: str) -> None:
        super().__init__(bridge)
        self.address = address

    def headers(self, **more: str) -> dict[str, str]:
        return {**super().headers(**more), "x-forwarded-for": f"203.0.113.99, {self.address}"}


def start(
    *options: str,
    command: list[str] | None = None,
    path: str = "/mcp/x",
    env: dict[str, str] | None = None,
    through: list[str] | None = None,
    limits: dict[str, float] | None = None,
) -> Bridge:
    """Starts a bridge and waits until it listens. `through`: a command that starts the one after it; `limits`: bounds
    that are to be others than its own."""
    port = free_port()
    program = ["-m", "bridge"] if limits is None else [str(Path(__file__).with_name("limited.py")), json.dumps(limits)]
    ours = ["--host", "127.0.0.1", "--port", str(port), "--path", path, *options]
    arguments = [*(through or []), sys.executable, *program, *ours]
    process = subprocess.Popen(
        [*arguments, "--", *(HOSTILE if command is None else command)],
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        env={**(os.environ if env is None else env), "PYTHONPATH": str(ROOT / "files")},
        cwd=ROOT,
    )
    bridge = Bridge(process, port, path)

    until(lambda: process.poll() is not None or listens(port), "the bridge listens")
    assert process.poll() is None, bridge.log
    return bridge
