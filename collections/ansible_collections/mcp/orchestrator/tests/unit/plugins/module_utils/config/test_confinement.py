# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an entry may say beside a network that confines, and which addresses it may name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config import addresses
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_flag_values import (
    ALLOWED,
    GUARDED,
    READERS,
    SWITCHES,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.report import report

Read = Callable[..., Fleet]
ALLOW = "[security]\n" + "".join(
    f"allow_{each} = true\n" for each in ("capabilities", "host_namespaces", "devices", "privileged")
)
# Each flag that the reader takes: how it opens a way out of a network, or nothing where it cannot.
WAYS_OUT: dict[str, tuple[str, ...]] = {
    "dns": ("--dns", "9.9.9.9"),
    "dns-option": ("--dns-option", "ndots:2"),
    "dns-search": ("--dns-search", "example.com"),
    "add-host": ("--add-host", "x:10.0.0.1"),
    "cap-add": ("--cap-add", "NET_ADMIN"),
    "privileged": ("--privileged",),
    "pid": ("--pid", "host"),
    "device": ("--device", "/dev/net/tun"),
}
NO_WAY_OUT = {
    *(
        "cpu-shares",
        "cpus",
        "cpuset-cpus",
        "cpuset-mems",
        "entrypoint",
        "group-add",
        "init",
        "label",
        "memory",
        "shm-size",
    ),
    *(
        "memory-reservation",
        "oom-score-adj",
        "pids-limit",
        "platform",
        "pull",
        "read-only",
        "stop-signal",
        "stop-timeout",
    ),
    *("tmpfs", "ulimit", "user", "workdir", "env", "env-file"),
    # Names that the container knows itself by; ports of the fleet's choice; the network that is judged.
    *("domainname", "hostname", "publish", "publish-all", "network"),
    # The reader takes those alone that tune the container's own connections.
    "sysctl",
    # Volumes are judged by their source: an engine's socket is refused, and others lead to files.
    *("mount", "volume"),
    # Namespaces of memory, names, groups and users; no packet passes there. What devices lead out is judged by name.
    *("ipc", "uts", "cgroupns", "userns", "security-opt", "gpus", "device-cgroup-rule"),
}


def docker(*args: str, network: Any = "none", **extension: Any) -> dict[str, Any]:
    return {
        "command": "docker",
        "args": ["run", *args, "mcp/time"],
        "orchestrator": {"network": network, **extension},
    }


def test_of_every_flag_that_is_taken_it_is_known_whether_it_opens_a_network() -> None:
    assert {*READERS, *GUARDED, *SWITCHES, *ALLOWED} - NO_WAY_OUT == set(WAYS_OUT)


@pytest.mark.parametrize("network", ["none", "fleet", ["api.example.com"]])
@pytest.mark.parametrize("flag", WAYS_OUT)
def test_a_flag_that_opens_a_way_out_is_an_error_beside_a_network_that_has_none(
    read: Read, flag: str, network: Any
) -> None:
    fleet = read({"x": docker(*WAYS_OUT[flag], network=network), "good": docker()}, ALLOW)
    (error,) = fleet.errors
    assert (error.server, error.path) == ("x", "mcpServers.x.orchestrator.network")
    assert "cannot be enforced; leave one of the two out" in error.message
    assert [spec.name for spec in fleet.specs] == ["good"]
    assert read({"x": docker(*WAYS_OUT[flag], network="internet")}, ALLOW).errors == []


def test_a_network_of_the_defaults_is_judged_as_one_of_the_entry(read: Read) -> None:
    entry = {"command": "docker", "args": ["run", "--dns", "9.9.9.9", "mcp/time"]}
    (error,) = read({"x": entry}, "[defaults]\nnetwork = none\n").errors
    assert "--dns sends DNS queries, which can carry data out" in error.message


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "169.254.0.0/16", "169.254.170.2/32", "100.100.100.200", "168.63.129.16"]
)
def test_a_list_names_no_metadata_address(read: Read, address: str) -> None:
    (error,) = read({"x": docker(network=[address])}).errors
    assert error.path == "mcpServers.x.orchestrator.network"
    assert 'set "instance_metadata": true' in error.message


def test_a_private_address_in_a_list_is_meant_and_told(read: Read) -> None:
    fleet = read({"x": docker(network=["10.0.7.0/24", "api.example.com", "8.8.8.8"])})
    assert fleet.errors == []
    notes = [note for note in fleet.explain["x"] if note.startswith("orchestrator.network")]
    assert notes == ["orchestrator.network: 10.0.7.0/24 is not a public address; it is allowed as written"]
    assert "10.0.7.0/24 is not a public address" in report(fleet)


def test_the_metadata_are_open_to_the_entry_that_asks_for_them_alone(read: Read) -> None:
    fleet = read({"x": docker(network="internet", instance_metadata=True), "y": docker(network="internet")})
    assert [spec.egress.instance_metadata for spec in fleet.specs] == [True, False]
    assert fleet.specs[0].generation != fleet.specs[1].generation
    assert "metadata   of the instance can be read" in report(fleet)
    (same,) = read({"y": docker(network="internet", instance_metadata=False)}).specs
    assert same.generation == fleet.specs[1].generation


@pytest.mark.parametrize("network", ["none", "fleet", "backend"])
def test_the_metadata_are_no_part_of_a_network_that_leads_nowhere_or_is_not_ours(read: Read, network: str) -> None:
    (error,) = read({"x": docker(network=network, instance_metadata=True)}).errors
    assert f"instance_metadata has no effect with network {network}" in error.message


def test_no_name_leads_to_an_address_that_is_not_of_the_internet() -> None:
    refused = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "127.0.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"]
    refused += ["224.0.0.1", "255.255.255.255", "100.100.100.200", "192.0.0.192", "168.63.129.16", "198.18.0.1"]
    assert [each for each in refused if addresses.is_admissible(f"{each}/32", ())] == []
    assert addresses.is_admissible("8.8.8.8/32", ("8.8.4.4",))
    assert not addresses.is_admissible("8.8.4.4/32", ("8.8.4.4",))
