"""What the watcher asks the engine for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote, urlencode

from watcher.errors import Refused, Unreachable
from watcher.exchange import engine_at, exchange, lines

from .model import FLEET_LABEL, Container, Event, container_of, event_of

# No path names a version: each engine answers with its own, and the fields read here are the same in Docker 20.10 to 29
# and in podman 4.
_STREAM_HEAD = 8
_STREAMS = {0: "stdout", 1: "stdout", 2: "stderr"}
# An event is a few hundred bytes; labels make it longer. What exceeds this is no event.
LARGEST_EVENT = 1024 * 1024


class Engine:
    """An engine at a unix socket. Each call is one connection; errors are those of ``watcher.errors``."""

    def __init__(self, socket: str) -> None:
        self._socket = socket
        self._connect = engine_at(socket)

    async def containers(self, fleet: str) -> list[Container]:
        """Returns all containers of a fleet, also those that do not run."""
        found = await self._json("/containers/json", all=1, filters={"label": [f"{FLEET_LABEL}={fleet}"]})
        return [container_of(entry) for entry in found]

    async def inspect(self, identity: str) -> dict[str, Any]:
        """Returns what ``docker inspect`` shows of a container. Raises Refused with status 404 where there is none."""
        return dict(await self._json(f"/containers/{quote(identity, safe='')}/json"))

    async def image_digests(self, identity: str) -> frozenset[str]:
        """Returns the digests that registries have for an image; none for one that was built here, or is gone."""
        try:
            found = await self._json(f"/images/{quote(identity, safe=':')}/json")
        except Refused:
            return frozenset()
        return frozenset(str(each).rpartition("@")[2] for each in found.get("RepoDigests") or [])

    async def registry_digest(self, image: str) -> str | None:
        """Returns the digest that the image's registry has under its tag now. The engine asks, without a login."""
        found = await self._json(f"/distribution/{quote(image, safe='/:')}/json")
        digest = (found.get("Descriptor") or {}).get("digest")
        return str(digest) if digest else None

    @asynccontextmanager
    async def events(self, actions: Mapping[str, Iterable[str]]) -> AsyncIterator[AsyncIterator[Event]]:
        """Yields the events to come, once the engine has begun to send them.

        ``actions`` names those wanted by kind: ``{"container": ["die"], "network": ["disconnect"]}``. The engine
        filters by both, but not one by the other. The stream never ends by itself: it raises Unreachable.
        """
        filters = {"type": list(actions), "event": sorted({each for names in actions.values() for each in names})}
        async with exchange(self._connect, _target("/events", filters=filters), place=self._socket) as body:
            yield self._wanted(body, actions)

    @staticmethod
    async def _wanted(body: AsyncIterator[bytes], actions: Mapping[str, Iterable[str]]) -> AsyncIterator[Event]:
        async for line in lines(body, LARGEST_EVENT):
            event = event_of(json.loads(line))
            if event.action in actions.get(event.kind, ()):
                yield event
        raise Unreachable("the engine ended its stream of events")

    @asynccontextmanager
    async def logs(
        self, identity: str, since: str = "0", follow: bool = True
    ) -> AsyncIterator[AsyncIterator[tuple[str, bytes]]]:
        """Yields the output of a container without a terminal as (``stdout`` or ``stderr``, bytes), each with its time.

        A piece is what the engine calls a frame: a line, or 16 KiB of a longer one, begun by its time. ``since`` is
        seconds with nine digits of a fraction, as text. With ``follow`` it ends when the container stops.
        """
        options = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": int(follow), "since": since}
        target = _target(f"/containers/{quote(identity, safe='')}/logs", **options)
        async with exchange(self._connect, target, place=self._socket) as body:
            yield _frames(body)

    async def _json(self, path: str, **query: Any) -> Any:
        async with exchange(self._connect, _target(path, **query), place=self._socket) as body:
            content = b"".join([piece async for piece in body])
        try:
            return json.loads(content)
        except ValueError as error:
            raise Unreachable(f"the engine's answer to {path} is not JSON") from error


def _target(path: str, **query: Any) -> str:
    text = {key: value if isinstance(value, str) else json.dumps(value) for key, value in query.items()}
    return f"{path}?{urlencode(text)}" if text else path


async def _frames(body: AsyncIterator[bytes]) -> AsyncIterator[tuple[str, bytes]]:
    """See "Attach to a container" in the engine's API: a stream's number, three zeroes, four bytes of length."""
    held = bytearray()
    async for piece in body:
        held += piece
        while len(held) >= _STREAM_HEAD:
            end = _STREAM_HEAD + int.from_bytes(held[4:_STREAM_HEAD])
            if len(held) < end:
                break
            yield _STREAMS.get(held[0], "stdout"), bytes(held[_STREAM_HEAD:end])
            del held[:end]
