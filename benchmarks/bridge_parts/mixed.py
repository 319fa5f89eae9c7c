"""64 clients with 1,000 calls each, of all kinds, with drops and crashes: is any answer wrong, lost or another's?"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter
from typing import Any

Message = dict[str, Any]


class Gone(Exception):
    """The session is not known any more."""


class Client:
    """One MCP client on one connection. `found` counts what went right and wrong."""

    def __init__(self, port: int, path: str, number: int, found: Counter[str]) -> None:
        self.port, self.path, self.number, self.found = port, path, number, found
        self.chance = random.Random(number)
        self.session = ""
        self.ids = 0
        self.streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def send(self, message: Message) -> None:
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 24)
        body = json.dumps(message).encode()
        head = f"POST {self.path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += "Accept: application/json, text/event-stream\r\n"
        head += f"Mcp-Session-Id: {self.session}\r\n" if self.session else ""
        self.streams[1].write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)

    async def receive(self) -> list[Message]:
        """The messages of a reply; answers the server's questions on the way. Raises Gone."""
        if self.streams is None:
            raise ConnectionError
        reader = self.streams[0]
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        status = int(head.split()[1])
        lines = (line.split(":", 1) for line in head.lower().split("\r\n")[1:] if ":" in line)
        headers = {name: value.strip() for name, value in lines}
        self.session = headers.get("mcp-session-id", self.session)
        if "chunked" not in headers.get("transfer-encoding", ""):
            body = await reader.readexactly(int(headers.get("content-length", "0")))
            if status == 404:
                raise Gone
            return [json.loads(body)] if body else []
        found: list[Message] = []
        while size := int(await reader.readline(), 16):
            event = (await reader.readexactly(size + 2)).decode()
            for line in event.splitlines():
                if line.startswith("data: "):
                    message = json.loads(line[6:])
                    found.append(message)
                    if "method" in message and "id" in message:
                        await self.reply(message)
        await reader.readexactly(2)
        return found

    async def reply(self, asked: Message) -> None:
        """Answers a question of the server, on a connection of its own."""
        other = Client(self.port, self.path, -1, self.found)
        other.session = self.session
        await other.send({"jsonrpc": "2.0", "id": asked["id"], "result": {"by": self.number}})
        await other.receive()
        other.close()

    def close(self) -> None:
        if self.streams is not None:
            self.streams[1].close()
            self.streams = None

    async def ask(self, method: str, params: Message) -> list[Message]:
        self.ids += 1
        await self.send({"jsonrpc": "2.0", "id": self.ids, "method": method, "params": params})
        return await asyncio.wait_for(self.receive(), 60)

    async def open(self) -> None:
        self.session = ""
        hello = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "mixed", "version": "1"}}
        await self.ask("initialize", hello)
        await self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        await self.receive()

    async def run(self, calls: int) -> None:
        await self.open()
        for number in range(calls):
            try:
                await self.one(f"{self.number}-{number}")
            except Gone:
                self.found["wrong"] += 1
            except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
                self.found["lost"] += 1
                self.close()
        await self.end()

    async def end(self) -> None:
        if self.streams is None:
            self.streams = await asyncio.open_connection("127.0.0.1", self.port)
        self.streams[1].write(
            f"DELETE {self.path} HTTP/1.1\r\nHost: localhost\r\nMcp-Session-Id: {self.session}\r\n\r\n".encode()
        )
        await self.streams[0].readuntil(b"\r\n\r\n")
        self.close()

    async def one(self, tag: str) -> None:
        """One call of a random kind, checked."""
        kind = self.chance.choices(
            ["echo", "progress", "sample", "log", "garbage", "split", "drop", "crash"], [70, 10, 5, 6, 3, 2, 3, 1]
        )[0]
        if kind == "drop":
            self.ids += 1
            params = {"name": "echo", "arguments": {"text": tag}}
            await self.send({"jsonrpc": "2.0", "id": self.ids, "method": "tools/call", "params": params})
            self.close()
            self.found["dropped"] += 1
            return
        tool = "die" if kind == "crash" else kind
        arguments = {"text": tag, "tag": tag, "steps": 3, "count": 2}
        params = {"name": tool, "arguments": arguments, "_meta": {"progressToken": tag}}
        messages = await self.ask("tools/call", params)
        self.found["right" if self.right(kind, tag, messages) else "wrong"] += 1
        if kind == "crash":
            await self.open()

    def right(self, kind: str, tag: str, messages: list[Message]) -> bool:
        """Whether these are the messages that belong to this call, and no others."""
        answer = messages[-1] if messages else {}
        if answer.get("id") != self.ids:
            return False
        if kind == "crash":
            return "error" in answer
        if "result" not in answer:
            return False
        text = answer["result"]["content"][0]["text"]
        before = [message for message in messages[:-1] if message.get("method") != "notifications/message"]
        logs = [
            message["params"]["data"][0] for message in messages if message.get("method") == "notifications/message"
        ]
        if any(log != tag for log in logs):
            return False
        if kind == "progress":
            return [message["params"]["progressToken"] for message in before] == [tag] * 3
        if kind == "sample":
            return len(before) == 1 and json.loads(text)["result"]["by"] == self.number
        return not before and (kind != "echo" or text == tag)


async def mixed(port: int, path: str, clients: int, calls: int) -> Counter[str]:
    """What became of all calls: right, wrong, lost, dropped."""
    found: Counter[str] = Counter()
    await asyncio.gather(*(Client(port, path, number, found).run(calls) for number in range(clients)))
    return found
