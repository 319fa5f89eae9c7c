# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a server may go from its container: anywhere, to the others of its fleet, to some hosts, or nowhere.

``internet`` servers are in the fleet's ordinary network. The others are in networks which the engine gives no way out:
no address translation, and rules of ours that turn away what leaves them. A server of a list of hosts is let out by
its container's MAC address, which without capabilities it cannot change, to the addresses that those names had when
they were last looked up; names stand in its ``/etc/hosts``, and no other name is answered, so that a look-up carries
nothing out either. Pure.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

INTERNET, FLEET, NONE, HOSTS, ENGINE = "internet", "fleet", "none", "hosts", "engine"
# Nothing answers there: the engine's own name server then knows the containers of the network and no other name.
NO_NAME_SERVER = "127.0.0.1"
# Addresses that a name had before stay allowed, since names of big services take turns between several.
ADDRESSES_KEPT = 16
LONGEST_CHAIN = 28
_FORGERS = frozenset({"ALL", "NET_ADMIN", "NET_RAW"})


def kind_of(spec: Spec) -> str:
    """INTERNET, FLEET, NONE or HOSTS, or ENGINE for a network of the engine that the spec names."""
    if isinstance(spec.network, tuple):
        return HOSTS
    if spec.network in (None, INTERNET):
        return INTERNET
    return spec.network if spec.network in (FLEET, NONE) else ENGINE


def confined(spec: Spec) -> bool:
    """Whether the firewall is needed to keep the server where it may be."""
    return kind_of(spec) in (FLEET, NONE, HOSTS)


def described(spec: Spec) -> str:
    """Where the server may go, in words for people."""
    kind = kind_of(spec)
    if kind == HOSTS:
        return "only " + ", ".join(spec.network or ()) if spec.network else "nowhere"
    words = {INTERNET: "anywhere", FLEET: "only servers of its fleet that have network fleet too", NONE: "nowhere"}
    return words.get(kind, f"as network {spec.network} lets it")


def forges(spec: Spec) -> str:
    """The right by which the server's container could pretend to be another one; empty when it has none."""
    if spec.host_config.get("Privileged"):
        return "privileged"
    added = {str(each).upper().removeprefix("CAP_") for each in spec.host_config.get("CapAdd") or ()}
    return " ".join(sorted(added & _FORGERS))


def mac_address(fleet: str, server: str, port: int) -> str:
    """The MAC address of the container that publishes ``port``; locally administered, as all addresses of engines."""
    digest = hashlib.sha256(f"{fleet}/{server}/{port}".encode()).digest()
    return ":".join(f"{byte:02x}" for byte in (0x0A, *digest[:5]))


def literal(host: str) -> str | None:
    """``host`` as rules name it, when it is an IPv4 address or a range of them."""
    try:
        return str(ipaddress.IPv4Network(host, strict=False))
    except ValueError:
        return None


def hosts_file(addresses: Mapping[str, Sequence[str]]) -> str:
    """The ``/etc/hosts`` of a server that may reach these names."""
    lines = ["127.0.0.1 localhost", "::1 localhost"]
    lines += [
        f"{address.removesuffix('/32')} {host}"
        for host, found in sorted(addresses.items())
        if literal(host) is None
        for address in found
    ]
    return "\n".join(lines) + "\n"


@dataclass(frozen=True)
class Guest:
    """One container of a server of a list of hosts; ``addresses`` are those let through for each of them."""

    server: str
    mac: str
    addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class Ruleset:
    """The fleet's rules as ``iptables-save`` writes them: those of its chain, the jumps to it, the translation."""

    filter_rules: tuple[str, ...] = ()
    nat_rules: tuple[str, ...] = ()


def chain_of(fleet: str) -> str:
    """The chain that holds the fleet's rules."""
    name = f"MCP-{fleet}"
    return name if len(name) <= LONGEST_CHAIN else f"MCP-{hashlib.sha256(fleet.encode()).hexdigest()[:16]}"


def bridge_name(fleet: str, kind: str) -> str:
    """The interface of the fleet's network for servers of that kind; interfaces have at most 15 characters."""
    return f"mcp-{hashlib.sha256(fleet.encode()).hexdigest()[:7]}-{'f' if kind == FLEET else 'c'}"


def ruleset(fleet: str, subnet: str | None, guests: Sequence[Guest]) -> Ruleset:
    """The rules that keep a fleet's confined servers where they may be; ``subnet`` is that of the closed network."""
    chain, closed, peers = chain_of(fleet), bridge_name(fleet, NONE), bridge_name(fleet, FLEET)
    mark = f'-m comment --comment "mcp_fleet={fleet}"'
    rules = [
        f"-A DOCKER-USER -i {closed} {mark} -j {chain}",
        f"-A DOCKER-USER -i {peers} ! -o {peers} {mark} -j {chain}",
        *(f"-A INPUT -i {bridge} {mark} -j {chain}" for bridge in (closed, peers)),
        f"-A {chain} -m conntrack --ctstate RELATED,ESTABLISHED -j RETURN",
    ]
    for guest in sorted(guests, key=lambda each: (each.server, each.mac)):
        for host, addresses in sorted(guest.addresses.items()):
            note = f'-m comment --comment "{guest.server}: {host}"'
            rules += [
                f"-A {chain} -d {address} -m mac --mac-source {guest.mac} {note} -j RETURN" for address in addresses
            ]
    rules.append(f"-A {chain} -j REJECT --reject-with icmp-admin-prohibited")
    translated = guests and subnet
    nat = [f"-A POSTROUTING -s {subnet} ! -o {closed} {mark} -j MASQUERADE"] if translated else []
    return Ruleset(tuple(rules), tuple(nat))


def allowed_before(rules: Ruleset, fleet: str) -> dict[tuple[str, str], tuple[str, ...]]:
    """The addresses that rules let through, by server and host."""
    found: dict[tuple[str, str], tuple[str, ...]] = {}
    for rule in rules.filter_rules:
        words = rule.split(" ")
        if words[1] == chain_of(fleet) and words[2] == "-d" and '--comment "' in rule:
            server, _colon, host = rule.partition('--comment "')[2].partition('"')[0].partition(": ")
            before = found.get((server, host), ())
            found[server, host] = before if words[3] in before else (*before, words[3])
    return found


def still_allowed(answer: Sequence[str], before: Sequence[str]) -> tuple[str, ...]:
    """The addresses to let through for a name that now has those of ``answer``."""
    if set(answer) <= set(before):
        return tuple(before)
    return tuple(dict.fromkeys((*answer, *before)))[:ADDRESSES_KEPT]


def transaction(present: Ruleset, wished: Ruleset, fleet: str) -> str:
    """What ``iptables-restore --noflush`` needs to make one set of rules of ours into the other, each table at once."""
    chain = chain_of(fleet)
    own = f"-A {chain} "
    had = any(rule.startswith(own) for rule in present.filter_rules)
    inside = [rule for rule in wished.filter_rules if rule.startswith(own)]
    lines = ["*filter"]
    if had or inside:
        lines.append(f":{chain} - [0:0]")
    lines += inside
    # Anew and first in their chains, so that no rule of the operator's lets through what ours turn away.
    lines += _without(own, present.filter_rules, "-D ") + _without(own, wished.filter_rules, "-I ")
    if had and not inside:
        lines.append(f"-X {chain}")
    lines += ["COMMIT", "*nat", *_without(own, present.nat_rules, "-D "), *_without(own, wished.nat_rules, "-I ")]
    return "\n".join([*lines, "COMMIT", ""])


def ours(saved: str, fleet: str) -> Ruleset:
    """The fleet's rules out of what ``iptables-save`` wrote."""
    chain = chain_of(fleet)
    mark = f'--comment "mcp_fleet={fleet}"'
    table = ""
    found: dict[str, list[str]] = {"filter": [], "nat": []}
    for line in saved.splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif table in found and (line.startswith(f"-A {chain} ") or (line.startswith("-A ") and mark in _normal(line))):
            found[table].append(_normal(line))
    order = {"DOCKER-USER": 0, "INPUT": 1, chain: 2}
    rules = sorted(found["filter"], key=lambda rule: order.get(rule.split(" ")[1], 3))
    return Ruleset(tuple(rules), tuple(found["nat"]))


def same(one: Ruleset, other: Ruleset) -> bool:
    """Whether two sets do the same: the order counts within the fleet's own chain only, and there the last rule's."""
    return (
        sorted(one.filter_rules) == sorted(other.filter_rules)
        and one.filter_rules[-1:] == other.filter_rules[-1:]
        and sorted(one.nat_rules) == sorted(other.nat_rules)
    )


def _without(own: str, rules: Sequence[str], command: str) -> list[str]:
    """The rules outside the fleet's own chain, as ``command`` instead of appending."""
    return [command + rule.removeprefix("-A ") for rule in rules if not rule.startswith(own)]


def _normal(rule: str) -> str:
    """``rule`` as ``ruleset`` writes it: releases of iptables differ in the quotes and in the letters of a MAC."""
    words = rule.split(" ")
    for place, word in enumerate(words[:-1]):
        if word == "--comment" and not words[place + 1].startswith('"'):
            words[place + 1] = f'"{words[place + 1]}"'
        elif word == "--mac-source":
            words[place + 1] = words[place + 1].lower()
    return " ".join(words)
