# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The rules as text: read back, replaced, saved, and followed as the kernel follows them."""

from __future__ import annotations

import ipaddress

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.addresses import METADATA, METADATA_IPV6
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import (
    AllowedContainer,
    HostNetwork,
    Ruleset,
)
from hypothesis import given
from hypothesis import strategies as st

MAC, OTHER_MAC = "0a:00:00:00:00:01", "0a:00:00:00:00:02"
ALLOWED = AllowedContainer("a", MAC, {"api.test": ("192.88.99.7/32", "192.88.99.8/32")})
HOST_NETWORK = HostNetwork(resolvers=("169.254.169.253", "10.0.0.2", "fd00::53"))
PORTS = ("20000:29999", "8482")
RULES = rules.ruleset("f", HOST_NETWORK, PORTS, "172.30.0.0/16", [ALLOWED])
NET, CLOSED, PEERS, BUILD = (rules.bridge_of("f", kind) for kind in "ncfb")
OTHER_FLEET = rules.bridge_of("g", "n")
HOST = ipaddress.ip_address("10.0.0.7")
WORLD = ipaddress.ip_address("192.88.99.7")


def matches(words: list[str], packet: dict[str, str]) -> bool:
    """Whether a rule applies to a packet; what the test does not know fails it."""
    said = iter(words)
    negated, matched = False, True
    for word in said:
        if word == "!":
            negated = True
            continue
        if word in ("-m",):
            next(said)
            continue
        if word in ("-j", "--comment"):
            break
        value = next(said)
        matched = matched and (_holds(word, value, packet) is not negated)
        negated = False
    return matched


def _holds(word: str, value: str, packet: dict[str, str]) -> bool:
    if word in ("-i", "-o"):
        name = packet.get(word, "")
        return name.startswith(value[:-1]) and bool(name) if value.endswith("+") else name == value
    if word == "-d":
        address = ipaddress.ip_address(packet["-d"])
        return address in ipaddress.ip_network(value)
    if word == "--dport":
        first, _colon, last = value.partition(":")
        return int(first) <= int(packet.get("port", 443)) <= int(last or first)
    if word == "--ctstate":
        return packet.get("state", "NEW") in value.split(",")
    if word == "--dst-type":
        return packet.get("type", "UNICAST") == value
    if word == "--icmpv6-type":
        return packet.get("icmp") == value
    known = {"-p": packet.get("-p", "tcp"), "--mac-source": packet.get("mac", "")}
    return known[word] == value


def passes(desired: Ruleset, **packet: str) -> bool:
    """Whether ours let a packet go on; with ``o`` it is forwarded, without it is for the host."""
    told = {f"-{key}" if len(key) == 1 else key: value for key, value in packet.items()}
    six = ":" in told["-d"]
    all_rules = desired.ipv6_rules if six else desired.filter_rules
    hook = "INPUT" if "-o" not in told else ("FORWARD" if six else "DOCKER-USER")
    if "-o" not in told:
        told.setdefault("type", "LOCAL")
    jumps = [rule for rule in all_rules if rule.startswith(f"-A {hook} ") and matches(rule.split(" ")[2:], told)]
    if not jumps:
        return True
    for rule in all_rules:
        if rule.startswith("-A MCP-f ") and matches(rule.split(" ")[2:], told):
            return rule.endswith("-j RETURN")
    raise AssertionError("the chain ends with no verdict")


def test_rules_are_read_back_from_what_iptables_saves_whatever_its_release() -> None:
    saved = "\n".join(
        [
            *("*filter", ":INPUT ACCEPT [0:0]", ":MCP-f - [0:0]", "-A INPUT -i eth0 -j ACCEPT", *RULES.filter_rules),
            *("-A DOCKER-USER -j RETURN", "COMMIT", "*nat", *RULES.nat_rules, "COMMIT"),
        ]
    )
    six = "\n".join(["*filter", *RULES.ipv6_rules, "COMMIT"])
    older = saved.replace('"mcp_fleet=f"', "mcp_fleet=f").replace("0a:00", "0A:00")
    assert rules.same(rules.ours(saved, six, "f"), RULES, "f")
    assert rules.same(rules.ours(older, six, "f"), RULES, "f")
    assert rules.ours(saved, six, "ff") == Ruleset()
    assert rules.allowed_in(rules.ours(older, six, "f"), "f") == [ALLOWED]


def test_rules_in_another_order_are_not_the_same() -> None:
    turned = Ruleset(
        (*RULES.filter_rules[:-2], RULES.filter_rules[-1], RULES.filter_rules[-2]), RULES.nat_rules, RULES.ipv6_rules
    )
    assert not rules.same(turned, RULES, "f")


def test_one_transaction_replaces_the_rules_and_another_leaves_nothing() -> None:
    for text in rules.transactions(Ruleset(), RULES, "f"):
        made = text.splitlines()
        assert made[:3] == [
            "*filter",
            ":MCP-f - [0:0]",
            "-A MCP-f -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
        ]
        assert [line for line in made if line.startswith("-D")] == []
    for text in rules.transactions(RULES, Ruleset(), "f"):
        gone = text.splitlines()
        assert gone[1] == ":MCP-f - [0:0]"
        assert gone[gone.index("COMMIT") - 1] == "-X MCP-f"
        assert [line for line in gone if line.startswith(("-A", "-I"))] == []
        assert len([line for line in gone if line.startswith("-D")]) >= 7


def test_what_is_saved_for_the_next_boot_restores_all_of_it_and_no_more() -> None:
    for text, expected in zip(
        rules.restorable(RULES, "f"), ([*RULES.filter_rules, *RULES.nat_rules], RULES.ipv6_rules), strict=True
    ):
        lines = text.splitlines()
        said = [line.replace("-I ", "-A ", 1) for line in lines if line.startswith(("-A ", "-I "))]
        assert sorted(said) == sorted(expected)
        assert all(line.startswith("-I") != line.startswith("-A MCP-f ") for line in lines if line.startswith("-"))
        assert [line for line in lines if line.startswith(":")] == [":MCP-f - [0:0]"]
    assert rules.restorable(Ruleset(), "f") == ("", "")


def test_who_does_not_know_the_guests_leaves_their_ways_open() -> None:
    everywhere = AllowedContainer("z", "0a:00:00:00:00:03", {"0.0.0.0/0": ("0.0.0.0/0",)})
    both = [ALLOWED, AllowedContainer("m", OTHER_MAC, {}, metadata=True), everywhere]
    present = rules.ruleset("f", HostNetwork(), ("1:2",), "172.30.0.0/16", both)
    assert rules.renewed(present, "f", HOST_NETWORK, PORTS) == rules.ruleset(
        "f", HOST_NETWORK, PORTS, "172.30.0.0/16", both
    )


@given(
    st.sampled_from([NET, CLOSED, PEERS, BUILD]),
    st.sampled_from(["eth0", "docker0", PEERS, NET, None]),
    st.sampled_from(
        [each.split("/")[0] for each in (*METADATA, *METADATA_IPV6)]
        + ["169.254.7.7", "169.254.169.253", "fe80::1", "fd00:ec2::99"]
    ),
    st.sampled_from([MAC, OTHER_MAC, ""]),
    st.sampled_from(["53", "80", "443", "20017"]),
    st.sampled_from(["tcp", "udp"]),
)
def test_no_metadata_and_no_link_local_address_is_reached_from_any_network_of_the_fleet(
    bridge: str, out: str | None, address: str, mac: str, port: str, protocol: str
) -> None:
    packet = {"i": bridge, "d": address, "mac": mac, "port": port, "p": protocol} | ({"o": out} if out else {})
    names = (
        bridge in (NET, BUILD) and port == "53" and address == "169.254.169.253" and out in (None, "eth0", "docker0")
    )
    between_peers = bridge == out == PEERS
    assert passes(RULES, **packet) == (names or between_peers)


def test_the_one_container_that_may_reaches_its_metadata_and_no_other_link_local_address() -> None:
    allowed = rules.ruleset("f", HOST_NETWORK, PORTS, None, [AllowedContainer("m", MAC, {}, metadata=True)])
    for address in (*METADATA, *METADATA_IPV6):
        assert passes(allowed, i=NET, o="eth0", d=address.partition("/")[0], mac=MAC)
        assert not passes(allowed, i=NET, o="eth0", d=address.partition("/")[0], mac=OTHER_MAC)
    assert not passes(allowed, i=NET, o="eth0", d="169.254.7.7", mac=MAC)


@pytest.mark.parametrize("bridge", [NET, CLOSED, PEERS, BUILD])
@pytest.mark.parametrize(("host", "resolver"), [("10.0.0.7", "10.0.0.2"), ("fd00::7", "fd00::53")])
def test_nothing_of_the_fleet_opens_a_connection_to_the_host_but_to_ask_for_names(
    bridge: str, host: str, resolver: str
) -> None:
    assert not passes(RULES, i=bridge, d=host, port="22")
    assert not passes(RULES, i=bridge, d=host, port="53")
    assert not passes(RULES, i=bridge, d=host, port="20017", mac=MAC)
    assert passes(RULES, i=bridge, d=host, port="22", state="ESTABLISHED")
    assert passes(RULES, i=bridge, d=resolver, port="53", p="udp") == (bridge in (NET, BUILD))
    assert not passes(RULES, i=bridge, d=resolver, port="80")


def test_no_address_of_a_list_opens_the_host_or_the_metadata() -> None:
    wide = rules.ruleset(
        "f", HOST_NETWORK, PORTS, "172.30.0.0/16", [AllowedContainer("a", MAC, {"0.0.0.0/0": ("0.0.0.0/0",)})]
    )
    assert passes(wide, i=CLOSED, o="eth0", d=str(WORLD), mac=MAC)
    assert not passes(wide, i=CLOSED, o="eth0", d=str(WORLD), mac=OTHER_MAC)
    assert not passes(wide, i=CLOSED, d=str(HOST), mac=MAC)
    assert not passes(wide, i=CLOSED, o="eth0", d="169.254.169.254", mac=MAC)
    assert not passes(wide, i=CLOSED, o=NET, d="172.18.0.2", mac=MAC)


@pytest.mark.parametrize("source", [NET, CLOSED, PEERS, BUILD, OTHER_FLEET, "docker0", "br-0123456789ab", "podman1"])
@pytest.mark.parametrize("target", [NET, CLOSED, PEERS, BUILD])
def test_no_container_reaches_into_a_network_of_the_fleet_but_its_peers(source: str, target: str) -> None:
    assert passes(RULES, i=source, o=target, d="172.18.0.2", port="8000") == (source == target == PEERS)


def test_what_a_server_requires_is_reached_from_within_its_own_network_alone_and_leads_nowhere() -> None:
    one, other = rules.private_bridge_of("f", "one"), rules.private_bridge_of("f", "other")
    told = rules.ruleset("f", HOST_NETWORK, PORTS, None, [], [one, other])
    for source in (NET, CLOSED, PEERS, BUILD, OTHER_FLEET, "docker0", one, other):
        assert passes(told, i=source, o=one, d="172.18.0.2", port="5432") == (source == one)
    assert not passes(told, i=one, o="eth0", d=str(WORLD))
    assert not passes(told, i=one, d=str(HOST), port="22")
    assert rules.renewed(told, "f", HOST_NETWORK, PORTS) == told
    assert len(one) == 15


@pytest.mark.parametrize("source", [OTHER_FLEET, "docker0", "br-0123456789ab"])
def test_other_containers_reach_the_host_but_for_the_ports_that_only_its_balancer_may(source: str) -> None:
    assert not passes(RULES, i=source, d=str(HOST), port="20017")
    assert not passes(RULES, i=source, d=str(HOST), port="8482")
    assert not passes(RULES, i=source, d="fd00::7", port="29999")
    assert passes(RULES, i=source, d=str(HOST), port="8080")
    assert passes(RULES, i=source, d=str(HOST), port="20017", p="udp")


@pytest.mark.parametrize("target", [NET, CLOSED, PEERS])
def test_the_balancer_reaches_every_server_from_outside(target: str) -> None:
    assert passes(RULES, i="eth0", o=target, d="172.18.0.2", port="8000")
    assert passes(RULES, i="eth0", d=str(HOST), port="20017")


def test_a_bridge_that_leads_out_of_the_host_is_no_container() -> None:
    bridged = rules.ruleset("f", HostNetwork(uplinks=("br-lan",)), PORTS, None, [])
    assert passes(bridged, i="br-lan", o=NET, d="172.18.0.2", port="8000")
    assert passes(bridged, i="br-lan", d=str(HOST), port="20017")
    assert not passes(bridged, i="br-wan", d=str(HOST), port="20017")


def test_where_there_is_no_ipv6_no_rules_are_made_for_it() -> None:
    assert rules.ruleset("f", HostNetwork(ipv6=False), PORTS, None, []).ipv6_rules == ()


def test_the_rules_of_ipv6_stand_where_the_engine_looks_first() -> None:
    with_chain = rules.ruleset("f", HostNetwork(user_chain_ipv6=True), PORTS, None, [])
    assert {rule.split(" ")[1] for rule in with_chain.ipv6_rules} == {"DOCKER-USER", "INPUT", "MCP-f"}
    assert {rule.split(" ")[1] for rule in RULES.ipv6_rules} == {"FORWARD", "INPUT", "MCP-f"}


@pytest.mark.parametrize("fleet", ["f", "a-fleet-with-a-name-that-is-longer-than-any-chain-may-be"])
def test_names_fit_where_they_have_to(fleet: str) -> None:
    assert len(rules.chain_of(fleet)) <= 28
    names = {rules.bridge_of(fleet, kind) for kind in "ncfb"}
    assert (len(names), {len(name) <= 15 for name in names}) == (4, {True})
