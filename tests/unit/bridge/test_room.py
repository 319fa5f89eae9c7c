"""For how many more children there is room: limits, what is used, and what those that are starting will need."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import pytest
from bridge.limits import Limits
from bridge.log import Log
from bridge.process.memory import Memory, Tasks
from bridge.process.room import Room
from bridge.process.size import Size, sizes_by_mark
from bridge.services import Services

MIB = 1024 * 1024


@dataclass
class Process:
    pid: int
    spoke: float | None


class World:
    """The files of a container's group, of either version of cgroups."""

    def __init__(self, root: Path, version: int) -> None:
        self.version = version
        self.memory = root / "sys/fs/cgroup" / ("memory" if version == 1 else "")
        self.pids = root / "sys/fs/cgroup" / ("pids" if version == 1 else "")
        for folder in (self.memory, self.pids, root / "proc"):
            folder.mkdir(parents=True, exist_ok=True)
        (root / "proc/meminfo").write_text("MemTotal: 8388608 kB\n")
        (self.memory / ("memory.limit_in_bytes" if version == 1 else "memory.max")).write_text(f"{512 * MIB}\n")
        (self.pids / "pids.max").write_text("256\n")
        self.uses(0, 0)
        self.has_killed(0)
        services = Services(None, Log("error"), Limits(), None, None)  # type: ignore[arg-type]
        self.room = Room(services, Memory(root), Tasks(root))

    def uses(self, memory: int, tasks: int, *, files: int = 0, mapped: int = 0) -> None:
        first = self.version == 1
        (self.memory / ("memory.usage_in_bytes" if first else "memory.current")).write_text(f"{memory * MIB}\n")
        total = "total_" if first else ""
        (self.memory / "memory.stat").write_text(
            f"{total}inactive_file {files * MIB}\n{total}active_file 0\n"
            f"{'total_mapped_file' if first else 'file_mapped'} {mapped * MIB}\n"
        )
        (self.pids / "pids.current").write_text(f"{tasks}\n")

    def has_killed(self, number: int) -> None:
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        (self.memory / name).write_text(f"under_oom 0\noom_kill {number}\n")

    def room_for(self, children: list[Process], size: Size) -> tuple[int | None, str]:
        now = time.monotonic()
        self.room.measure(children, {child.pid: size for child in children if child.spoke is not None}, now)
        return self.room.more(children, now)


@pytest.fixture(params=[1, 2])
def world(tmp_path: Path, request: pytest.FixtureRequest) -> World:
    return World(tmp_path, cast("int", request.param))


def grown(number: int) -> list[Process]:
    return [Process(pid, time.monotonic() - 60) for pid in range(1, number + 1)]


def test_room_follows_from_the_memory_that_a_grown_child_was_measured_to_need(world: World) -> None:
    world.uses(20 + 4 * 44, 5)
    assert world.room_for(grown(4), Size(44 * MIB, 1)) == (6, "memory")
    assert world.room.need == Size(44 * MIB, 1)


def test_room_follows_from_processes_and_threads_where_they_are_scarcer(world: World) -> None:
    world.uses(150, 1 + 18 * 11)
    assert world.room_for(grown(18), Size(5 * MIB, 11)) == (3, "processes")


def test_as_much_is_reserved_for_a_child_that_is_starting_as_its_like_need(world: World) -> None:
    world.uses(20 + 44, 8)
    starting = [Process(pid, None) for pid in range(10, 16)]
    assert world.room_for([*grown(1), *starting], Size(44 * MIB, 1)) == (3, "memory")


def test_what_the_kernel_keeps_of_files_is_free_but_for_what_programs_have_mapped(world: World) -> None:
    world.uses(500, 5, files=400, mapped=100)
    assert world.room_for(grown(1), Size(56 * MIB, 1)) == (5, "memory")


def test_some_may_start_before_any_was_measured(world: World) -> None:
    world.uses(20, 2)
    assert world.room_for([], Size(0, 0)) == (7, "memory")


def test_the_refusal_says_what_is_short_what_is_needed_and_the_way_out(world: World) -> None:
    world.uses(460, 5)
    world.room_for(grown(4), Size(44 * MIB, 11))
    assert world.room.explain("memory") == (
        "the container has no room for another process of the server: each takes about 44 of its 512 MiB of memory; "
        "raise orchestrator.resources.memory, or set orchestrator.isolation to pooled"
    )
    assert "each takes 11 of its 256 processes and threads; raise orchestrator.resources.pids" in (
        world.room.explain("processes")
    )


def test_a_child_that_was_killed_for_want_of_memory_is_told_as_that(world: World) -> None:
    assert world.room.blame(-9) is None  # somebody else killed it
    world.has_killed(2)
    assert world.room.blame(1) is None
    assert "the container has 512 MiB; raise orchestrator.resources.memory" in (world.room.blame(-9) or "")
    assert world.room.killed == 2
    assert world.room.killing(300, time.monotonic()) is not None
    assert world.room.killing(300, time.monotonic() + 301) is None


def test_a_kill_is_told_once_though_the_count_cannot_be_read_for_a_while(world: World) -> None:
    world.has_killed(2)
    world.room.look_for_kills(1.0)
    file = world.memory / ("memory.oom_control" if world.version == 1 else "memory.events")
    file.unlink()
    world.room.look_for_kills(400.0)
    world.has_killed(2)
    world.room.look_for_kills(401.0)
    assert world.room.killed == 2
    assert world.room.killing(300, 401.0) is None


def test_descendants_count_with_their_child(tmp_path: Path) -> None:
    for pid, mark, kib, threads in ((7, 501, 1024, 11), (8, 501, 2048, 1), (9, 502, 512, 1), (1, 0, 4096, 1)):
        (tmp_path / str(pid)).mkdir()
        (tmp_path / str(pid) / "oom_score_adj").write_text(f"{mark}\n")
        (tmp_path / str(pid) / "status").write_text(f"Name:\tx\nRssAnon:\t{kib} kB\nThreads:\t{threads}\n")
    (tmp_path / "self").mkdir()
    assert sizes_by_mark(str(tmp_path)) == {501: Size(3 * MIB, 12), 502: Size(MIB // 2, 1)}
