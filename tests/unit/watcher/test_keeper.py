"""The watcher's loop with an engine and runs that the test plays."""

from __future__ import annotations

import asyncio
import fcntl
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

import pytest
from watcher import keeper
from watcher.conductor import Conductor
from watcher.engine.client import Engine
from watcher.errors import PeerError
from watcher.inputs import Inputs
from watcher.keeper import Keeper
from watcher.runs import Locks, Report

from tests.unit.watcher.fake_engine import CHUNKED, answer_of, chunk, fake_engine


class World:
    """An engine with some containers, and runs that last until the test ends them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.servers = {"a": "time", "b": "orders"}
        self.started: list[str] = []
        self.listings = 0
        self._lock: IO[str] | None = None
        self._streams: list[asyncio.StreamWriter] = []
        (folder / "run.lock").touch()
        self.report()

    async def answer(self, target: str, writer: asyncio.StreamWriter) -> None:
        """Answers as an engine does."""
        if target.startswith("/events"):
            writer.write(CHUNKED)
            await writer.drain()
            self._streams.append(writer)
            with suppress(ConnectionError):
                while not writer.is_closing():
                    await asyncio.sleep(0.01)
        else:
            self.listings += 1
            writer.write(answer_of(json.dumps([self._entry(*each) for each in self.servers.items()]).encode()))

    async def event(self, action: str, identity: str, server: str, fleet: str = "mcp") -> None:
        """Sends an event to whoever follows them."""
        attributes = {"mcp_fleet": fleet, "mcp_service": server}
        line = {"Type": "container", "Action": action, "Actor": {"ID": identity, "Attributes": attributes}}
        for writer in self._streams:
            writer.write(chunk(json.dumps(line).encode() + b"\n"))
            await writer.drain()

    def restart(self) -> None:
        """Ends every stream, as an engine that goes down does."""
        for writer in self._streams:
            writer.close()
        self._streams.clear()

    async def remove(self, identity: str) -> None:
        """Removes a container."""
        server = self.servers.pop(identity)
        await self.event("destroy", identity, server)

    async def start(self, reason: str) -> None:
        """Starts a run, as a Starter does."""
        self.started.append(reason)
        self.lock("run.lock")

    def lock(self, name: str) -> None:
        """Holds a lock as a run does."""
        self._lock = (self.folder / name).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def unlock(self) -> None:
        """Ends what ``lock`` began."""
        assert self._lock is not None
        self._lock.close()

    def report(self) -> None:
        """Writes the report of a run that is content with what there is."""
        servers = [
            {"name": server, "observed": "running", "error": None, "container": {"id": identity}}
            for identity, server in self.servers.items()
        ]
        (self.folder / "state.new").write_text(json.dumps({"servers": servers}))
        (self.folder / "state.new").replace(self.folder / "state.json")

    @staticmethod
    def _entry(identity: str, server: str) -> dict[str, Any]:
        return {
            "Id": identity,
            "Names": [f"/mcp-{server}"],
            "State": "running",
            "Status": "Up 3 minutes (healthy)",
            "Labels": {"mcp_fleet": "mcp", "mcp_service": server},
            "NetworkSettings": {"Networks": {"mcp": {}}},
        }


def play(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, story: Callable[[World], Awaitable[None]]) -> World:
    """Runs a keeper while the story goes on."""
    monkeypatch.setattr(keeper, "POLL_SECONDS", 0.02)
    monkeypatch.setattr(keeper, "DEBOUNCE_SECONDS", 0.02)
    world = World(tmp_path)

    async def follow(kept: Keeper) -> None:
        while True:
            with suppress(PeerError):
                await kept.follow()
            await asyncio.sleep(0.02)

    async def scene() -> None:
        async with fake_engine(tmp_path, world.answer) as socket:
            kept = Keeper(
                Engine(socket),
                "mcp",
                Conductor(),
                locks=Locks(tmp_path / "run.lock", "mcp"),
                report=Report(tmp_path / "state.json"),
                starter=world,
                inputs=Inputs([tmp_path / "mcp.config.json"], None),
            )
            tasks = [asyncio.create_task(follow(kept)), asyncio.create_task(kept.keep())]
            try:
                await until(lambda: world.listings > 0)
                await story(world)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
                world.restart()

    asyncio.run(asyncio.wait_for(scene(), 90))
    return world


async def until(condition: Callable[[], bool]) -> None:
    """Waits for a condition."""
    while not condition():
        await asyncio.sleep(0.01)


async def quiet() -> None:
    """Lets many looks pass."""
    await asyncio.sleep(0.4)


def test_a_storm_becomes_one_run_and_what_comes_during_it_one_follow_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(world: World) -> None:
        await quiet()
        assert world.started == []
        await world.remove("a")
        await world.remove("b")
        await until(lambda: len(world.started) == 1)
        world.servers = {"c": "time", "d": "orders"}
        await world.event("die", "x", "time")
        world.report()
        await world.remove("c")
        await quiet()
        world.unlock()
        await until(lambda: len(world.started) == 2)
        world.servers = {"d": "orders", "e": "time"}
        world.report()
        world.unlock()
        await quiet()

    assert play(tmp_path, monkeypatch, story).started == [
        "watcher: orders was removed, time was removed",
        "watcher: time was removed",
    ]


def test_an_engine_that_comes_back_gets_a_run_and_a_listing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        await quiet()
        world.restart()
        await until(lambda: len(world.started) == 1)

    assert play(tmp_path, monkeypatch, story).started == ["watcher: the engine is back"]


def test_a_run_by_hand_that_lets_go_of_the_fleet_between_two_steps_starts_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story(world: World) -> None:
        for servers in ({"a": "time", "b": "orders", "c": "time"}, {"b": "orders", "c": "time"}):
            world.lock("fleet-mcp.lock")
            await quiet()
            world.servers = servers
            await world.event("destroy", "a", "time")
            world.unlock()
            await quiet()
        world.report()
        await quiet()

    assert play(tmp_path, monkeypatch, story).started == []


def test_containers_of_others_have_nobody_look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        await quiet()
        looked = world.listings
        await world.event("die", "x", "theirs", fleet="other")
        await quiet()
        assert world.listings == looked

    play(tmp_path, monkeypatch, story)


def test_an_edit_during_a_run_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        await quiet()
        (tmp_path / "mcp.config.json").write_text("{}")
        await until(lambda: len(world.started) == 1)
        await quiet()
        (tmp_path / "mcp.config.json").write_text('{"mcpServers": {}}')
        world.report()
        world.unlock()
        await until(lambda: len(world.started) == 2)
        world.report()
        world.unlock()
        await quiet()

    assert play(tmp_path, monkeypatch, story).started == ["edit", "edit"]


def test_a_run_that_is_killed_is_followed_by_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(world: World) -> None:
        await quiet()
        world.lock("run.lock")
        await quiet()
        world.unlock()
        await until(lambda: len(world.started) == 1)

    assert play(tmp_path, monkeypatch, story).started == ["watcher: the last run was cut short"]
