# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a server may mount, judged by what the host has there."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels, mount
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host_files import LocalFiles
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Confinement, Source, World
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import POLICY, run, spec
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.simulated_engine import (
    SimulatedEngine,
)
from hypothesis import given
from hypothesis import strategies as st

ANY = replace(POLICY, permissions=Permissions(keys=frozenset({"allow_host_paths"})))


def problem(*volumes: str, policy: Policy = POLICY, others: tuple[Any, ...] = (), **world: Any) -> str | None:
    wanted = spec("a", volumes=volumes)
    sources = {source: Source(source) for source in mount.paths_of([wanted, *others])} | world.pop("sources", {})
    return mount.problem(wanted, [wanted, *others], World(sources=sources, **world), policy)


def test_a_directory_or_file_in_a_root_is_mounted() -> None:
    assert problem("/srv/a:/a", "/data/x.json:/x:ro", sources={"/data/x.json": Source("/data/x.json", "file")}) is None


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (
            Source("/etc", "directory"),
            "it leads to /etc, which is not in /data, /mnt or /srv; mount that path",
        ),
        (
            Source("/srv/x", "missing"),
            "there is nothing on this host, and the engine would make an empty",
        ),
        (Source("/srv/x", "unknown", "Permission denied"), "it cannot be inspected: Permission denied"),
        (Source("/run/docker.sock", "socket"), "it is the engine's socket; set allow_docker_socket in settings.conf"),
        (Source("/srv/x", "socket"), "it is a socket of the host; mount a directory or a file"),
        (Source("/srv/x", "device"), "it is a device of the host; mount a directory or a file"),
        (Source("/srv/x", "pipe"), "it is a pipe of the host; mount a directory or a file"),
    ],
)
def test_what_the_host_has_there_decides(found: Source, reason: str) -> None:
    said = problem("/srv/x:/x", sources={"/srv/x": found})
    assert said is not None
    assert said.startswith(f"volume /srv/x: {reason}")


def test_a_root_that_is_a_link_leads_where_its_owner_laid_it_unless_that_is_the_system() -> None:
    def through(target: str) -> str | None:
        sources = {"/data": Source(target), "/data/x": Source(f"{target}/x")}
        return problem("/data/x:/x", sources=sources)

    assert through("/disks/1") is None
    assert through("/etc") is not None


def test_the_folder_in_which_the_engine_keeps_containers_is_refused_wherever_it_is() -> None:
    engine = Confinement(data="/data/docker")
    for path in ("/data", "/data/docker", "/data/docker/volumes/x/_data"):
        said = problem(f"{path}:/x", confinement=engine)
        assert said is not None
        assert "the engine keeps all containers in /data/docker; choose another place" in said
    assert problem("/data/x:/x", confinement=engine) is None


@pytest.mark.parametrize("mode", ["", ":ro"])
def test_a_source_that_a_server_could_replace_by_a_link_is_refused_for_itself_too(mode: str) -> None:
    said = problem(f"/srv/shared/b:/b{mode}", others=(spec("b", volumes=("/srv/shared:/s",)),))
    assert said is not None
    assert "it lies in /srv/shared, where server b may write and could put a link to any path in its place" in said
    assert "let b have /srv/shared read-only (:ro)" in said
    assert problem("/srv/own:/a", f"/srv/own/b:/b{mode}") is not None
    assert problem("/srv/shared/b:/b", others=(spec("b", volumes=("/srv/shared:/s:ro",)),)) is None
    assert problem("/srv/shared:/b", others=(spec("b", volumes=("/srv/shared:/s",)),)) is None
    assert problem("/srv/sharedx:/b", others=(spec("b", volumes=("/srv/shared:/s",)),)) is None


def test_a_source_is_compared_by_where_it_leads() -> None:
    sources = {"/data/link": Source("/srv/shared/b")}
    assert problem("/data/link:/b", others=(spec("b", volumes=("/srv/shared:/s",)),), sources=sources) is not None


def test_allow_host_paths_lets_any_path_through_and_the_engine_s_socket_has_its_own_key() -> None:
    assert problem("/srv/x:/x", policy=ANY, sources={"/srv/x": Source("/etc")}) is None
    assert problem("/srv/x:/x", policy=ANY, sources={"/srv/x": Source("/run/other.sock", "socket")}) is None
    sock = {"/srv/s": Source("/run/docker.sock", "socket")}
    assert problem("/srv/s:/s", policy=ANY, sources=sock) is not None
    allowed = replace(POLICY, permissions=Permissions(keys=frozenset({"allow_docker_socket"})))
    assert problem("/srv/s:/s", policy=allowed, sources=sock) is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (
            {"type": "none", "o": "bind", "device": "/etc"},
            "it was made from /etc, and it is not in /data, /mnt",
        ),
        ({"o": "bind,ro", "device": "/srv/link"}, "it was made from /srv/link, and it leads to /etc"),
        ({"type": "ext4", "device": "/dev/sda1"}, "it was made from /dev/sda1, and it is a device of the host"),
        ({"type": "overlay", "device": "overlay", "o": "lowerdir=/etc:/usr"}, "it was made from /etc, and"),
        ({"mountpoint": "/etc"}, "it was made from /etc, and"),
        ({"device": "/gone"}, "it was made from /gone, and that cannot be checked from here"),
    ],
)
def test_a_volume_that_is_made_from_the_host_is_judged_as_a_path_of_it(options: dict[str, str], reason: str) -> None:
    sources = {
        "/etc": Source("/etc"),
        "/usr": Source("/usr"),
        "/srv/link": Source("/etc"),
        "/dev/sda1": Source("/dev/sda1", "device"),
        "/gone": Source("/gone", "missing"),
    }
    volumes = {"data": {"Name": "data", "Options": options, "Labels": None}}
    said = problem("data:/x", volumes=volumes, sources=sources)
    assert said is not None
    assert reason in said
    assert problem("data:/x", volumes=volumes, sources=sources, policy=ANY) is None


@pytest.mark.parametrize(
    "options",
    [
        None,
        {},
        {"type": "tmpfs", "o": "size=1m", "device": "tmpfs"},
        {"type": "nfs", "o": "addr=10.0.0.1", "device": ":/x"},
        {"o": "bind", "device": "/srv/own"},
    ],
)
def test_a_volume_of_the_engine_s_own_or_of_a_root_is_mounted(options: dict[str, str] | None) -> None:
    volumes = {"data": {"Name": "data", "Options": options}}
    assert problem("data:/x", "new:/y", volumes=volumes, sources={"/srv/own": Source("/srv/own")}) is None


def test_a_volume_with_the_mark_of_any_fleet_is_refused() -> None:
    volumes = {"other.x": {"Name": "other.x", "Labels": {labels.FLEET: "other"}}}
    assert "a fleet keeps its own data in it" in str(problem("other.x:/x", volumes=volumes, policy=ANY))


def test_a_container_is_made_with_what_links_lead_to_and_a_wrong_one_keeps_the_old_serving() -> None:
    engine = SimulatedEngine()
    engine.paths = {"/srv/x": Source("/data/real")}
    wanted = spec("a", volumes=("/srv/x:/x:ro", "data:/d"))
    assert run(engine, [wanted])["errors"] == []
    (container,) = list(engine.held.values())
    assert container["HostConfig"]["Binds"] == ["/data/real:/x:ro", "data:/d"]
    assert run(engine, [wanted])["changed"] is False
    engine.paths = {"/srv/x": Source("/etc")}
    result = run(engine, [wanted])
    assert result["changed"] is False
    assert [each["server"] for each in result["errors"]] == ["a"]
    assert result["endpoints"][0]["state"] == "running"


def test_a_link_that_is_laid_while_the_image_is_pulled_is_seen() -> None:
    engine = SimulatedEngine()
    engine.faults["pull"] = lambda _name: engine.paths.update({"/srv/x": Source("/etc")})
    result = run(engine, [spec("a", image="far", volumes=("/srv/x:/x",))])
    assert "it leads to /etc" in result["errors"][0]["message"]
    assert not engine.held


def test_a_server_beside_a_wrong_one_comes_up() -> None:
    engine = SimulatedEngine()
    engine.paths = {"/srv/x": Source("/etc")}
    result = run(engine, [spec("a", volumes=("/srv/x:/x",)), spec("b", volumes=("/srv/b:/x",))])
    assert {each["name"]: each["state"] for each in result["endpoints"]} == {"a": "failed", "b": "running"}


def test_what_nobody_can_look_at_is_said_among_the_exceptions() -> None:
    engine = SimulatedEngine()
    engine.local = False
    result = run(engine, [spec("a", volumes=("/srv/x:/x",))])
    assert result["errors"] == []
    assert "/srv/x as the engine's host has it: its links were not checked" in result["endpoints"][0]["exceptions"]


def test_paths_are_looked_at_as_the_kernel_does(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to("folder")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "socket"))
        names = ("folder", "file", "link", "link/..", "loop", "pipe", "socket", "none")
        found = LocalFiles(local=True).look([*(f"{tmp_path}/{name}" for name in names), "/dev/null"])
    kinds = {path.rpartition("/")[2]: each.kind for path, each in found.items()}
    assert kinds == {
        "folder": "directory",
        "file": "file",
        "link": "directory",
        "..": "directory",
        "loop": "unknown",
        "pipe": "pipe",
        "socket": "socket",
        "none": "missing",
        "null": "device",
    }
    assert found[f"{tmp_path}/link"].path == str(tmp_path.resolve() / "folder")
    assert LocalFiles(local=False).look(["/srv"]) == {}


parts = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4).map(lambda words: "/srv/" + "/".join(words))


@given(st.lists(st.tuples(parts, st.booleans()), min_size=1, max_size=4), parts)
def test_no_accepted_source_lies_below_what_some_server_writes(written: list[tuple[str, bool]], path: str) -> None:
    others = tuple(spec(f"s{n}", volumes=(f"{each}:/x{'' if rw else ':ro'}",)) for n, (each, rw) in enumerate(written))
    endangered = any(rw and path.startswith(each + "/") for each, rw in written)
    assert (problem(f"{path}:/y:ro", others=others) is not None) == endangered
