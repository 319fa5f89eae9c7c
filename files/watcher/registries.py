"""Whether registries have another image under the tag that a server runs. Each is asked rarely, and by the engine.

Asking counts as a pull with some registries (https://docs.docker.com/docker-hub/usage/), so that no image is asked
for more than once a day, and one at a time.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from records.images import FILE, VERSION

from .disk import Disk
from .engine.client import Engine
from .errors import PeerError
from .roster import Member, Roster
from .segment_writer import FILE_MODE

log = logging.getLogger("watcher")

AGAIN_SECONDS = 86400
PAUSE_SECONDS = 600.0
"""Between two questions."""
LOOK_SECONDS = 30.0
DEADLINE_SECONDS = 30.0
MOST_KNOWN = 5000


@dataclass(frozen=True, slots=True)
class _Told:
    """What a registry said of a reference: the digest, None where it said nothing."""

    digest: str | None
    asked: int


class Registries:
    """Asks for the images of a roster, and writes what it hears into ``directory``."""

    def __init__(self, engine: Engine, roster: Roster, directory: Path, disk: Disk) -> None:
        self._engine = engine
        self._roster = roster
        self._path = directory / FILE
        self._disk = disk
        self._told: dict[str, _Told] = {}
        self._digests: dict[str, frozenset[str]] = {}
        self._written: dict[str, Any] | None = None
        self._load()

    async def keep(self) -> None:
        """Asks until it is cancelled; the first question comes after a pause."""
        due = time.monotonic() + PAUSE_SECONDS
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()
            if time.monotonic() >= due:
                due = time.monotonic() + PAUSE_SECONDS
                await self.ask(int(time.time()))

    async def look(self) -> None:
        """Compares what runs with what registries said, and writes that where it has changed."""
        there = list(self._roster.members.values())
        for identity in {member.image_id for member in there if member.image_id} - self._digests.keys():
            self._digests[identity] = await self._engine.image_digests(identity)
        self._digests = {
            each: self._digests[each] for each in {member.image_id for member in there} & self._digests.keys()
        }
        self._write(there)

    async def ask(self, now: int) -> None:
        """Asks for the image that nobody has asked for the longest, if one is due. ``now``: seconds since 1970."""
        due = [name for name in self._references() if now - self._asked(name) >= AGAIN_SECONDS]
        if not due:
            return
        name = min(due, key=self._asked)
        digest: str | None = None
        try:
            digest = await asyncio.wait_for(self._engine.registry_digest(name), DEADLINE_SECONDS)
        except (PeerError, TimeoutError) as error:
            log.debug("%s: the registry does not tell: %s", name, error or "no answer in time")
        self._told[name] = _Told(digest, now)
        await self.look()

    def _references(self) -> list[str]:
        """The images that came from a registry under a tag; what was built here or is pinned has no other."""
        return sorted(
            {
                member.image
                for member in self._roster.members.values()
                if member.image and "@" not in member.image and self._digests.get(member.image_id)
            }
        )

    def _asked(self, name: str) -> int:
        told = self._told.get(name)
        return told.asked if told is not None else 0

    def _write(self, there: list[Member]) -> None:
        content = {
            "version": VERSION,
            "servers": dict(sorted(self._servers(there).items())),
            "asked": {name: [told.digest, told.asked] for name, told in sorted(self._told.items())},
        }
        if content == self._written or not self._disk.has_room:
            return
        try:
            temporary = self._path.with_name(f"{FILE}.new")
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            with open(descriptor, "w", encoding="utf-8") as file:
                file.write(json.dumps(content))
            temporary.replace(self._path)
            self._written = content
        except OSError as error:
            self._disk.failed(error)

    def _servers(self, there: list[Member]) -> dict[str, dict[str, Any]]:
        """Of each server whose image a registry knows; while two images run, the newer says whether it is outdated."""
        found: dict[str, dict[str, Any]] = {}
        for member in there:
            told, here = self._told.get(member.image), self._digests.get(member.image_id)
            if told is None or told.digest is None or not here or not member.container.server:
                continue
            before = found.get(member.container.server, {"is_outdated": True})
            is_outdated = told.digest not in here and before["is_outdated"]
            found[member.container.server] = {"image": member.image, "is_outdated": is_outdated, "asked": told.asked}
        return found

    def _load(self) -> None:
        """Knows again what it asked before it was started anew."""
        try:
            asked: Mapping[str, Any] = json.loads(self._path.read_bytes())["asked"]
            for name, (digest, at) in list(asked.items())[:MOST_KNOWN]:
                self._told[str(name)] = _Told(None if digest is None else str(digest), int(at))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return
