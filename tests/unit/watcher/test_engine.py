"""The watcher's client of the engine's API."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from watcher.engine.client import Engine
from watcher.engine.model import container_of, event_of
from watcher.errors import Refused, Unreachable

from tests.unit.watcher.fake_engine import CHUNKED, answer_of, chunk, fake_engine

ENTRY: dict[str, Any] = {
    "Id": "a1",
    "Names": ["/other/link", "/mcp-time"],
    "State": "running",
    "Status": "Up 3 minutes (unhealthy)",
    "Labels": {"mcp_fleet": "mcp", "mcp_service": "time"},
    "NetworkSettings": {"Networks": {"mcp": {}}},
}


def test_a_listing_asks_for_the_fleet_and_reads_name_state_health_and_networks(tmp_path: Path) -> None:
    asked: list[str] = []

    async def answer(target: str, writer: asyncio.StreamWriter) -> None:
        asked.append(target)
        writer.write(answer_of(json.dumps([ENTRY]).encode()))

    async def scene() -> None:
        async with fake_engine(tmp_path, answer) as socket:
            (found,) = await Engine(socket).containers("mcp")
        assert (found.name, found.server, found.state, found.health) == ("mcp-time", "time", "running", "unhealthy")
        assert found.networks == {"mcp"}

    asyncio.run(scene())
    query = parse_qs(urlsplit(asked[0]).query)
    assert query == {"all": ["1"], "filters": ['{"label": ["mcp_fleet=mcp"]}']}


@pytest.mark.parametrize(
    ("status", "health"),
    [
        ("Up 2 seconds (health: starting)", "starting"),
        ("Up 2 hours (healthy)", "healthy"),
        ("Up 2 hours (Paused)", ""),
        ("Exited (137) 3 seconds ago", ""),
        (None, ""),
    ],
)
def test_health_is_read_from_the_words_of_a_listing(status: str | None, health: str) -> None:
    assert container_of({**ENTRY, "Status": status}).health == health


def test_an_entry_of_a_container_that_is_half_gone_is_read_too() -> None:
    found = container_of({"Id": "a1", "Names": None, "Labels": None, "NetworkSettings": None})
    assert (found.name, found.server, found.networks) == ("", "", frozenset())


def test_an_error_of_the_engine_is_told_in_its_words(tmp_path: Path) -> None:
    async def answer(_target: str, writer: asyncio.StreamWriter) -> None:
        writer.write(answer_of(b'{"message": "No such container: a1"}', "404 Not Found"))

    async def scene() -> None:
        async with fake_engine(tmp_path, answer) as socket:
            with pytest.raises(Refused, match="No such container: a1") as refused:
                await Engine(socket).inspect("a1")
        assert refused.value.status == 404

    asyncio.run(scene())


def test_no_engine_is_told_with_its_socket(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"no engine answers at .*/engine.sock: No such file"):
        asyncio.run(Engine(f"{tmp_path}/engine.sock").containers("mcp"))


@pytest.mark.parametrize("begun", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[", b"nonsense\r\n\r\n"])
def test_an_engine_that_dies_while_it_answers_is_unreachable(tmp_path: Path, begun: bytes) -> None:
    async def answer(_target: str, writer: asyncio.StreamWriter) -> None:
        writer.write(begun)

    async def scene() -> None:
        async with fake_engine(tmp_path, answer) as socket:
            with pytest.raises(Unreachable):
                await Engine(socket).containers("mcp")

    asyncio.run(scene())


def test_events_are_read_whole_however_they_are_cut_and_the_end_of_the_stream_is_an_error(tmp_path: Path) -> None:
    lines = [
        {"Type": "container", "Action": "health_status: unhealthy", "Actor": {"ID": "a1"}, "timeNano": 1500000000},
        {"Type": "container", "Action": "remove", "Actor": {"ID": "a2"}},
        {"Type": "network", "Action": "disconnect", "Actor": {"ID": "n", "Attributes": {"container": "a3"}}},
        {"Type": "network", "Action": "destroy", "Actor": {"ID": "n"}},
    ]

    async def answer(_target: str, writer: asyncio.StreamWriter) -> None:
        text = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
        writer.write(CHUNKED)
        for start in range(0, len(text), 7):
            writer.write(chunk(text[start : start + 7]))

    async def scene() -> list[tuple[str, str, str]]:
        found = []
        actions = {"container": ["health_status", "destroy"], "network": ["disconnect"]}
        async with fake_engine(tmp_path, answer) as socket, Engine(socket).events(actions) as events:
            try:
                async for event in events:
                    found.append((event.container, event.action, event.detail))
            except Unreachable:
                return found
        raise AssertionError("the stream ended without an error")

    assert asyncio.run(scene()) == [
        ("a1", "health_status", "unhealthy"),
        ("a2", "destroy", ""),
        ("a3", "disconnect", ""),
    ]


def test_the_time_of_an_event_is_that_of_the_engine() -> None:
    assert event_of({"Type": "container", "Action": "die", "timeNano": 1500000000}).seconds == 1.5
    assert event_of({"Type": "container", "Action": "die", "time": 7}).seconds == 7


def test_frames_of_a_log_are_whole_and_tell_their_stream(tmp_path: Path) -> None:
    async def answer(_target: str, writer: asyncio.StreamWriter) -> None:
        text = b"\x01\0\0\0\0\0\0\x05hello" + b"\x02\0\0\0\0\0\0\x04oops"
        writer.write(CHUNKED + chunk(text[:10]) + chunk(text[10:]) + b"0\r\n\r\n")

    async def scene() -> list[tuple[str, bytes]]:
        async with fake_engine(tmp_path, answer) as socket, Engine(socket).logs("a1", follow=False) as frames:
            return [frame async for frame in frames]

    assert asyncio.run(scene()) == [("stdout", b"hello"), ("stderr", b"oops")]
