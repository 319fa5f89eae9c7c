# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The story of one run over a fleet: observe, plan, apply, report."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Plan, Problem
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.apply import Applier, Outcome
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.draining import draining_of, with_sessions
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.environment import Environment
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host import Host
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.observe import observe, with_listeners
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.plan_converge import plan_converge
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.plan_retire import plan_retire
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.platform import warnings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.requirements import foreseen
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.serving import predicted_endpoints
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import World


@dataclass(frozen=True)
class DesiredFleet:
    """What is asked of one run.

    ``protected`` are servers whose config entry is wrong: nothing of theirs is removed. ``draining`` are the ports to
    which a load balancer still leads sessions, by server: their containers stay until the sessions have ended.
    """

    specs: Sequence[Spec]
    policy: Policy
    environment: Environment
    retire: bool = False
    protected: Sequence[str] = ()
    prune_images: bool = False
    check_mode: bool = False
    draining: Mapping[str, Collection[int]] = field(default_factory=dict)


def reconcile(desired: DesiredFleet, host: Host) -> dict[str, Any]:
    """Brings the fleet to its desired state and returns the module's result; in check mode only what would be done.

    Raises EngineError when the engine cannot be asked how the world is.
    """
    desired = replace(desired, policy=desired.policy.with_private(desired.specs))
    world = observe(host, desired.specs, desired.policy)
    policy = desired.policy.on(world.confinement).with_private((), world.networks.values())
    desired = replace(desired, policy=policy)
    if desired.retire:
        world = with_sessions(world, host, desired.policy, desired.draining)
    plan = _plan(desired, world)
    if plan.actions:
        world = with_listeners(world, host.listening_ports())
        plan = _plan(desired, world)
    if desired.check_mode:
        problems = [
            *plan.problems,
            *(Problem(slot.spec.name, slot.problem) for slot in plan.slots if slot.problem),
            *(Problem(each.server, str(each)) for each in foreseen(plan.required)),
        ]
        endpoints = predicted_endpoints(plan, world, desired.policy)
        outcome = Outcome(list(plan.actions), endpoints, problems, world.unbound, failures=world.failures)
    else:
        outcome = Applier(host, world, desired.policy, desired.environment, plan).apply()
    return {
        **report(plan, outcome),
        "postponed": _postponed(plan, outcome, host.clock.now()),
        "retire_needed": _retire_needed(desired, world, outcome),
        "draining": [each.to_dict() for each in draining_of(plan.draining)],
        "unprotected": _unprotected(desired, world, outcome),
        "kept": outcome.kept,
        "warnings": warnings(desired.specs, world),
    }


def _plan(desired: DesiredFleet, world: World) -> Plan:
    if desired.retire:
        return plan_retire(desired.specs, world, desired.policy, desired.protected, desired.prune_images)
    return plan_converge(desired.specs, world, desired.policy)


def _unprotected(desired: DesiredFleet, world: World, outcome: Outcome) -> str:
    """Why the fleet's ordinary servers are not kept from the host; empty when they are, or there are none."""
    names = {desired.policy.network_of(spec) for spec in desired.specs if spec.enabled}
    names |= {name for each in (*world.containers, *world.required) for name in each.networks}
    names &= set(desired.policy.networks)
    if not names:
        return ""
    stale = sorted(outcome.unbound & names)
    if world.firewall_error:
        why = world.firewall_error
    elif stale:
        why = (
            f"{' and '.join(stale)} is not an interface of this host to which rules apply; if an earlier release made"
            " it, remove its containers and the network (docker network rm) and run again; if the engine is in a"
            " network namespace of its own, restrict its networks there"
        )
    else:
        return ""
    return f"no firewall rule keeps the fleet's servers from the instance's metadata and from this host's ports: {why}"


def _retire_needed(desired: DesiredFleet, world: World, outcome: Outcome) -> bool:
    """Whether retiring would find anything to do; after a step of this run the world before it is out of date."""
    if desired.retire:
        return False
    left = plan_retire(desired.specs, world, desired.policy, desired.protected)
    return bool(outcome.done or outcome.problems or left.actions or left.forget or left.problems)


def _postponed(plan: Plan, outcome: Outcome, now: float) -> list[dict[str, Any]]:
    """The failures because of which servers have to wait for another try, in the order of their names."""
    attempts = {slot.spec.name: slot.attempt for slot in plan.slots}
    failed = {problem.server for problem in outcome.problems}
    return [
        failure.to_dict()
        for server, failure in sorted(outcome.failures.items())
        if server in failed and failure.attempt == attempts.get(server) and now < failure.next_try
    ]


def report(plan: Plan, outcome: Outcome) -> dict[str, Any]:
    """Returns the module's result, in plain data."""
    return {
        "changed": bool(outcome.done),
        "diff": plan.diff(),
        "actions": [action.to_dict() for action in outcome.done],
        "endpoints": [endpoint.to_dict() for endpoint in outcome.endpoints],
        "errors": [{"server": problem.server, "message": problem.message} for problem in outcome.problems],
    }
