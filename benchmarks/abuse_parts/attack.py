"""Malformed and slow requests from one client, at a steady rate: `python -m benchmarks.abuse_parts.attack PORT PATH
ADDRESS COUNT RATE HOLD`. The last line it prints is a JSON object that counts the answers.

Harmless on purpose: a bounded number, against a bridge of one's own, with nothing in it but what a bridge must refuse.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator

MOST_AT_ONCE = 800
BOTH = "application/json, text/event-stream"


def message(method: str, params: object, ident: object = 1) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": ident, "method": method, "params": params}).encode()


INITIALIZE = message(
    "initialize", {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "a", "version": "1"}}
)
BODIES = (
    b"",
    b"{nope",
    b"\xff\xfe\x00",
    b"42",
    b"{}",
    b"[]",
    b"[" * 20_000,
    b'{"a":' * 20_000,
    b"[" + b"[]," * 260_000 + b"[]]",
    b"[" + b",".join([message("ping", {})] * 500) + b"]",
    b'{"jsonrpc":"2.0","id":null,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":NaN,"method":"ping"}',
    b'{"jsonrpc":"2.0","id":[],"method":"ping"}',
    b'{"jsonrpc":"2.0","id":1,"method":{}}',
    message("ping", [1]),
    message("ping", "x"),
    message("ping", {"_meta": 5}),
    message("tools/call", {"name": "echo", "_meta": {"progressToken": {}}}),
    message("tools/call", {"name": "echo", "_meta": {"progressToken": [1]}}),
    message("tools/call", {"name": [], "arguments": 5}),
    message("ping", {}, "x" * 5000),
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{}}}',
    b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":"nobody"}}',
    b'{"jsonrpc":"2.0","method":"notifications/progress","params":{"progressToken":[]}}',
    b'{"jsonrpc":"2.0","id":"nobody asked","result":{}}',
)
HEADS = (
    b"nonsense\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00",
    b"POST / HTTP/1.1\r\nContent-Length: -5\r\n\r\n",
    b"POST / HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    b"GET / HTTP/1.1\r\nBad Header: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
)


class Attack:
    """Asks `count` times, `rate` times a second, from `address`, and waits for each answer at most `hold` seconds."""

    def __init__(self, port: int, path: str, address: str, count: int, rate: float, hold: float) -> None:
        self.port, self.path, self.address = port, path, address
        self.count, self.rate, self.hold = count, rate, hold
        self.answers: Counter[str] = Counter()
        self.session = ""
        self._chance = random.Random(1)
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    async def run(self) -> None:
        self.session = await self._open()
        began = time.monotonic()
        tasks: set[asyncio.Task[None]] = set()
        for number, (data, seconds) in enumerate(itertools.islice(self._requests(), self.count)):
            await asyncio.sleep(max(0.0, began + number / self.rate - time.monotonic()))
            await self._places.acquire()
            task = asyncio.create_task(self._send(data, seconds))
            tasks.add(task)
            task.add_done_callback(tasks.discard)
        await asyncio.gather(*tasks)

    def _requests(self) -> Iterator[tuple[bytes, float]]:
        """Bytes to send, and how long to wait for an answer to them."""
        bodies, heads, slow = itertools.cycle(BODIES), itertools.cycle(HEADS), itertools.cycle(self._slow())
        for number in itertools.count():
            if number % 100 == 99:  # a call whose caller leaves at once
                call = message("tools/call", {"name": "silence", "arguments": {}}, f"c{number}")
                yield self._post(call, self.session), 0.0
            elif number % 100 == 49:  # a session that nobody uses
                yield self._post(INITIALIZE), self.hold
            elif number % 4 == 0:
                yield next(slow), self.hold
            elif number % 4 == 1:
                yield next(heads), self.hold
            else:
                session = self.session if self._chance.random() < 0.7 else "unknown"
                yield self._post(next(bodies), session), self.hold

    def _slow(self) -> list[bytes]:
        """What is begun and never ended."""
        whole = self._post(b"x" * 100, self.session)
        large = self._head(self.session, "Content-Length: 8000000")
        return [
            b"",
            b"P",
            b"POST / HTTP/1.1\r\nHost: x\r\nX-A",
            whole[:-1],
            whole[:-100],
            large + b'"' * 60_000,
            self._head(self.session, "Transfer-Encoding: chunked") + b"5\r\n{",
            self._head("unknown", "Content-Length: 100"),
            self._head(self.session, "Content-Length: 100", "Expect: 100-continue"),
        ]

    def _head(self, session: str, *more: str) -> bytes:
        lines = [f"POST {self.path} HTTP/1.1", "Host: localhost", "Content-Type: application/json", f"Accept: {BOTH}"]
        lines += [f"Mcp-Session-Id: {session}"] if session else []
        return "\r\n".join([*lines, *more]).encode() + b"\r\n\r\n"

    def _post(self, body: bytes, session: str = "") -> bytes:
        return self._head(session, f"Content-Length: {len(body)}") + body

    async def _open(self) -> str:
        reader, writer = await self._connect()
        writer.write(self._post(INITIALIZE))
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        writer.close()
        return head.partition("mcp-session-id: ")[2].split("\r\n")[0]

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection("127.0.0.1", self.port, local_addr=(self.address, 0))

    async def _send(self, data: bytes, seconds: float) -> None:
        try:
            reader, writer = await self._connect()
            writer.write(data)
            found = b""
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    found = await reader.read(65536)
            self.answers[found[9:12].decode("latin-1") or "none"] += 1
            writer.transport.abort()
        except OSError:
            self.answers["closed"] += 1
        finally:
            self._places.release()


def main() -> None:
    port, path, address, count, rate, hold = sys.argv[1:]
    os.nice(10)  # it stands for another machine, and must not take this one's processors from what is measured
    attack = Attack(int(port), path, address, int(count), float(rate), float(hold))
    asyncio.run(attack.run())
    print(json.dumps(attack.answers))


if __name__ == "__main__":
    main()
