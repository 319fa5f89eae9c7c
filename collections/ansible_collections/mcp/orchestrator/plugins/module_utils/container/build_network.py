# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The network in which images are built: as ordinary servers', with the internet and names and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.container import fleet_resources, rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import network_body
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import network_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import Engine, EngineError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import Firewall, FirewallError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.lock import fleet_lock
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy


@dataclass(frozen=True)
class BuildNetwork:
    """``name`` is None for the engine's own network; ``unprotected`` says why nothing confines builds, else empty."""

    name: str | None
    unprotected: str = ""


def build_network(
    engine: Engine, firewall: Firewall, policy: Policy, lock_directory: str | None = None
) -> BuildNetwork:
    """Returns the network in which the fleet's images are to be built, made and ruled where it is not yet.

    Raises EngineError, FirewallError and FleetBusy.
    """
    fleet = policy.fleet
    try:
        firewall.rules(fleet)
    except FirewallError as error:
        return BuildNetwork(None, _open(str(error)))
    with fleet_lock(fleet, directory=lock_directory):
        _rule(firewall, policy)
        _make(engine, policy)
    if not firewall.has_bridge(policy.bridges[policy.build_network]):
        return BuildNetwork(policy.build_network, _open(f"{policy.build_network} is not an interface of this host"))
    return BuildNetwork(policy.build_network)


def _rule(firewall: Firewall, policy: Policy) -> None:
    """Rules before the network, as they are for the containers that are there."""
    fleet = policy.fleet
    present = firewall.rules(fleet)
    desired = rules.renewed(present, fleet, firewall.host_network(), policy.closed_ports)
    if not rules.same(present, desired, fleet):
        firewall.write(fleet, present, desired)
    texts = rules.restorable(desired, fleet)
    if firewall.saved(fleet) not in (None, texts):
        firewall.save(fleet, texts)


def _make(engine: Engine, policy: Policy) -> None:
    name = policy.build_network
    found = next((network_of(each, policy.fleet) for each in engine.networks([name])), None)
    if found is not None and not found.ours:
        raise EngineError(
            f"a network {name} exists that is not of fleet {policy.fleet};"
            f" remove it (docker network rm {name}) or choose another fleet name"
        )
    if found is not None and fleet_resources.is_stale(name, found, policy):
        engine.remove_network(found.id)
        found = None
    if found is None:
        engine.create_network(network_body(policy, name))


def _open(why: str) -> str:
    return f"no firewall rule keeps image builds from the instance's metadata and from this host's ports: {why}"
