# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet's rules as ``iptables-save`` and ``ip6tables-save`` write them. Pure.

All stand in one chain of the fleet's own, to which marked rules of DOCKER-USER and INPUT lead. They name the fleet's
bridges and nothing that the engine creates again, so that a boot can restore them before the engine starts.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import string
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.config import addresses

# The networks of a fleet, and what the names of their bridges end with.
ORDINARY, CLOSED, PEERS, BUILD = "n", "c", "f", "b"
LONGEST_CHAIN = 28
# What the bridges of containers are called: Docker's, those of fleets, podman's, those of CNI's plugins.
CONTAINERS = ("docker+", "br-+", "mcp-+", "podman+", "cni+")
METADATA_NOTE = "instance metadata"
EVERYWHERE = "0.0.0.0/0"


@dataclass(frozen=True)
class AllowedContainer:
    """One container that is let further than its network; ``addresses`` are those let through, by host.

    ``metadata``: whether it may reach the addresses of instance metadata.
    """

    server: str
    mac: str
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    metadata: bool = False


@dataclass(frozen=True)
class HostNetwork:
    """What of this host the rules depend on.

    ``resolvers`` are the addresses that containers ask for names; ``uplinks`` are bridges that are called like those of
    containers and lead out of the host; ``own`` are the host's IPv4 addresses; ``ipv6`` says whether ip6tables is
    there, ``user_chain_ipv6`` whether the engine keeps DOCKER-USER there too.
    """

    resolvers: tuple[str, ...] = ()
    uplinks: tuple[str, ...] = ()
    own: frozenset[str] = frozenset()
    ipv6: bool = True
    user_chain_ipv6: bool = False


@dataclass(frozen=True)
class Ruleset:
    """The fleet's rules: those of the table filter with the jumps to its chain, the translation, and those of IPv6."""

    filter_rules: tuple[str, ...] = ()
    nat_rules: tuple[str, ...] = ()
    ipv6_rules: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Family:
    reject: str
    hook: str
    reserved: tuple[str, ...]
    metadata: tuple[str, ...]
    version: int


def chain_of(fleet: str) -> str:
    """Returns the chain that holds the fleet's rules."""
    name = f"MCP-{fleet}"
    return name if len(name) <= LONGEST_CHAIN else f"MCP-{hashlib.sha256(fleet.encode()).hexdigest()[:16]}"


def bridges_of(fleet: str) -> str:
    """Returns the pattern that the interfaces of all networks of the fleet match, and no other."""
    return f"mcp-{hashlib.sha256(fleet.encode()).hexdigest()[:7]}-+"


def bridge_of(fleet: str, network: str) -> str:
    """Returns the interface of one of the fleet's networks; interfaces have at most 15 characters."""
    return bridges_of(fleet).removesuffix("+") + network


def private_bridge_of(fleet: str, server: str) -> str:
    """Returns the interface of the network that a server shares with what it requires. Two may come to the same."""
    number = int.from_bytes(hashlib.sha256(server.encode()).digest()[:8], "big")
    letters = string.digits + string.ascii_letters
    return bridge_of(fleet, "".join(letters[number // len(letters) ** place % len(letters)] for place in range(3)))


def ruleset(
    fleet: str,
    host_network: HostNetwork,
    ports: Sequence[str],
    subnet: str | None,
    allowed: Sequence[AllowedContainer],
    private: Sequence[str] = (),
) -> Ruleset:
    """Returns the rules that keep a fleet's servers and builds where they may be.

    ``ports`` are the host's that no container may reach, as ``20000:29999`` or ``8482``; ``subnet`` is that of the
    closed network; ``private`` are the interfaces of networks whose containers reach each other and nothing else.
    """
    allowed = sorted(allowed, key=lambda each: (each.server, each.mac))
    mark = f'-m comment --comment "mcp_fleet={fleet}"'
    closed = bridge_of(fleet, CLOSED)
    translated = subnet and any(each.addresses for each in allowed)
    ipv4 = _Family("icmp-admin-prohibited", "DOCKER-USER", addresses.RESERVED, addresses.METADATA, 4)
    hook = "DOCKER-USER" if host_network.user_chain_ipv6 else "FORWARD"
    ipv6 = _Family("icmp6-adm-prohibited", hook, addresses.RESERVED_IPV6, addresses.METADATA_IPV6, 6)
    return Ruleset(
        (*_jumps(fleet, ipv4, mark), *_inside(fleet, ipv4, host_network, ports, allowed, private)),
        (f"-A POSTROUTING -s {subnet} ! -o {closed} {mark} -j MASQUERADE",) if translated else (),
        (*_jumps(fleet, ipv6, mark), *_inside(fleet, ipv6, host_network, ports, allowed, private))
        if host_network.ipv6
        else (),
    )


def _jumps(fleet: str, family: _Family, mark: str) -> Iterator[str]:
    """What leads to the fleet's chain: all that leaves or enters its bridges, and what containers send the host."""
    chain, ours = chain_of(fleet), bridges_of(fleet)
    yield f"-A {family.hook} -i {ours} {mark} -j {chain}"
    yield f"-A {family.hook} -o {ours} {mark} -j {chain}"
    for each in CONTAINERS:
        yield f"-A INPUT -i {each} {mark} -j {chain}"


def _inside(
    fleet: str,
    family: _Family,
    host_network: HostNetwork,
    ports: Sequence[str],
    allowed: Sequence[AllowedContainer],
    private: Sequence[str],
) -> Iterator[str]:
    """The rules of the fleet's own chain, in their order."""
    ours, peers = bridges_of(fleet), bridge_of(fleet, PEERS)
    rule = f"-A {chain_of(fleet)}"
    reject = f"-j REJECT --reject-with {family.reject}"
    yield f"{rule} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN"
    yield from (f"{rule} -i {each} -j RETURN" for each in host_network.uplinks)
    # Into the fleet: from its balancer, and from no container but between peers.
    yield from (f"{rule} -i {each} -o {each} -j RETURN" for each in (peers, *sorted(private)))
    yield from (f"{rule} -i {each} -o {ours} {reject}" for each in CONTAINERS)
    yield f"{rule} -o {ours} -j RETURN"
    # From other containers to the host, where the engine's proxies would take them to the fleet's servers.
    yield from (f"{rule} ! -i {ours} -p tcp -m tcp --dport {each} {reject}" for each in ports)
    yield f"{rule} ! -i {ours} -j RETURN"
    # Out of the fleet. First what is let through in spite of what no list of hosts and no network opens.
    yield from _exceptions(fleet, family, host_network, allowed)
    yield from (f"{rule} -d {each} {reject}" for each in family.reserved)
    kinds = ("LOCAL", "BROADCAST", "MULTICAST") if family.version == 4 else ("LOCAL", "MULTICAST")
    yield from (f"{rule} -m addrtype --dst-type {each} {reject}" for each in kinds)
    yield from (f"{rule} -i {bridge_of(fleet, each)} -j RETURN" for each in (ORDINARY, BUILD))
    for each in allowed if family.version == 4 else ():
        for host, found in sorted(each.addresses.items()):
            yield from (_opening(rule, address, each, host) for address in found)
    yield f"{rule} {reject}"


def _exceptions(
    fleet: str, family: _Family, host_network: HostNetwork, allowed: Sequence[AllowedContainer]
) -> Iterator[str]:
    rule = f"-A {chain_of(fleet)}"
    if family.version == 6:
        # Without these no neighbour is found (RFC 4861): router and neighbour solicitations, advertisements.
        yield from (f"{rule} -p ipv6-icmp -m icmp6 --icmpv6-type {each} -j RETURN" for each in (133, 135, 136))
    for each in allowed:
        if each.metadata:
            yield from (_opening(rule, address, each, METADATA_NOTE) for address in family.metadata)
    asked = [each for each in map(ipaddress.ip_address, host_network.resolvers) if each.version == family.version]
    for bridge in (ORDINARY, BUILD):
        for address in asked:
            for protocol in ("udp", "tcp"):
                yield (
                    f"{rule} -d {address}/{address.max_prefixlen} -i {bridge_of(fleet, bridge)}"
                    f" -p {protocol} -m {protocol} --dport 53 -j RETURN"
                )


def _opening(rule: str, address: str, allowed: AllowedContainer, why: str) -> str:
    note = f'-m comment --comment "{allowed.server}: {why}"'
    to = "" if address == EVERYWHERE else f" -d {address}"  # as iptables-save leaves it out
    return f"{rule}{to} -m mac --mac-source {allowed.mac} {note} -j RETURN"


def allowed_in(rules: Ruleset, fleet: str) -> list[AllowedContainer]:
    """Returns the allowed containers that rules were made for."""
    found: dict[tuple[str, str], dict[str, list[str]]] = {}
    for rule in rules.filter_rules:
        if not rule.startswith(f"-A {chain_of(fleet)} ") or " --mac-source " not in rule:
            continue
        words = rule.split(" ")
        address = words[3] if words[2] == "-d" else EVERYWHERE
        server, _colon, host = rule.partition('--comment "')[2].partition('"')[0].partition(": ")
        mac = words[words.index("--mac-source") + 1]
        found.setdefault((server, mac), {}).setdefault(host, []).append(address)
    return [
        AllowedContainer(
            server,
            mac,
            {host: tuple(each) for host, each in hosts.items() if host != METADATA_NOTE},
            METADATA_NOTE in hosts,
        )
        for (server, mac), hosts in found.items()
    ]


def renewed(present: Ruleset, fleet: str, host_network: HostNetwork, ports: Sequence[str]) -> Ruleset:
    """Returns ``present`` brought up to date, but with its allowed containers, for callers that do not know them."""
    subnet = next((rule.split(" -s ")[1].split(" ")[0] for rule in present.nat_rules), None)
    return ruleset(fleet, host_network, ports, subnet, allowed_in(present, fleet), _private_in(present, fleet))


def _private_in(rules: Ruleset, fleet: str) -> list[str]:
    """The interfaces within which rules let containers reach each other, but for that of the peers."""
    inside = re.compile(rf"-A {re.escape(chain_of(fleet))} -i (\S+) -o (\S+) -j RETURN")
    found = [match for match in map(inside.fullmatch, rules.filter_rules) if match and match[1] == match[2]]
    return [match[1] for match in found if match[1] != bridge_of(fleet, PEERS)]


def transactions(present: Ruleset, desired: Ruleset, fleet: str) -> tuple[str, str]:
    """Returns the inputs of ``iptables-restore --noflush`` and ``ip6tables-restore`` that turn one set into the other.

    The second is empty where there is nothing to do.
    """
    ipv4 = _filter(present.filter_rules, desired.filter_rules, fleet)
    ipv4 += ["*nat", *_each("-D", present.nat_rules), *_each("-I", desired.nat_rules), "COMMIT"]
    changed = bool(present.ipv6_rules or desired.ipv6_rules)
    ipv6 = _filter(present.ipv6_rules, desired.ipv6_rules, fleet) if changed else []
    return _text(ipv4), _text(ipv6)


def restorable(rules: Ruleset, fleet: str) -> tuple[str, str]:
    """Returns two texts from which a boot restores the rules, for IPv4 and for IPv6; empty where there are none."""
    ipv4 = _filter((), rules.filter_rules, fleet) if rules.filter_rules else []
    if rules.nat_rules:
        ipv4 += ["*nat", *_each("-I", rules.nat_rules), "COMMIT"]
    return _text(ipv4), _text(_filter((), rules.ipv6_rules, fleet) if rules.ipv6_rules else [])


def ours(saved: str, saved_ipv6: str, fleet: str) -> Ruleset:
    """Returns the fleet's rules out of what ``iptables-save`` and ``ip6tables-save`` wrote."""
    tables, tables_ipv6 = _ours(saved, fleet), _ours(saved_ipv6, fleet)
    return Ruleset(tuple(tables["filter"]), tuple(tables["nat"]), tuple(tables_ipv6["filter"]))


def same(one: Ruleset, other: Ruleset, fleet: str) -> bool:
    """Returns whether two sets do the same: the order counts within the fleet's own chain only."""
    own = f"-A {chain_of(fleet)} "
    return (
        _split(own, one.filter_rules) == _split(own, other.filter_rules)
        and sorted(one.nat_rules) == sorted(other.nat_rules)
        and _split(own, one.ipv6_rules) == _split(own, other.ipv6_rules)
    )


def _split(own: str, rules: Sequence[str]) -> tuple[list[str], list[str]]:
    inside = [rule for rule in rules if rule.startswith(own)]
    return inside, sorted(rule for rule in rules if not rule.startswith(own))


def _filter(present: Sequence[str], desired: Sequence[str], fleet: str) -> list[str]:
    chain = chain_of(fleet)
    own = f"-A {chain} "
    had = any(rule.startswith(own) for rule in present)
    inside, outside = _split(own, desired)
    lines = ["*filter"]
    if had or inside:
        lines.append(f":{chain} - [0:0]")
    lines += inside
    # Inserted again, first in their chains, so that no rule of the operator's lets through what ours turn away.
    lines += _each("-D", _split(own, present)[1]) + _each("-I", outside)
    if had and not inside:
        lines.append(f"-X {chain}")
    return [*lines, "COMMIT"]


def _each(command: str, rules: Sequence[str]) -> list[str]:
    return [f"{command} {rule.removeprefix('-A ')}" for rule in rules]


def _text(lines: Sequence[str]) -> str:
    return "\n".join([*lines, ""]) if lines else ""


def _ours(saved: str, fleet: str) -> dict[str, list[str]]:
    chain = chain_of(fleet)
    mark = f'--comment "mcp_fleet={fleet}"'
    table = ""
    found: dict[str, list[str]] = {"filter": [], "nat": []}
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif table in found and (line.startswith(f"-A {chain} ") or (line.startswith("-A ") and mark in _normal(line))):
            found[table].append(_normal(line))
    return found


def _normal(rule: str) -> str:
    """``rule`` as ``ruleset`` writes it: releases of iptables differ in the quotes and in the letters of a MAC."""
    words = rule.split(" ")
    for place, word in enumerate(words[:-1]):
        if word == "--comment" and not words[place + 1].startswith('"'):
            words[place + 1] = f'"{words[place + 1]}"'
        elif word == "--mac-source":
            words[place + 1] = words[place + 1].lower()
    return " ".join(words)
