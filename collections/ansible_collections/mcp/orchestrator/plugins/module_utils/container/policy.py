# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What holds for every server of a fleet on this host, apart from the specs."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.seccomp import Profile, names_its_own
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import (
    BRIDGE_CALL_RECORD,
    BRIDGE_LOG_LEVEL,
    Confinement,
    Network,
)

ANY_ADDRESS = ("0.0.0.0", "::", "")  # noqa: S104


@dataclass(frozen=True)
class Policy:
    """``bridge`` is the runtime's directory on the host; the ports are inclusive; ``health_timeout`` is in seconds;
    ``seccomp`` the profile of those that bring none, which podman takes by its path;
    ``permissions`` are what the settings let entries have.

    ``host_ports`` are those of this host, beside the servers', that no container may reach; ``allowed_origins`` those
    of the pages that the bridges let speak to their servers; ``log_level`` is how much the bridges log: debug, info,
    warning or error; ``call_record`` whether they record calls, and ``traces`` whether with the traces of these.
    ``private`` are the servers with a network that they share with what they require.
    """

    fleet: str = "mcp"
    bridge: str | None = None
    port_range_start: int = 20000
    port_range_end: int = 29999
    publish_address: str = "127.0.0.1"
    host_ports: tuple[int, ...] = ()
    health_timeout: float = 60.0
    seccomp: Profile | None = None
    podman: bool = False
    permissions: Permissions = field(default_factory=Permissions)
    allowed_origins: tuple[str, ...] = ()
    log_level: str = BRIDGE_LOG_LEVEL
    call_record: bool = True
    traces: bool = False
    private: tuple[str, ...] = ()

    @property
    def network(self) -> str:
        """The name of the fleet's ordinary network."""
        return f"{self.fleet}-net"

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of all networks that the fleet may have."""
        return (*self._common, *(self.private_network(server) for server in self.private))

    @property
    def _common(self) -> tuple[str, ...]:
        return (self.network, *self.confined_networks, self.build_network)

    @property
    def build_network(self) -> str:
        """The name of the network in which images are built."""
        return f"{self.fleet}-build"

    @property
    def bridges(self) -> dict[str, str]:
        """The interfaces of the fleet's networks, by the names of these."""
        kinds = (rules.ORDINARY, rules.CLOSED, rules.PEERS, rules.BUILD)
        common = {name: rules.bridge_of(self.fleet, kind) for name, kind in zip(self._common, kinds, strict=True)}
        own = {self.private_network(server): rules.private_bridge_of(self.fleet, server) for server in self.private}
        return {**common, **own}

    @property
    def private_bridges(self) -> tuple[str, ...]:
        """The interfaces of the networks that servers share with what they require."""
        return tuple(rules.private_bridge_of(self.fleet, server) for server in self.private)

    def private_network(self, server: str) -> str:
        """Returns the name of the network that a server shares with what it requires."""
        return f"{self.fleet}-{server}.net"

    def lets_peers_talk(self, network: str) -> bool:
        """Returns whether the containers of one of the fleet's networks reach each other."""
        return network == self.confined_networks[1] or network in map(self.private_network, self.private)

    def with_private(self, specs: Iterable[Spec], networks: Iterable[Network] = ()) -> Policy:
        """This policy with the networks of what ``specs`` require, and of those of ``networks`` that are there."""
        found = {spec.name for spec in specs if spec.requires}
        found |= {each.server for each in networks if each.ours and each.server}
        return replace(self, private=tuple(sorted({*self.private, *found})))

    @property
    def closed_ports(self) -> tuple[str, ...]:
        """The host's ports that no container may reach, as the rules name them."""
        return (f"{self.port_range_start}:{self.port_range_end}", *map(str, sorted(set(self.host_ports))))

    @property
    def confined_networks(self) -> tuple[str, ...]:
        """The names of those that nothing leaves but by the firewall's leave."""
        return (f"{self.fleet}-closed", f"{self.fleet}-peers")

    def network_of(self, spec: Spec) -> str:
        """Returns the name of the network by which a server's containers, or those of a requirement, lead out."""
        closed, peers = self.confined_networks
        own = {
            EgressKind.INTERNET: self.network,
            EgressKind.NONE: closed,
            EgressKind.HOSTS: closed,
            EgressKind.FLEET: peers,
        }
        if spec.required_by is not None:
            return self.private_network(spec.required_by)
        return spec.egress.engine_network or own[spec.egress.kind]

    def networks_of(self, spec: Spec) -> tuple[str, ...]:
        """Returns the names of all networks that a server's containers join, the one that leads out first."""
        return (self.network_of(spec), *([self.private_network(spec.name)] if spec.requires else []))

    @property
    def bridge_digest(self) -> str | None:
        """The digest of the bridge's runtime, which is its directory's name."""
        return posixpath.basename(self.bridge.rstrip("/")) if self.bridge else None

    def seccomp_of(self, spec: Spec) -> Profile | None:
        """Returns the seccomp profile that a server's containers get from us."""
        return None if names_its_own(spec.host_config) else self.seccomp

    def on(self, engine: Confinement) -> Policy:
        """This policy as far as an engine can keep it."""
        return replace(self, seccomp=self.seccomp if engine.takes_profiles else None, podman=engine.podman)

    @property
    def reach_address(self) -> str:
        """Where a published port is reached from this host."""
        return "127.0.0.1" if self.publish_address in ANY_ADDRESS else self.publish_address

    def log_level_of(self, spec: Spec) -> str:
        """Returns how much a server's bridge logs: as its entry says, else as the settings say."""
        return str(spec.bridge.get("log_level", self.log_level))

    def call_record_of(self, spec: Spec) -> str:
        """Returns how a server's bridge records calls (off, on, traced): as its entry says, else as the settings
        say."""
        if not spec.bridge.get("call_record", self.call_record):
            return "off"
        return "traced" if self.traces else BRIDGE_CALL_RECORD

    def name_of(self, server: str, replica: int = 1) -> str:
        """Returns the name of a server's container once no older generation is left."""
        return f"{self.fleet}-{server}" if replica == 1 else f"{self.fleet}-{server}.{replica}"
