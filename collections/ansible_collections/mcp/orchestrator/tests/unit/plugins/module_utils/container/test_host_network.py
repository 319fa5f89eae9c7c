# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a host its rules depend on, and where they are saved."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import host_network
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import FirewallError, HostFirewall

FIB_TRIE = """Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 10.0.0.0/24 2 0 2
        |-- 10.0.0.7
           /32 host LOCAL
        |-- 10.0.0.255
           /32 link BROADCAST
     |-- 127.0.0.1
        /32 host LOCAL
"""


def test_resolvers_are_those_that_containers_ask(tmp_path: Path) -> None:
    etc, systemd, engine = tmp_path / "resolv.conf", tmp_path / "systemd", tmp_path / "daemon.json"
    etc.write_text("# none\nnameserver 127.0.0.53\nnameserver fe80::1%eth0\nsearch example.com\nnameserver\n")
    systemd.write_text("nameserver 169.254.169.253\nnameserver 10.0.0.2\nnameserver nonsense\n")
    engine.write_text('{"dns": ["172.17.0.1", 7]}')
    found = host_network.resolvers([str(etc), str(systemd), str(tmp_path / "absent")], str(engine))
    assert found == ("10.0.0.2", "169.254.169.253", "172.17.0.1", "fe80::1")
    engine.write_text("{")
    assert host_network.resolvers([], str(engine)) == ()


def test_the_host_s_own_addresses_are_those_of_its_local_routes(tmp_path: Path) -> None:
    table = tmp_path / "fib_trie"
    table.write_text(FIB_TRIE)
    assert host_network.own_addresses(str(table)) == {"10.0.0.7", "127.0.0.1"}
    assert "127.0.0.1" in host_network.own_addresses()


def test_a_bridge_with_a_port_of_hardware_or_of_a_bond_leads_out(tmp_path: Path) -> None:
    for bridge, port in (("br-lan", "eth1"), ("br-bond", "bond0"), ("br-veth", "veth1"), ("br-0123456789ab", "eth2")):
        (tmp_path / bridge / "brif" / port).mkdir(parents=True)
    for name in ("eth1/device", "eth2/device", "bond0/lower_eth3", "veth1/queues", "eth0/device"):
        (tmp_path / name).mkdir(parents=True)
    assert host_network.uplinks(str(tmp_path)) == ("br-bond", "br-lan")


def test_rules_are_saved_for_root_alone_and_no_file_is_left_of_none(tmp_path: Path) -> None:
    directory = tmp_path / "firewall"
    firewall = HostFirewall(local=True, directory=str(directory))
    assert firewall.saved("f") == ("", "")
    firewall.save("f", ("four\n", "six\n"))
    assert firewall.saved("f") == ("four\n", "six\n")
    assert os.stat(directory).st_mode & 0o777 == 0o700
    assert {each.name: each.stat().st_mode & 0o777 for each in directory.iterdir()} == {"f.v4": 0o600, "f.v6": 0o600}
    firewall.save("f", ("", ""))
    assert list(directory.iterdir()) == []
    assert HostFirewall(local=True).saved("f") is None


def test_a_directory_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    firewall = HostFirewall(local=True, directory=str(tmp_path / "file" / "firewall"))
    with pytest.raises(FirewallError, match=r"the rules cannot be saved in .*firewall: Not a directory"):
        firewall.save("f", ("four\n", ""))
