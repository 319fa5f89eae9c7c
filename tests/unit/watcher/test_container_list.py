"""The containers of each server, written when they change."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from records.containers import FILE, ServerContainer, containers
from watcher.container_list import ContainerList
from watcher.disk import Disk
from watcher.engine.model import Container
from watcher.roster import Member


def member(identity: str, server: str = "time", generation: str = "5f1c", *, running: bool = True) -> Member:
    labels = {"mcp_service": server, "mcp_generation": generation, "mcp_replica": "2", "mcp_port": "20001"}
    labels |= {"mcp_bridge": "5d0c"} if server == "time" else {"mcp_port": "none"}
    return Member(Container(identity, f"mcp-{server}", "running", "", labels, frozenset()), is_running=running)


def test_the_list_is_read_back_by_server(tmp_path: Path) -> None:
    ContainerList(tmp_path, Disk(tmp_path)).tell([member("b", running=False), member("a"), member("c", "orders")])
    assert containers(tmp_path) == {
        "orders": (ServerContainer("c", "5f1c", "2", True),),
        "time": (
            ServerContainer("a", "5f1c", "2", True, 20001, True),
            ServerContainer("b", "5f1c", "2", False, 20001, True),
        ),
    }


def test_it_is_written_only_when_it_is_another(tmp_path: Path) -> None:
    told = ContainerList(tmp_path, Disk(tmp_path))
    told.tell([member("a")])
    first = (tmp_path / FILE).stat().st_ino
    told.tell([member("a")])
    assert (tmp_path / FILE).stat().st_ino == first
    told.tell([member("a", running=False)])
    assert (tmp_path / FILE).stat().st_ino != first


def test_a_directory_that_takes_nothing_stops_nothing(tmp_path: Path) -> None:
    ContainerList(tmp_path / "missing", Disk(tmp_path)).tell([member("a")])


def test_the_list_of_an_older_release_is_read(tmp_path: Path) -> None:
    told = {"id": "a", "generation": "5f1c", "replica": "1", "is_running": True}
    (tmp_path / FILE).write_text(json.dumps({"version": 1, "servers": {"time": [told]}}))
    assert containers(tmp_path) == {"time": (ServerContainer("a", "5f1c", "1", True, None, False),)}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"version": 7}', b'{"version": 1, "servers": {"a": [{}]}}'])
def test_a_file_of_something_else_holds_nothing(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    assert containers(tmp_path) == {}
