"""The state on disk: complete, atomic, for one process, and never guessed at."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest
from local_alb.model.state_file import StateError, StateFile, decode
from local_alb.model.store import Store
from local_alb.model.world import World

from tests.unit.local_alb.inprocess import BALANCER, INSTANCE, LISTENER, Alb


def filled(directory: Path) -> Alb:
    alb = Alb(directory)
    group = alb.group("mcp-a", Tags=[{"Key": "mcp_fleet", "Value": "mcp"}])
    alb.register(group, 8001, 8002)
    alb.rule(10, group, "/a", "/a/*")
    alb.client.deregister_targets(TargetGroupArn=group, Targets=[{"Id": INSTANCE, "Port": 8001}])
    alb.client.add_tags(ResourceArns=[LISTENER, BALANCER], Tags=[{"Key": "owner", "Value": "Jürgen"}])
    alb.client.modify_listener_attributes(
        ListenerArn=LISTENER, Attributes=[{"Key": "routing.http.response.server.enabled", "Value": "false"}]
    )
    return alb


def release(alb: Alb) -> None:
    """As if the process had died."""
    alb.store._file._lock.close()


def test_everything_is_there_after_a_restart(tmp_path: Path) -> None:
    alb = filled(tmp_path)
    before = alb.store.world
    release(alb)
    assert Alb(tmp_path).store.world == before


def test_a_change_is_on_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    alb = Alb(tmp_path)
    group = alb.group()
    assert group in decode(json.loads((tmp_path / "state.json").read_bytes())).target_groups


@pytest.mark.parametrize("room", [0, 1000], ids=["no room at all", "room for a part"])
def test_a_change_that_cannot_be_written_does_not_happen(tmp_path: Path, room: int) -> None:
    alb = filled(tmp_path)
    before, content = alb.store.world, (tmp_path / "state.json").read_bytes()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    # The kernel writes what fits and refuses the rest, as it does on a full disk.
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, limits[1]))
    try:
        with pytest.raises(alb.client.exceptions.ClientError, match="InternalFailure"):
            alb.group("mcp-b")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert alb.store.world is before
    assert (tmp_path / "state.json").read_bytes() == content
    alb.group("mcp-b")


def test_a_refused_request_leaves_the_file_alone(tmp_path: Path) -> None:
    alb = filled(tmp_path)
    before = (tmp_path / "state.json").stat().st_mtime_ns
    with pytest.raises(alb.client.exceptions.PriorityInUseException):
        alb.rule(10)
    alb.client.describe_rules(ListenerArn=LISTENER)
    assert (tmp_path / "state.json").stat().st_mtime_ns == before


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: "",
        lambda text: "[]",
        lambda text: "null",
        lambda text: text.replace('"version":1', '"version":99'),
        lambda text: text.replace('"priority":10', '"urgency":10'),
        lambda text: text.replace('"priority":10', '"priority":"10"'),
        lambda text: text.replace('"port":8002', '"port":null'),
        lambda text: text.replace('"interval":30', '"interval":true'),
        lambda text: text.replace('{"mcp_fleet":"mcp"}', '{"mcp_fleet":1}'),
        lambda text: text.replace('"rules":', '"extra":[],"rules":'),
        lambda text: json.dumps({**json.loads(text), "listeners": []}),
        lambda text: json.dumps({**json.loads(text), "target_groups": []}),
        lambda text: json.dumps({**json.loads(text), "load_balancers": []}),
    ],
)
def test_a_damaged_file_is_refused_and_kept(tmp_path: Path, damage: Any) -> None:
    release(filled(tmp_path))
    file = tmp_path / "state.json"
    damaged = damage(file.read_text())
    assert damaged != file.read_text()
    file.write_text(damaged)
    with pytest.raises(StateError, match="is damaged") as refused:
        StateFile(tmp_path).load()
    assert "\n" not in str(refused.value)
    copies = list(tmp_path.glob("state.json.corrupt-*"))
    assert [copy.read_text() for copy in copies] == [damaged]
    assert file.read_text() == damaged


def test_the_last_state_that_could_be_read_is_kept_beside(tmp_path: Path) -> None:
    alb = filled(tmp_path)
    before = alb.store.world
    release(alb)
    again = Alb(tmp_path)
    backup = decode(json.loads((tmp_path / "state.json.backup").read_bytes()))
    assert backup == before
    release(again)
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(StateError, match=r"put .*state\.json\.backup in its place"):
        StateFile(tmp_path).load()


def test_a_second_process_on_the_same_directory_is_refused(tmp_path: Path) -> None:
    first = StateFile(tmp_path)
    with pytest.raises(StateError, match="in use by another local_alb"):
        StateFile(tmp_path)
    assert first.load() is None


def test_a_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StateError, match="cannot be used"):
        StateFile(tmp_path / "file" / "state")


def test_readers_see_a_change_only_when_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = StateFile(tmp_path)
    store = Store(World(), file)
    seen = []
    monkeypatch.setattr(file, "save", lambda world: seen.append(store.world))
    store.change(lambda world: (World(), None))
    assert len(seen) == 1
    assert store.world is not seen[0]
