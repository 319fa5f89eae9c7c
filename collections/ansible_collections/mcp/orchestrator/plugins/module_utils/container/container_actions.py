# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Actions on one container, with the facts that a plan shows before and after them. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec_text import size_text
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Action, Verb
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import (
    RESTART_POLICY,
    exceptions,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.drift import Drift, short
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, Image, World


def action_on(
    container: Container, verb: Verb, reason: str, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Action:
    """Returns an action on a container that is there."""
    return Action(
        server=container.service,
        action=verb,
        reason=reason,
        target=container.name,
        container=container.id,
        port=container.port,
        before=before,
        after=after,
    )


def removal_of(container: Container, reason: str) -> Action:
    """Returns the removal of a container."""
    return action_on(container, Verb.REMOVE, reason, facts_of_container(container), {})


def stop_of(container: Container, spec: Spec) -> Action:
    """Returns the stop of the container of a server that is disabled, or that somebody has stopped."""
    reason = "the server is disabled" if spec.stopped is None else f"stopped {spec.stopped}"
    return action_on(container, Verb.STOP, reason, {"state": container.status}, {"state": "stopped"})


def repairs(spec: Spec, container: Container, drift: Drift) -> Iterator[Action]:
    """Returns what mends a container that fits its spec."""
    if drift.update:
        after = {
            "memory": size_text(spec.memory),
            "cpus": f"{spec.cpus:g}",
            "pids": spec.pids,
            "restart": spec.restart or RESTART_POLICY,
        }
        before = {
            "memory": size_text(container.facts.memory),
            "cpus": f"{container.facts.cpus:g}",
            "pids": container.facts.pids,
            "restart": container.facts.restart,
        }
        yield action_on(container, Verb.UPDATE, ", ".join(drift.update), before, after)
    for verb, reason in _repair(container):
        yield action_on(container, verb, reason, {"state": container.status}, {"state": "running"})


def _repair(container: Container) -> Iterator[tuple[Verb, str]]:
    if container.status == "exited":
        yield Verb.START, f"it is stopped (exit code {container.exit_code})"
    if container.status == "paused":
        yield Verb.UNPAUSE, "it is paused"
    if container.status in ("running", "paused") and container.health == "unhealthy":
        yield Verb.RESTART, "its health check fails"


def facts_of_container(container: Container) -> dict[str, Any]:
    """Returns what a plan shows of a container that is there."""
    return {
        "name": container.name,
        "image": f"{container.image} ({short(container.image_id)})",
        "generation": container.generation,
        **({"port": container.port} if not container.required_by else {}),
        "state": container.status,
    }


def facts_of_spec(
    spec: Spec, name: str, port: int | None, *, image: Image | None, policy: Policy, world: World
) -> dict[str, Any]:
    """Returns what a plan shows of a container that is to be made."""
    desired: dict[str, Any] = {
        "name": name,
        "image": f"{spec.image} ({short(image.id) if image else 'to be pulled'})",
        "generation": spec.generation,
        **({"port": f"{policy.publish_address}:{port}"} if port is not None else {}),
        "state": "running" if not spec.is_step else "completed",
        "memory": size_text(spec.memory),
        "cpus": f"{spec.cpus:g}",
        "pids": spec.pids,
        "env": " ".join(sorted(spec.env)) or "none",
    }
    if spec.egress.is_confined:
        desired["reaches"] = spec.egress.description
    beyond = exceptions(spec, world)
    if beyond:
        desired["exceptions"] = "; ".join(beyond)
    return desired
