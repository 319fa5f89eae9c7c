# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who serves a slot: as a run ends, and as a plan would end. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.isolation import keeps_sessions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import CREATIONS, Plan, Slot
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import exceptions, host_header
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.requirement_state import (
    predicted as predicted_requirement,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, World


@dataclass(frozen=True)
class Serving:
    """The container of a slot, by its id, made from ``spec``; None when there is none.

    ``state`` is that of an endpoint, ``name`` the container's.
    """

    spec: Spec
    container: str | None
    port: int | None
    state: str
    name: str | None = None

    @classmethod
    def by(cls, spec: Spec, container: Container, state: str) -> Serving:
        """Returns ``container`` as the one that serves."""
        return cls(spec, container.id, container.port, state, container.name)

    def endpoint(self, world: World, policy: Policy) -> Endpoint:
        """Returns where it answers on this host."""
        allowed = exceptions(self.spec, world)
        made = Endpoint.of(self.spec, policy.reach_address, self.port, self.container, self.state, allowed)
        host = host_header(self.spec, world.images.get(self.spec.image))
        return replace(made, container_name=self.name, host_header=host)


def fallback(slot: Slot) -> Serving:
    """Returns who serves when the desired container does not: the one before, or nobody."""
    if slot.incumbent is not None:
        return Serving.by(slot.incumbent.spec or slot.spec, slot.incumbent, "running")
    if slot.successor is not None:
        return Serving.by(slot.spec, slot.successor, "failed")
    return Serving(slot.spec, None, None, "failed")


def stopped(slot: Slot) -> Serving:
    """Returns the container of a slot in which none is to run; stopped by a request it has no port, and no target."""
    found = slot.successor
    if found is not None and slot.spec.stopped is None:
        return Serving.by(slot.spec, found, "stopped")
    return Serving(slot.spec, found.id if found else None, None, "stopped", found.name if found else None)


def predicted(slot: Slot) -> Serving:
    """Returns who would serve after the slot's actions."""
    if slot.stopped_by_operator:
        return stopped(slot)
    found = slot.successor
    creation = next((each for each in slot.actions if each.action in CREATIONS), None)
    if creation is not None:
        return Serving(slot.spec, None, creation.port, "planned")
    if found is not None and slot.actions:
        return Serving.by(slot.spec, found, "planned")
    if found is not None and not slot.wait and not slot.problem:
        return Serving.by(slot.spec, found, "running")
    return fallback(slot)


def predicted_endpoints(plan: Plan, world: World, policy: Policy) -> list[Endpoint]:
    """Returns the endpoints that a plan would lead to, one for each enabled server."""
    servers: dict[str, list[Endpoint]] = {}
    for slot in plan.slots:
        if slot.spec.enabled:
            servers.setdefault(slot.spec.name, []).append(predicted(slot).endpoint(world, policy))
    required: dict[str | None, list[dict[str, Any]]] = {}
    for slot in plan.required:
        required.setdefault(slot.spec.required_by, []).append(predicted_requirement(slot).to_dict())
    return [
        replace(endpoint_of(endpoints, world), requires=tuple(required.get(name, ())))
        for name, endpoints in servers.items()
    ]


def endpoint_of(replicas: Sequence[Endpoint], world: World) -> Endpoint:
    """Returns the one endpoint of a server, with the ports of what it has superseded and may still hold sessions."""
    endpoint = Endpoint.of_replicas(replicas)
    if endpoint.state == "stopped":
        return endpoint
    superseded = (
        each.port
        for each in world.containers
        if each.service == endpoint.name and each.runs and each.spec is not None and keeps_sessions(each.spec)
    )
    ports = sorted({port for port in superseded if port is not None} - set(endpoint.ports))
    return replace(endpoint, superseded=tuple(ports))
