# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a server may go from its container."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum


class EgressKind(Enum):
    """Kinds of egress. The values are the words of ``orchestrator.network`` in mcp.config.json, except the last two."""

    INTERNET = "internet"
    FLEET = "fleet"
    NONE = "none"
    HOSTS = "hosts"
    ENGINE = "engine"


_NAMED = {kind.value: kind for kind in (EgressKind.INTERNET, EgressKind.FLEET, EgressKind.NONE)}
_DESCRIPTIONS = {
    EgressKind.INTERNET: "anywhere",
    EgressKind.FLEET: "only servers of its fleet that have network fleet too",
    EgressKind.NONE: "nowhere",
}


@dataclass(frozen=True)
class Egress:
    """Where one server may go. Made once, by the reader of the config; everything behind it reads the fields.

    ``hosts`` are host names, IPv4 addresses and CIDR blocks, and empty for all kinds but HOSTS. ``engine_network`` is
    the name of an existing network of the engine, and None for all kinds but ENGINE. ``instance_metadata`` opens the
    metadata service of the cloud instance beside that; it has an effect with INTERNET and HOSTS only.
    """

    kind: EgressKind = EgressKind.INTERNET
    hosts: tuple[str, ...] = ()
    engine_network: str | None = None
    instance_metadata: bool = False

    @classmethod
    def named(cls, word: str) -> Egress:
        """Reads ``internet``, ``fleet`` or ``none``; any other word is the name of a network of the engine."""
        kind = _NAMED.get(word)
        return cls(EgressKind.ENGINE, engine_network=word) if kind is None else cls(kind)

    @classmethod
    def to_hosts(cls, hosts: Sequence[str]) -> Egress:
        """Makes the egress to ``hosts`` and nothing else."""
        return cls(EgressKind.HOSTS, hosts=tuple(hosts))

    @classmethod
    def from_plain(cls, network: str | Sequence[str] | None, instance_metadata: bool | None = None) -> Egress:
        """Reads what ``plain_network`` and ``instance_metadata`` said in a dict, a label or JSON."""
        if network is None or isinstance(network, str):
            made = cls.named(network or EgressKind.INTERNET.value)
        else:
            made = cls.to_hosts(network)
        return replace(made, instance_metadata=True) if instance_metadata else made

    @property
    def plain_network(self) -> str | tuple[str, ...] | None:
        """``network`` as labels, the generation and state.json have it: None is INTERNET, a tuple the hosts."""
        if self.kind is EgressKind.HOSTS:
            return self.hosts
        if self.kind is EgressKind.ENGINE:
            return self.engine_network
        return None if self.kind is EgressKind.INTERNET else self.kind.value

    @property
    def is_confined(self) -> bool:
        """Returns whether only firewall rules of this fleet keep the server where it may be."""
        return self.kind in (EgressKind.FLEET, EgressKind.NONE, EgressKind.HOSTS)

    @property
    def has_own_rules(self) -> bool:
        """Returns whether firewall rules let its containers, known by MAC address, further than their network."""
        return self.kind is EgressKind.HOSTS or self.instance_metadata

    @property
    def description(self) -> str:
        """Where the server may go, in words for people."""
        if self.kind is EgressKind.HOSTS:
            return "only " + ", ".join(self.hosts) if self.hosts else "nowhere"
        return _DESCRIPTIONS.get(self.kind, f"as network {self.engine_network} lets it")

    def __str__(self) -> str:
        """``network`` as mcp.config.json has it."""
        if self.kind is EgressKind.HOSTS:
            return f"[{', '.join(self.hosts)}]"
        return self.engine_network or self.kind.value
