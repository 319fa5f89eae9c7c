# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where a server answers on this host."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.isolation import keeps_sessions

if TYPE_CHECKING:  # who routes reads endpoints, and need not know what containers are made of
    from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec


@dataclass(frozen=True)
class Endpoint:
    """``ports`` are those of all replicas that serve, ``port`` the first of them; both empty without a container.

    ``container`` is the id of the one that serves, the first of several replicas; ``container_name`` its name at the
    end of the call. ``state`` is running, failed, stopped (by an operator) or planned. ``exceptions`` are what the
    server's container is allowed beyond the defaults. ``priority``, ``conditions`` and ``auth`` are what the server's
    entry asks of its route. ``bridged`` is whether a bridge answers at the address. ``keeps_sessions`` is whether a
    client's session lives in one container alone, and ``superseded`` are the ports of replaced containers that still
    run and may hold such sessions. ``host_header`` is what the server gets as Host, None where that is what its client
    sends. ``requires`` is what the server needs beside itself, as RequirementState has it, in its order.
    ``workload`` is what runs it on a cluster, None on a host: kind, name, namespace, image, logs (the command), and how
    many pods are ``desired`` and ``ready``.
    """

    name: str
    generation: str
    container: str | None
    address: str
    port: int | None
    ports: tuple[int, ...]
    path: str
    mcp_path: str
    health_path: str
    health_matcher: str
    strip_prefix: bool
    priority: int | None
    state: str
    exceptions: tuple[str, ...] = ()
    conditions: tuple[Mapping[str, Any], ...] = ()
    auth: str | None = None
    container_name: str | None = None
    keeps_sessions: bool = False
    bridged: bool = False
    superseded: tuple[int, ...] = ()
    host_header: str | None = None
    requires: tuple[Mapping[str, Any], ...] = ()
    workload: Mapping[str, Any] | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Endpoint:
        """Reads what ``to_dict`` wrote; unknown keys are left out. Raises TypeError where a key is missing."""
        known = {each.name for each in fields(cls)}
        arguments: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value for name, value in data.items() if name in known
        }
        return cls(**arguments)

    @classmethod
    def of(
        cls,
        spec: Spec,
        address: str,
        port: int | None,
        container: str | None,
        state: str,
        exceptions: Iterable[str] = (),
    ) -> Endpoint:
        """Returns the endpoint of one container that was made from ``spec``."""
        return cls(
            name=spec.name,
            generation=spec.generation,
            container=container,
            address=address,
            port=port,
            ports=() if port is None else (port,),
            path=spec.path,
            mcp_path=spec.mcp_path,
            health_path=spec.health_path,
            health_matcher=spec.health_matcher,
            strip_prefix=spec.strip_prefix,
            priority=spec.priority,
            state=state,
            exceptions=tuple(exceptions),
            conditions=spec.conditions,
            auth=spec.auth,
            keeps_sessions=keeps_sessions(spec),
            bridged=spec.transport == "stdio",
        )

    @classmethod
    def of_replicas(cls, endpoints: Sequence[Endpoint]) -> Endpoint:
        """One endpoint for all replicas of a server: those that serve, or when none does, those that are there."""
        serving = [each for each in endpoints if each.state not in ("failed", "stopped")] or list(endpoints)
        first = next((each for each in serving if each.port is not None), serving[0])
        return replace(first, ports=tuple(port for each in serving for port in each.ports))

    @property
    def url(self) -> str | None:
        """Where MCP answers on this host, past any load balancer; None without a port."""
        if self.port is None:
            return None
        address = f"[{self.address}]" if ":" in self.address else self.address
        return f"http://{address}:{self.port}{'' if self.strip_prefix else self.path}{self.mcp_path}"

    def to_dict(self) -> dict[str, Any]:
        """As the module returns it."""
        plain = {name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()}
        return {**plain, "url": self.url}
