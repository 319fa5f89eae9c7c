"""One request of HTTP over a connection of its own, and its answer piece by piece."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

import h11

from watcher.errors import Refused, Unreachable

READ_BYTES = 64 * 1024
# Who is busy answers late. Who is frozen never does.
ANSWER_SECONDS = 60
LARGEST_MESSAGE = 4096

Connect = Callable[[], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]
Headers = Sequence[tuple[str, str]]


def engine_at(socket: str) -> Connect:
    """Returns how the engine at a unix socket is reached."""
    return lambda: asyncio.open_unix_connection(socket)


@asynccontextmanager
async def exchange(
    connect: Connect,
    target: str,
    headers: Headers = (("Host", "engine"),),
    *,
    method: str = "GET",
    name: str = "the engine",
    place: str = "",
    patience: float | None = ANSWER_SECONDS,
) -> AsyncIterator[AsyncIterator[bytes]]:
    """Sends a request, and yields the pieces of the answer's body as they come.

    ``target`` is the path with its query, ``name`` and ``place`` are for errors. Raises Refused where the status is an
    error, and Unreachable where nobody listens, no answer begins within ``patience`` seconds, or it ends early.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await connect()
    except (OSError, TimeoutError) as error:
        who = name.removeprefix("the ")
        raise Unreachable(f"no {who} answers at {place}: {_reason(error)}") from error
    connection = h11.Connection(h11.CLIENT)
    request = h11.Request(method=method, target=target, headers=[*headers, ("Connection", "close")])
    try:
        try:
            writer.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
            async with asyncio.timeout(patience):
                await writer.drain()
                response = await _head(connection, reader, name)
        except (OSError, TimeoutError, h11.RemoteProtocolError) as error:
            raise Unreachable(f"{name} does not answer: {_reason(error)}") from error
        body = _body(connection, reader, name)
        if response.status_code >= 400:
            raise Refused(response.status_code, await _message(body), _later(response))
        yield body
    finally:
        writer.close()


async def lines(body: AsyncIterator[bytes], longest: int) -> AsyncIterator[bytes]:
    """Yields the lines of a body that are not empty, without their newlines. Raises Unreachable where one is longer."""
    left = b""
    async for piece in body:
        *whole, left = (left + piece).split(b"\n")
        if len(left) > longest:
            raise Unreachable(f"a line came that is longer than {longest} bytes")
        for line in whole:
            if line.strip():
                yield line


async def _head(connection: h11.Connection, reader: asyncio.StreamReader, name: str) -> h11.Response:
    while not isinstance(event := await _next(connection, reader, name), h11.Response):
        if not isinstance(event, h11.InformationalResponse):
            raise Unreachable(f"{name} closed the connection before it answered")
    return event


async def _body(connection: h11.Connection, reader: asyncio.StreamReader, name: str) -> AsyncIterator[bytes]:
    try:
        while not isinstance(event := await _next(connection, reader, name), h11.EndOfMessage | h11.ConnectionClosed):
            if isinstance(event, h11.Data):
                yield bytes(event.data)
    except (OSError, h11.RemoteProtocolError) as error:
        # Who dies ends his streams without a word: in HTTP, an answer without its end.
        raise Unreachable(f"{name}'s answer was cut off: {_reason(error)}") from error


async def _next(connection: h11.Connection, reader: asyncio.StreamReader, name: str) -> h11.Event:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(READ_BYTES))
    if event is h11.PAUSED or isinstance(event, type):
        raise Unreachable(f"{name} answered more than it was asked for")
    return event


async def _message(body: AsyncIterator[bytes]) -> str:
    content = b""
    async for piece in body:
        content += piece
        if len(content) > LARGEST_MESSAGE:
            break
    try:
        return str(json.loads(content)["message"])
    except (ValueError, KeyError, TypeError):
        return content[:LARGEST_MESSAGE].decode("utf-8", "replace").strip()


def _later(response: h11.Response) -> float:
    said = next((value for name, value in response.headers if name == b"retry-after"), b"")
    return float(said) if said.isdigit() else 0.0


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER_SECONDS} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
