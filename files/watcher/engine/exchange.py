"""One request of HTTP over the engine's unix socket, and its answer piece by piece."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import h11

from .errors import EngineUnreachable, Refused

READ_BYTES = 64 * 1024
# An engine that is busy creating containers answers late. One that is frozen never does.
ANSWER_SECONDS = 60
LARGEST_MESSAGE = 4096


@asynccontextmanager
async def exchange(socket: str, target: str, method: str = "GET") -> AsyncIterator[AsyncIterator[bytes]]:
    """Sends a request, and yields the pieces of the answer's body as they come.

    ``target`` is the path with its query. Raises Refused where the status is an error, and EngineUnreachable where
    nobody listens, no answer begins in ANSWER_SECONDS, or the answer ends early.
    """
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(socket)
    except (OSError, TimeoutError) as error:
        raise EngineUnreachable(f"no engine answers at {socket}: {_reason(error)}") from error
    connection = h11.Connection(h11.CLIENT)
    request = h11.Request(method=method, target=target, headers=[("Host", "engine"), ("Connection", "close")])
    try:
        try:
            writer.write((connection.send(request) or b"") + (connection.send(h11.EndOfMessage()) or b""))
            async with asyncio.timeout(ANSWER_SECONDS):
                await writer.drain()
                response = await _head(connection, reader)
        except (OSError, TimeoutError, h11.RemoteProtocolError) as error:
            raise EngineUnreachable(f"the engine does not answer: {_reason(error)}") from error
        body = _body(connection, reader)
        if response.status_code >= 400:
            raise Refused(response.status_code, await _message(body))
        yield body
    finally:
        writer.close()


async def _head(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Response:
    while not isinstance(event := await _next(connection, reader), h11.Response):
        if not isinstance(event, h11.InformationalResponse):
            raise EngineUnreachable("the engine closed the connection before it answered")
    return event


async def _body(connection: h11.Connection, reader: asyncio.StreamReader) -> AsyncIterator[bytes]:
    try:
        while not isinstance(event := await _next(connection, reader), h11.EndOfMessage | h11.ConnectionClosed):
            if isinstance(event, h11.Data):
                yield bytes(event.data)
    except (OSError, h11.RemoteProtocolError) as error:
        # An engine that dies ends its streams without a word: in HTTP, an answer without its end.
        raise EngineUnreachable(f"the engine's answer was cut off: {_reason(error)}") from error


async def _next(connection: h11.Connection, reader: asyncio.StreamReader) -> h11.Event:
    while (event := connection.next_event()) is h11.NEED_DATA:
        connection.receive_data(await reader.read(READ_BYTES))
    if event is h11.PAUSED or isinstance(event, type):
        raise EngineUnreachable("the engine answered more than it was asked for")
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


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        return f"no answer within {ANSWER_SECONDS} s"
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
