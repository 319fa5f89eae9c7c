# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Letting the containers of confined servers through where they may go, and nowhere else."""

from __future__ import annotations

import os
import threading
from dataclasses import replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import egress, fleet_resources, labels, rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import network_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import FirewallError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host import Host
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import Ruleset
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import World

HOSTS_PATH = "/etc/hosts"


class EgressControl:
    """The firewall during one run. Its methods may be called from several threads."""

    def __init__(self, host: Host, world: World, policy: Policy) -> None:
        self._engine = host.engine
        self._firewall = host.firewall
        self._files = host.files
        self._world = world
        self._policy = policy
        self._lock = threading.Lock()
        self._present = world.rules or Ruleset()
        self._saved = world.saved
        self._allowed = fleet_resources.allowed_containers(world.containers, world, policy)
        self._left = False
        self.unbound = set(world.unbound)

    def write(self) -> None:
        """Puts the rules in place that the containers which are there need. Raises FirewallError."""
        with self._lock:
            self._write(fleet_resources.desired_rules(self._allowed.values(), self._world, self._policy))

    def remove(self) -> None:
        """Takes all rules of the fleet away. Raises FirewallError."""
        with self._lock:
            self._allowed.clear()
            self._left = False
            self._write(Ruleset())

    def allow(self, spec: Spec, port: int) -> list[str]:
        """Opens the way for a container that is about to be made; gives the mounts that it needs for that.

        Raises FirewallError when nothing would keep the container where it may be and its spec says that it must be
        kept there; others are listed in ``unbound`` afterwards.
        """
        network = self._policy.network_of(spec)
        bridge = self._policy.bridges.get(network)
        if bridge is not None and not self._firewall.has_bridge(bridge):
            with self._lock:
                self.unbound.add(network)
            if spec.egress.is_confined:
                raise FirewallError(
                    f"the network {network} is not an interface of this host, so no rule here applies to it;"
                    " is the engine in a network namespace of its own, or was the network made by hand?"
                )
        if not spec.egress.has_own_rules or self._world.firewall_error:
            return []
        with self._lock:
            self._know_the_subnet()
            allowed = fleet_resources.allowed_container(spec, port, self._world, self._policy)
            self._allowed[allowed.mac] = allowed
            self._write(fleet_resources.desired_rules(self._allowed.values(), self._world, self._policy))
            return [f"{self._tell(spec)}:{HOSTS_PATH}:ro"] if spec.egress.kind is EgressKind.HOSTS else []

    def revoke(self, identity: str, port: int | None, server: str) -> None:
        """Notes that a container is gone, and with it the way that was open for it."""
        with self._lock:
            mac = egress.mac_address(self._policy.fleet, server, port or 0)
            gone = [self._allowed.pop(key, None) for key in (identity, mac)]
            self._left = self._left or any(gone)

    def forget_network(self, name: str) -> None:
        """Notes that a network which a server shared with what it requires is gone, and with it the way inside."""
        with self._lock:
            left = tuple(each for each in self._policy.private if self._policy.private_network(each) != name)
            self._left = self._left or (left != self._policy.private and bool(self._present.filter_rules))
            self._policy = replace(self._policy, private=left)

    def close(self) -> None:
        """Closes the way of removed containers, and gives the others today's addresses.

        Raises FirewallError and FileError.
        """
        with self._lock:
            if self._left:
                self._write(fleet_resources.desired_rules(self._allowed.values(), self._world, self._policy))
            for server in {each.server for each in self._allowed.values()} & set(self._world.hosts_files):
                hosts = {host for each in self._allowed.values() if each.server == server for host in each.addresses}
                self._write_hosts(self._world.hosts_files[server], server, hosts)

    def _tell(self, spec: Spec) -> str:
        """The file with the addresses of a server's hosts, in a volume of the engine."""
        name = fleet_resources.rules_volume(self._policy.fleet, spec.name)
        marks = {labels.FLEET: self._policy.fleet, labels.SERVICE: spec.name, labels.HOSTS: "yes"}
        return self._write_hosts(self._engine.create_volume(name, marks), spec.name, set(spec.egress.hosts))

    def _write_hosts(self, directory: str, server: str, hosts: set[str]) -> str:
        path = os.path.join(directory, "hosts")
        allowed = {
            host: found
            for each in self._allowed.values()
            for host, found in each.addresses.items()
            if each.server == server
        }
        text = egress.hosts_file({host: self._world.addresses.get(host) or allowed.get(host, ()) for host in hosts})
        self._files.write_text(path, text)
        return path

    def _know_the_subnet(self) -> None:
        closed = self._policy.confined_networks[0]
        if closed not in self._world.networks:
            found = self._engine.networks([closed])
            known = {each["Name"]: network_of(each, self._policy.fleet) for each in found}
            self._world = replace(self._world, networks={**self._world.networks, **known})

    def _write(self, desired: Ruleset) -> None:
        fleet = self._policy.fleet
        if self._world.firewall_error:
            return
        if not rules.same(self._present, desired, fleet):
            self._firewall.write(fleet, self._present, desired)
            self._present = desired
        texts = rules.restorable(desired, fleet)
        if self._saved is not None and self._saved != texts:
            self._firewall.save(fleet, texts)
            self._saved = texts
