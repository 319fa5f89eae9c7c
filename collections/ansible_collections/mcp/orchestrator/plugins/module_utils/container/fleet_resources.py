# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the servers of a fleet have in common: networks, the firewall's rules, and what is remembered. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import egress, rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Action, Problem, Verb
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import volume_name
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import AllowedContainer, Ruleset
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, Network, World


def rules_volume(fleet: str, server: str) -> str:
    """Returns the name of the volume with the addresses of the hosts that a server may reach."""
    return f"{fleet}-{server}.hosts"


def allowed_container(spec: Spec, port: int, world: World, policy: Policy) -> AllowedContainer:
    """Returns what the rules allow to the container of ``spec`` that publishes ``port``."""
    before = egress.allowed_before(world.rules or Ruleset(), policy.fleet, world.host_network.own)
    addresses = {
        host: egress.still_allowed(world.addresses.get(host, ()), before.get((spec.name, host), ()))
        for host in spec.egress.hosts
    }
    mac = egress.mac_address(policy.fleet, spec.name, port)
    return AllowedContainer(spec.name, mac, addresses, metadata=spec.egress.instance_metadata)


def allowed_containers(containers: Sequence[Container], world: World, policy: Policy) -> dict[str, AllowedContainer]:
    """Returns the containers to which rules allow something, by id; each by the spec that it was made from."""
    return {
        each.id: allowed_container(each.spec, each.port, world, policy)
        for each in containers
        if each.spec is not None and each.port is not None and each.spec.egress.has_own_rules
    }


def desired_rules(allowed: Collection[AllowedContainer], world: World, policy: Policy) -> Ruleset:
    """Returns the rules that allow these containers their own way."""
    closed = world.networks.get(policy.confined_networks[0])
    subnet = closed.subnet if closed else None
    return rules.ruleset(
        policy.fleet, world.host_network, policy.closed_ports, subnet, list(allowed), policy.private_bridges
    )


def is_saved(desired: Ruleset, world: World, policy: Policy) -> bool:
    """Returns whether a boot would restore these rules, where it is to restore any."""
    return world.saved is None or world.saved == rules.restorable(desired, policy.fleet)


def setup_actions(specs: Sequence[Spec], world: World, policy: Policy) -> Iterator[Action]:
    """Returns the steps before a container starts: rules first, so that none runs a moment without them."""
    if world.rules is not None and (world.containers or any(spec.enabled for spec in specs)):
        desired = desired_rules(allowed_containers(world.containers, world, policy).values(), world, policy)
        stands = rules.same(world.rules, desired, policy.fleet)
        if not stands or not is_saved(desired, world, policy):
            missing = not world.rules.filter_rules
            reason = "its firewall rules are missing" if missing else "its firewall rules do not match its servers"
            yield Action(
                None,
                Verb.WRITE_RULES,
                "its firewall rules are not saved for the next boot" if stands else reason,
                target=rules.chain_of(policy.fleet),
                before={"rules": len(world.rules.filter_rules)},
                after={"rules": len(desired.filter_rules)},
            )
    for name in policy.networks:
        wanted = any(spec.enabled and name in policy.networks_of(spec) for spec in specs)
        network = world.networks.get(name)
        loose = network is not None and world.rules is not None and is_stale(name, network, policy)
        if wanted and loose and network is not None and not _joined(name, world):
            yield Action(
                None,
                Verb.REMOVE_NETWORK,
                f"its interface is not {policy.bridges[name]}, so no rule applies to it",
                target=name,
                container=network.id,
                before={"network": name},
            )
            network = None
        if wanted and network is None:
            traffic = "on" if policy.lets_peers_talk(name) else "off"
            yield Action(
                None,
                Verb.CREATE_NETWORK,
                f"the fleet has no network {name}",
                target=name,
                after={"network": name, "traffic between containers": traffic},
            )


def is_stale(name: str, network: Network, policy: Policy) -> bool:
    """Returns whether a network of the fleet was made by a release whose rules did not apply to it."""
    return network.ours and network.bridge != policy.bridges[name]


def _joined(name: str, world: World) -> bool:
    return any(name in (*each.networks, each.facts.network) for each in (*world.containers, *world.required))


def cleanup_actions(
    specs: Sequence[Spec], left: Sequence[Container], protected: frozenset[str], world: World, policy: Policy
) -> Iterator[Action]:
    """Returns the removal of what only the containers ``left`` do not need; nothing while a server is protected."""
    if protected:
        return
    used = {name for spec in specs for name in policy.networks_of(spec)}
    used |= {name for each in left for name in (*each.networks, each.facts.network)}
    if any(spec.build is not None for spec in specs):
        used.add(policy.build_network)
    stand = world.rules is not None and (world.rules.filter_rules or any(world.saved or ()))
    if world.rules is not None and stand and not left and not any(spec.enabled for spec in specs):
        yield Action(
            None,
            Verb.REMOVE_RULES,
            "no server is left that they confine",
            target=rules.chain_of(policy.fleet),
            before={"rules": len(world.rules.filter_rules)},
        )
    for name in policy.networks:
        network = world.networks.get(name)
        if network is not None and network.ours and name not in used:
            yield Action(
                None,
                Verb.REMOVE_NETWORK,
                "no server is left in it",
                target=name,
                container=network.id,
                before={"network": name},
            )


def stale_volumes(
    attempts: Mapping[str, str],
    specs: Sequence[Spec],
    left: Sequence[Container],
    protected: frozenset[str],
    world: World,
    policy: Policy,
) -> Iterator[str]:
    """Returns the volumes that are out of date. ``attempts`` are what is tried for each server now."""
    for server, failure in world.failures.items():
        stale = server not in attempts or not failure.counts(attempts[server], world.now)
        if stale and server not in protected and not server.startswith(tuple(f"{each}." for each in protected)):
            yield volume_name(policy.fleet, server)
    readers = {spec.name for spec in specs if spec.egress.kind is EgressKind.HOSTS} | protected
    readers |= {each.service for each in left if each.spec is None or each.spec.egress.kind is EgressKind.HOSTS}
    for server in world.hosts_files:
        if server not in readers:
            yield rules_volume(policy.fleet, server)


def unknown_hosts(specs: Sequence[Spec], world: World, policy: Policy) -> Iterator[Problem]:
    """Returns a problem for each listed host without an address, or with one that no name may lead to."""
    for spec in specs:
        if not spec.enabled or spec.egress.kind is not EgressKind.HOSTS or world.firewall_error:
            continue
        allowed = allowed_container(spec, 0, world, policy).addresses
        for host in sorted(allowed):
            refused = " ".join(each.removesuffix("/32") for each in world.refused.get(host, ()))
            if refused:
                yield Problem(
                    spec.name,
                    f"orchestrator.network: {host} has the address {refused}, which is not of the internet, and a"
                    " name may lead to no other; put the address itself into the list if the server should reach it",
                )
            elif not allowed[host]:
                yield Problem(
                    spec.name,
                    f"orchestrator.network: {host} has no IPv4 address, so the server cannot reach it;"
                    " correct the name, or check that this host's DNS answers",
                )
