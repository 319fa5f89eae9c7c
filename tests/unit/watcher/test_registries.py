"""Registries are asked rarely, one image at a time, and what they say is compared with what runs."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from records.images import FILE, ServerImage, images
from watcher.disk import Disk
from watcher.engine.client import Engine
from watcher.engine.model import Container
from watcher.registries import AGAIN_SECONDS, Registries
from watcher.roster import Member, Roster

from tests.unit.watcher.fake_engine import answer_of, fake_engine

NOW = 1_790_000_000
OLD, NEW = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def member(server: str, image: str, image_id: str, number: int = 1) -> Member:
    labels = {"mcp_service": server}
    return Member(
        Container(f"{server}{number}", server, "running", "", labels, frozenset()), image=image, image_id=image_id
    )


class World:
    """An engine with images by id, and a registry with digests by reference."""

    def __init__(self, folder: Path, *members: Member) -> None:
        self.folder = folder
        self.local: dict[str, list[str]] = {"old": [f"acme/time@{OLD}"], "new": [f"acme/time@{NEW}"], "built": []}
        self.registry: dict[str, str] = {"acme/time:1": OLD, "registry.test:5000/acme/other": OLD}
        self.questions: list[str] = []
        self.members = {each.container.id: each for each in members}

    async def _answer(self, target: str, writer: asyncio.StreamWriter) -> None:
        _, kind, rest = target.split("/", 2)
        name = rest.removesuffix("/json")
        status, found = "200 OK", {}
        if kind == "images":
            found = {"RepoDigests": self.local[name]}
        else:
            self.questions.append(name)
            status = "200 OK" if name in self.registry else "403 Forbidden"
            found = {"Descriptor": {"digest": self.registry.get(name)}}
        writer.write(answer_of(json.dumps(found).encode(), status))

    def go(self, *steps: Callable[[Registries], Any]) -> None:
        """Does the steps with a watcher that has just been started."""

        async def run() -> None:
            async with fake_engine(self.folder, self._answer) as socket:
                engine = Engine(socket)
                roster = Roster(engine, "mcp")
                roster.members = self.members
                registries = Registries(engine, roster, self.folder, Disk(self.folder))
                await registries.look()
                for step in steps:
                    await step(registries)

        asyncio.run(run())


def ask(at: int = NOW) -> Callable[[Registries], Any]:
    return lambda registries: registries.ask(at)


def test_another_image_under_the_same_tag_is_an_update(tmp_path: Path) -> None:
    world = World(tmp_path, member("time", "acme/time:1", "old"))
    world.go(ask())
    assert images(tmp_path) == {"time": ServerImage("acme/time:1", False, NOW)}
    world.registry["acme/time:1"] = NEW
    world.go(ask(NOW + AGAIN_SECONDS))
    assert images(tmp_path)["time"].is_outdated


def test_an_image_is_asked_for_once_a_day_also_by_a_watcher_that_was_started_anew(tmp_path: Path) -> None:
    world = World(tmp_path, member("time", "acme/time:1", "old"), member("again", "acme/time:1", "old"))
    world.go(ask(), ask(NOW + 600))
    world.go(ask(NOW + AGAIN_SECONDS - 1))
    assert world.questions == ["acme/time:1"]
    world.go(ask(NOW + AGAIN_SECONDS))
    assert len(world.questions) == 2


def test_one_question_asks_for_one_image_the_one_that_waits_longest(tmp_path: Path) -> None:
    world = World(
        tmp_path, member("time", "acme/time:1", "old"), member("other", "registry.test:5000/acme/other", "new")
    )
    world.go(ask(), ask(NOW + 600), ask(NOW + AGAIN_SECONDS))
    assert world.questions == ["acme/time:1", "registry.test:5000/acme/other", "acme/time:1"]


def test_what_was_built_here_or_is_pinned_is_not_asked_for(tmp_path: Path) -> None:
    world = World(tmp_path, member("mine", "mine:1", "built"), member("pinned", f"acme/time@{OLD}", "old"))
    world.go(ask(), ask(NOW + 600))
    assert world.questions == []


def test_a_registry_that_does_not_tell_marks_nothing_and_is_asked_again_tomorrow(tmp_path: Path) -> None:
    world = World(tmp_path, member("time", "acme/private:1", "old"))
    world.go(ask(), ask(NOW + 600))
    assert world.questions == ["acme/private:1"]
    assert images(tmp_path) == {}


def test_a_server_that_was_rolled_is_no_longer_outdated(tmp_path: Path) -> None:
    world = World(tmp_path, member("time", "acme/time:1", "old"))
    world.registry["acme/time:1"] = NEW
    world.go(ask())
    assert images(tmp_path)["time"].is_outdated
    world.members["time2"] = member("time", "acme/time:1", "new", 2)
    world.go()
    assert not images(tmp_path)["time"].is_outdated


def test_a_file_of_something_else_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text('{"version": 1, "asked": {"acme/time:1": 3}}')
    world = World(tmp_path, member("time", "acme/time:1", "old"))
    world.go(ask())
    assert images(tmp_path)["time"].asked == NOW
