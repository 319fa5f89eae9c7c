"""Keeping a copy of a collection true: a list, watches from its version on, and a list again where that is gone."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from watcher.errors import PeerError, Refused

from .client import GONE, Cluster, Object

log = logging.getLogger("watcher")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
SETTLED_SECONDS = 60.0
# A kind that the cluster does not know, and may get to know.
UNKNOWN_SECONDS = 300.0
_NOT_FOUND, _TOO_MANY = 404, 429


class Sink(Protocol):
    """Who takes what is seen."""

    def begin(self) -> None:
        """What follows until ``complete`` is all that there is."""

    def take(self, each: Object) -> None:
        """Takes an object that is there, in its newest form."""

    def drop(self, each: Object) -> None:
        """An object is gone, or no longer bears the label."""

    def complete(self) -> None:
        """All that there is has been taken since ``begin``."""


@dataclass
class Collection:
    """``path`` is where the API server has it. ``metadata``: no more than that is needed of each object."""

    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    metadata: bool = False

    async def follow(self, cluster: Cluster, sink: Sink) -> None:
        """Follows it until it is cancelled. An API server that is away is waited for, longer and longer."""
        pause, said, version = FIRST_PAUSE, "", ""
        while True:
            begun = time.monotonic()
            try:
                version = version or await self._list(cluster, sink)
                version = await self._watch(cluster, sink, version)
                pause, said = FIRST_PAUSE, ""
                # Who ends every watch at once is not asked again and again.
                rest = 1.0 - (time.monotonic() - begun)
                await asyncio.sleep(max(rest, 0.0))
                continue
            except _Ended as ended:
                version, error = ended.version, ended.error
            except PeerError as problem:
                error = problem
            if time.monotonic() - begun > SETTLED_SECONDS:
                pause, said = FIRST_PAUSE, ""
            wait = pause
            if isinstance(error, Refused):
                version = "" if error.status != _TOO_MANY else version
                wait = UNKNOWN_SECONDS if error.status == _NOT_FOUND else max(pause, error.later)
            if str(error) != said and not (isinstance(error, Refused) and error.status == GONE):
                said = str(error)
                log.warning("%s: %s; it is tried again", self.path, said)
            await asyncio.sleep(wait)
            pause = min(2 * pause, LONGEST_PAUSE)

    async def _list(self, cluster: Cluster, sink: Sink) -> str:
        sink.begin()
        version = ""
        async for items, whole in cluster.pages(self.path, dict(self.query), metadata=self.metadata):
            version = whole
            for each in items:
                sink.take(each)
        sink.complete()
        return version

    async def _watch(self, cluster: Cluster, sink: Sink, version: str) -> str:
        """Returns the version that was reached. Raises _Ended where it ends by an error."""
        try:
            async with cluster.watch(self.path, dict(self.query), version, metadata=self.metadata) as changes:
                async for kind, each in changes:
                    version = str((each.get("metadata") or {}).get("resourceVersion") or version)
                    if kind in ("ADDED", "MODIFIED"):
                        sink.take(each)
                    elif kind == "DELETED":
                        sink.drop(each)
        except PeerError as error:
            raise _Ended(version, error) from error
        return version


class _Ended(Exception):
    """A watch that came as far as ``version``."""

    def __init__(self, version: str, error: PeerError) -> None:
        super().__init__(str(error))
        self.version = version
        self.error = error
