"""What pods write, in the form in which the engine has it.

An API server knows one stream of both, and takes whole seconds to begin from; what comes twice is passed over by
whoever keeps it. What the container wrote that ran before is asked for first, once after each restart.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from records.moment import SECOND, text_of

from watcher.errors import Refused, Unreachable

from .client import Cluster
from .pod import CONTAINER, Pod

# What the API server says of a container that has not begun: "is waiting to start".
_NOT_YET, _FORBIDDEN, _GONE = 400, (401, 403), 404
_LONGEST_PIECE = 64 * 1024
_TIME = re.compile(rb"\d{4}-\d\d-\d\dT\S{1,30} ")


class PodLogs:
    """The logs of pods, which are in ``pods`` by their ids."""

    def __init__(self, cluster: Cluster, pods: Mapping[str, Pod]) -> None:
        self._cluster = cluster
        self._pods = pods
        self._former: dict[str, int] = {}
        """After which restart the log of the container before it was read, by pod."""

    @asynccontextmanager
    async def logs(self, identity: str, since: str) -> AsyncIterator[AsyncIterator[tuple[str, bytes]]]:
        """Yields the output of a pod's container as ``Engine.logs`` does, until the container ends."""
        yield self._frames(identity, _moment(since))

    async def _frames(self, identity: str, since: str) -> AsyncIterator[tuple[str, bytes]]:
        pod = self._pods.get(identity)
        if pod is None:
            raise Refused(_GONE, "there is no such pod")
        for gone in self._former.keys() - self._pods.keys():
            del self._former[gone]
        # What a bridge and its server have to say is on standard error; of another server nobody can tell.
        stream = "stderr" if pod.is_bridged else "stdout"
        try:
            if pod.restarts and self._former.get(identity) != pod.restarts:
                async for frame in self._read(pod, since, previous=True):
                    yield stream, frame
                self._former[identity] = pod.restarts
            async for frame in self._read(pod, since, previous=False):
                yield stream, frame
        except Refused as error:
            if error.status in (*_FORBIDDEN, _GONE):
                raise
            raise Unreachable(str(error)) from error

    async def _read(self, pod: Pod, since: str, *, previous: bool) -> AsyncIterator[bytes]:
        try:
            async with self._cluster.log(pod.name, CONTAINER, since, follow=not previous, previous=previous) as body:
                async for frame in frames(body):
                    yield frame
        except Refused as error:
            if not (previous and error.status in (_NOT_YET, _GONE)):  # it is gone with its log
                raise


async def frames(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yields lines with their times and newlines; a long one in pieces that all have its time, as the engine does.

    What has no time is the kubelet's own word, and gets that of the line before.
    """
    held, time = bytearray(), b"1970-01-01T00:00:00.000000000Z "
    within = False  # a line of which a piece was sent
    async for piece in body:
        held += piece
        while (end := held.find(b"\n")) >= 0 or len(held) > _LONGEST_PIECE:
            size = end + 1 if end >= 0 else _LONGEST_PIECE
            line = bytes(held[:size])
            del held[:size]
            found = None if within else _TIME.match(line)
            time = found[0] if found is not None else time
            yield line if found is not None else time + line
            within = not line.endswith(b"\n")
    if held:
        yield bytes(held) if not within and _TIME.match(held) else time + bytes(held)


def _moment(since: str) -> str:
    """A time in seconds, as the engine takes it, as RFC 3339; empty for all."""
    seconds = int(since.partition(".")[0] or 0)
    return f"{text_of(seconds * SECOND)[:19]}Z" if seconds else ""
