"""An engine at a unix socket that answers as it is told to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

Answer = Callable[[str, asyncio.StreamWriter], Awaitable[None]]


@asynccontextmanager
async def fake_engine(folder: Path, answer: Answer) -> AsyncIterator[str]:
    """Yields the socket's path. ``answer`` gets each request's target, and writes what the client is to read."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        await answer(head.split(b" ")[1].decode(), writer)
        writer.close()

    path = folder / "engine.sock"
    path.unlink(missing_ok=True)
    async with await asyncio.start_unix_server(serve, path):
        yield str(path)


def answer_of(body: bytes, status: str = "200 OK") -> bytes:
    """Returns a whole answer with its length."""
    return f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(body: bytes) -> bytes:
    """Returns a piece of a chunked answer."""
    return f"{len(body):x}\r\n".encode() + body + b"\r\n"
