# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which paths and volumes of the host an entry may have."""

from __future__ import annotations

import posixpath
from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, load_env
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.host_path import (
    DEFAULT_ROOTS,
    absolute,
    below_any,
    is_system_directory,
    root,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.volume import UnsafeVolume, volume
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions
from hypothesis import given
from hypothesis import strategies as st

Read = Callable[..., Fleet]

# Each was accepted, writable, by an installation that let no paths of the host through.
MEANS_THE_HOST = [
    "/etc/systemd/system",
    "/etc/cron.d",
    "/etc/sudoers.d",
    "/etc/ssh",
    "/etc/mcp-orchestrator.d",
    "/usr/lib",
    "/usr/local/bin",
    "/lib/systemd",
    "/home",
    "/home/alice",
    "/home/alice/.ssh",
    "/root/.ssh",
    "/var/spool/cron",
    "/var/lib/systemd",
    "/run/systemd/private",
    "/run/user/1000/bus",
    "/run/dbus/system_bus_socket",
    "/var/run/user/1000",
    "/opt",
    "/tmp",
    "/var/tmp",
    "/dev/shm",
    "/var/lib/postgresql",
    "/srv/../etc",
    "/srvx",
    "//etc",
]


@pytest.mark.parametrize("path", MEANS_THE_HOST)
@pytest.mark.parametrize(
    "written",
    [
        lambda path: {"args": ["run", "-i", "-v", f"{path}:/x", "a"]},
        lambda path: {"args": ["run", "-i", "-v", f"{path}:/x:ro", "a"]},
        lambda path: {"args": ["run", "-i", "--mount", f"type=bind,src={path},dst=/x", "a"]},
        lambda path: {"args": ["run", "-i", "a"], "orchestrator": {"volumes": [f"{path}:/x"]}},
    ],
    ids=["volume", "read-only", "mount", "orchestrator"],
)
def test_a_path_outside_the_roots_is_refused_with_the_way_out(
    read: Read, path: str, written: Callable[[str], dict[str, Any]]
) -> None:
    (error,) = read({"x": {"command": "docker", **written(path)}}).errors
    assert "mcpServers.x." in str(error)
    assert path in str(error)
    assert "is not allowed" in str(error)
    assert "set allow_host_paths" in str(error)


def test_the_roots_of_the_settings_take_the_place_of_the_default_ones(read: Read) -> None:
    def errors(path: str, settings: str) -> list[str]:
        args = ["run", "-i", "-v", f"{path}:/x", "a"]
        return [str(each) for each in read({"x": {"command": "docker", "args": args}}, settings).errors]

    own = "[security]\nhost_path_roots = /home/alice/data, /var/lib/notes/\n"
    assert not errors("/srv/x", "")
    assert not errors("/home/alice/data/x", own)
    assert not errors("/var/lib/notes", own)
    (error,) = errors("/srv/x", own)
    assert "/srv/x is not in /home/alice/data or /var/lib/notes; add a directory that holds it to" in error
    (error,) = errors("/srv/x", "[security]\nhost_path_roots = none\n")
    assert "host_path_roots in settings.conf allows no path of the host" in error
    assert not errors("/etc", "[security]\nallow_host_paths = true\n")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/etc",
        "/etc/x",
        "/var",
        "/var/lib",
        "/var/lib/docker",
        "/var/lib/docker/volumes/x",
        "/home",
        "/home/alice",
        "/home/alice/.ssh",
        "/run",
        "/var/run",
        "/usr/local",
        "/root",
        "/proc",
        "/dev/shm",
        "/opt",
        "/srv/../etc",
        "srv",
    ],
)
def test_a_root_that_would_hand_over_the_host_is_refused_where_it_stands(read: Read, path: str) -> None:
    with pytest.raises(ConfigFileError, match=r"\[security\] host_path_roots: ") as refused:
        read(settings=f"[security]\nhost_path_roots = {path}\n")
    assert "write" in str(refused.value)


@pytest.mark.parametrize("mode", ["shared", "rshared"])
def test_a_mount_that_shows_in_the_host_is_refused(read_args: Read, mode: str) -> None:
    for args in (["-v", f"/srv/x:/x:{mode}"], ["--mount", f"type=bind,src=/srv/x,dst=/x,bind-propagation={mode}"]):
        (error,) = read_args("-i", *args, "a").errors
        assert f"its mode '{mode}' would make mounts of the container mounts of the host" in str(error)


@pytest.mark.parametrize(
    "options",
    [
        "volume-driver=local,volume-opt=type=none,volume-opt=o=bind,volume-opt=device=/etc",
        "volume-opt=device=/dev/sda1",
        "volume-driver=local-persist",
    ],
)
def test_a_volume_with_options_of_its_driver_is_refused(read_args: Read, options: str) -> None:
    (error,) = read_args("-i", "--mount", f"type=volume,source=data,target=/x,{options}", "a").errors
    assert "which is not supported" in str(error)


@pytest.mark.parametrize("name", ["mcp-other.hosts", "mcp-x.failures", "mcp-a.b.hosts"])
def test_the_volumes_of_the_fleet_itself_are_refused_whatever_the_settings_say(read: Read, name: str) -> None:
    settings = f"[security]\nallow_host_paths = true\nallow_docker_socket = true\nshared_volumes = {name}\n"
    (error,) = read({"x": {"command": "docker", "args": ["run", "-v", f"{name}:/x", "a"]}}, settings).errors
    assert "the fleet keeps its own data in volumes like" in str(error)


def test_a_volume_of_two_servers_is_an_error_of_both_unless_the_settings_share_it(read: Read) -> None:
    def entry(*volumes: str, **more: Any) -> dict[str, Any]:
        words = [word for each in volumes for word in ("-v", each)]
        return {"command": "docker", "args": ["run", "-i", *words, "a"], **more}

    servers = {
        "alone": entry("own:/x"),
        "first": entry("/srv/x:/y", "data:/x"),
        "second": {"command": "docker", "args": ["run", "a"], "orchestrator": {"volumes": ["data:/y:ro"]}},
        "asleep": entry("data:/x", disabled=True),
    }
    fleet = read(servers)
    assert [spec.name for spec in fleet.specs] == ["alone"]
    assert [str(error).partition(": names")[0] for error in fleet.errors] == [
        "mcp.config.json: mcpServers.asleep.args[3]",
        "mcp.config.json: mcpServers.first.args[5]",
        "mcp.config.json: mcpServers.second.orchestrator.volumes[0]",
    ]
    assert "names the volume 'data', which asleep, second has too; give each its own" in str(fleet.errors[1])
    assert "or add it to shared_volumes in settings.conf" in str(fleet.errors[1])
    assert not read(servers, "[security]\nshared_volumes = data\n").errors


def test_a_server_may_name_its_own_volume_twice(read_args: Read) -> None:
    assert not read_args("-v", "data:/a", "-v", "data:/b:ro", "a").errors


def test_the_values_of_servers_that_share_a_volume_are_not_loaded(tmp_path: Any) -> None:
    config = tmp_path / "mcp.config.json"
    config.write_text(
        '{"mcpServers": {"a": {"command": "docker", "args": ["run", "-v", "data:/x", "i"]},'
        ' "b": {"command": "docker", "args": ["run", "-v", "data:/x", "i"]}}}'
    )
    assert load_env([str(config)], None) == {}


@pytest.mark.parametrize("path", ["/etc/passwd", "/root/.aws/credentials", "/proc/self/environ", "/home/me/.env"])
def test_a_file_that_is_the_host_s_own_is_not_read_for_an_entry(read: Read, tmp_path: Any, path: str) -> None:
    link = tmp_path / "innocent.env"
    link.symlink_to(path)
    for written in (path, str(link)):
        for entry in ({"args": ["run", "--env-file", written, "a"]}, {"args": ["run", "a"], "envFile": written}):
            (error,) = read({"x": {"command": "docker", **entry}}).errors
            assert "is, or leads to, a system file of the host or a private file of a user" in str(error)


segments = st.sampled_from(["etc", "srv", "mnt", "data", "..", ".", "", "home", "alice", ".ssh", "run", "var", "x"])
paths = st.lists(segments, max_size=7).map(lambda parts: "/" + "/".join(parts))


@given(paths, st.sampled_from(["", ":ro", ":rw"]))
def test_whatever_is_let_through_lies_in_a_root_once_it_is_read_as_the_kernel_does(path: str, mode: str) -> None:
    try:
        text = volume(f"{path}:/x{mode}", Permissions())
    except UnsafeVolume:
        assert not below_any(absolute(path), DEFAULT_ROOTS)
    else:
        source = text.partition(":")[0]
        assert posixpath.normpath(source) == source
        assert below_any(source, DEFAULT_ROOTS)


@given(paths)
def test_no_root_that_can_be_set_holds_the_system_or_lies_in_it(path: str) -> None:
    try:
        found = root(path)
    except ValueError:
        return
    assert not is_system_directory(found)
    assert found not in ("/", "/etc", "/home", "/var", "/run")


def test_the_default_roots_can_be_written_into_the_settings() -> None:
    assert tuple(root(each) for each in DEFAULT_ROOTS) == DEFAULT_ROOTS
