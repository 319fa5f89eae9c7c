"""Who gives way where there is not enough for all: sessions, bytes in flight, and what counts as one client."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from bridge.http.budget import Budget, Held
from bridge.http.client_address import client_of
from bridge.limits import Limits, fitted
from bridge.process.lines import PartialMessages
from bridge.process.memory import Memory
from bridge.transport.eviction import FORSAKEN, IDLE, LEFT, LISTENING, UNUSED, session_to_evict
from hypothesis import given
from hypothesis import strategies as st

MIB = 1024 * 1024


@dataclass
class Place:
    address: str
    used: float = 0.0
    state: int | None = IDLE

    def idleness(self, now: float) -> int | None:
        return self.state


places = st.lists(
    st.builds(
        Place, st.sampled_from("abc"), st.floats(0, 100), st.sampled_from([None, UNUSED, IDLE, LISTENING, FORSAKEN])
    ),
    min_size=1,
    max_size=12,
)


def yields(there: list[Place], newcomer: str, now: float = 100.0, own: float = 60.0) -> Place | None:
    return session_to_evict(there, newcomer, now, own_seconds=own)


@given(places, st.sampled_from("abcd"))
def test_no_session_in_use_gives_way_and_nobody_loses_more_than_is_above_his_share(
    there: list[Place], newcomer: str
) -> None:
    gone = yields(there, newcomer)
    if gone is not None:
        assert gone.state is not None
        held = [place.address for place in there]
        share = len(there) / len({*held, newcomer})
        assert gone.address == newcomer or held.count(gone.address) > share


def test_a_newcomer_gets_the_place_of_the_session_that_was_least_recently_used() -> None:
    there = [Place("a", 50), Place("a", 10), Place("a", 30)]
    assert yields(there, "b") is there[1]


def test_what_was_only_opened_goes_before_what_was_used_and_what_listens_goes_later() -> None:
    there = [Place("a", 1, LISTENING), Place("a", 2, FORSAKEN), Place("a", 90, UNUSED), Place("a", 5)]
    order = []
    while there:
        gone = session_to_evict(there, "b", 100, own_seconds=60)
        assert gone is not None
        order.append(gone.state)
        there.remove(gone)
    assert order == [UNUSED, IDLE, LISTENING, FORSAKEN]


def test_a_session_whose_client_has_left_gives_way_to_anybody_first() -> None:
    there = [Place("a", 1), Place("a", 70, LEFT), Place("b", 99)]
    assert [yields(there, newcomer) for newcomer in ("a", "b", "c")] == [there[1]] * 3
    assert yields([Place("a", 99, LEFT), Place("b", 99)], "b") == Place("a", 99, LEFT)


def test_one_client_alone_keeps_all_its_recent_sessions_and_yields_its_old_ones_to_itself() -> None:
    assert yields([Place("a", 99), Place("a", 90)], "a") is None
    assert yields([Place("a", 99), Place("a", 30)], "a") == Place("a", 30)


def test_a_client_with_its_share_takes_nothing_from_others() -> None:
    there = [Place("a", 99), Place("a", 99), Place("b", 1), Place("b", 1)]
    assert yields(there, "a") is None
    assert yields(there, "c") in (Place("b", 1), Place("a", 1))


class Talker:
    """A child that says a message in pieces."""

    def __init__(self) -> None:
        self.paused = False

    def pause(self, why: str) -> None:
        self.paused = True

    def resume(self, why: str) -> None:
        self.paused = False


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 40)), max_size=60))
def test_of_children_that_say_large_messages_one_at_least_goes_on(steps: list[tuple[int, int]]) -> None:
    pieces: Any = PartialMessages(100)
    talkers = [Talker() for _ in range(4)]
    for number, size in steps:
        talker = talkers[number]
        if talker.paused:
            continue
        if size:
            pieces.grow(talker, size)
        else:
            pieces.done(talker)
        assert not all(one.paused for one in talkers)
    for _ in range(4):
        for talker in talkers:
            if not talker.paused:
                pieces.done(talker)
    assert not any(talker.paused for talker in talkers)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 40)), max_size=40))
def test_bodies_never_exceed_the_budget_and_the_smallest_client_is_never_the_one_to_give_way(
    steps: list[tuple[str, int]],
) -> None:
    budget = Budget(100)
    reading: dict[str, list[Held]] = {"a": [], "b": [], "c": []}
    gone: list[Held] = []
    for client, size in steps:
        held = budget.hold(client, lambda: None)
        held.give_way = lambda held=held: gone.append(held)  # type: ignore[misc]
        before = {name: sum(one.size for one in some) for name, some in reading.items()}
        took = held.grow(size)
        assert budget.used <= 100
        for victim in gone:
            assert victim.client != client
            assert before[victim.client] > before[client]
            assert victim.size == 0
            reading[victim.client].remove(victim)
        gone.clear()
        if took:
            reading[client].append(held)
        else:
            assert before[client] + size >= max(sum(one.size for one in some) for some in reading.values())
    for some in reading.values():
        for held in some:
            held.release()
    assert budget.used == 0


def test_what_has_been_read_does_not_give_way_any_more() -> None:
    budget = Budget(100)
    first = budget.hold("a", lambda: pytest.fail("it was asked to"))
    assert first.grow(90)
    first.settle()
    assert not budget.hold("b", lambda: None).grow(20)
    first.release()
    assert budget.hold("b", lambda: None).grow(20)


@pytest.mark.parametrize(
    ("forwarded", "client"),
    [
        (None, "172.17.0.1"),
        (b"192.0.2.7", "192.0.2.7"),
        (b"198.51.100.1, 192.0.2.7", "192.0.2.7"),  # what the client sent itself stands before
        (b"192.0.2.7:4711", "192.0.2.7"),
        (b"[2001:db8:1:2::9]:4711", "2001:db8:1:2::/64"),
        (b"2001:db8:1:2:ffff::1", "2001:db8:1:2::/64"),
        (b"::ffff:192.0.2.7", "192.0.2.7"),
        (b"192.0.2.7, unknown", "172.17.0.1"),
        (b"", "172.17.0.1"),
    ],
)
def test_a_client_is_the_last_address_that_the_balancer_saw(forwarded: bytes | None, client: str) -> None:
    assert client_of(forwarded, "172.17.0.1") == client


@pytest.mark.parametrize(
    ("files", "limit"),
    [
        ({"sys/fs/cgroup/memory.max": "536870912"}, 512 * MIB),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": "536870912"}, 512 * MIB),
        ({"sys/fs/cgroup/memory.max": "max"}, 2048 * MIB),
        ({"sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712"}, 2048 * MIB),
        ({"proc/self/cgroup": "0::/a/b", "sys/fs/cgroup/a/memory.max": "268435456"}, 256 * MIB),
        (
            {"proc/self/cgroup": "4:memory:/a/b", "sys/fs/cgroup/memory/a/b/memory.limit_in_bytes": "268435456"},
            256 * MIB,
        ),
        ({}, 2048 * MIB),
    ],
)
def test_the_containers_limit_is_found_in_either_version_of_cgroups(
    tmp_path: Path, files: dict[str, str], limit: int
) -> None:
    for name, text in {"proc/meminfo": "MemTotal:        2097152 kB\n", **files}.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text + "\n")
    assert Memory(tmp_path).limit == limit


@pytest.mark.parametrize(
    ("memory", "bodies", "message"), [(64, 16, 8), (512, 64, 32), (1024, 128, 64), (65536, 256, 64)]
)
def test_bodies_and_messages_are_bounded_by_the_containers_memory(memory: int, bodies: int, message: int) -> None:
    found = fitted(Limits(), memory * MIB, 1 << 20)
    assert (found.bodies, found.answers, found.message) == (bodies * MIB, bodies * MIB, message * MIB)
    assert found.connections == Limits().connections


def test_connections_are_bounded_by_the_files_that_may_be_open() -> None:
    assert fitted(Limits(), 1 << 30, 1024).connections == 1024 - 64 - 400 - 64
    assert fitted(Limits(), 1 << 30, 256).connections == 64
