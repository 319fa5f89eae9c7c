# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From specs and the observed world to the steps that bring up the desired containers. Pure.

Nothing that may serve is removed here: ``plan_retire`` does that, once the routes have moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.confinement import network_rights
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import fleet_resources, mount, unverified
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Action, Plan, Problem, Slot, Verb
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.allocator import Allocator
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_actions import (
    facts_of_container,
    facts_of_spec,
    removal_of,
    repairs,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import (
    UnsupportedSpec,
    compose,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.drift import short
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import volume_name
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.plan_required import (
    refuse_networks,
    required_slots,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.ports import NoFreePort
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.standing import (
    HALF_MADE,
    Standing,
    attempt_of,
    best_of,
    owned_by,
    replicas,
    stand,
    stopped_by_operator,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, World


def plan_converge(specs: Sequence[Spec], world: World, policy: Policy) -> Plan:
    """Returns the steps after which every enabled spec has a container of its generation, beside what served before."""
    fleet = _Fleet.of(specs, world, policy)
    slots = tuple(_slot(spec, replica, fleet) for spec in specs if spec.enabled for replica in replicas(spec))
    required = required_slots(specs, world, policy, fleet.mounting, fleet.allocator)
    unanswered = [
        Problem(spec.name, world.unanswered[spec.image])
        for spec in specs
        if spec.runs and spec.pull == "always" and spec.image in world.unanswered
    ]
    return Plan(
        first=tuple(fleet_resources.setup_actions(specs, world, policy)),
        slots=slots,
        required=required,
        problems=(*unanswered, *fleet_resources.unknown_hosts(specs, world, policy)),
    )


@dataclass(frozen=True)
class _Fleet:
    """What a slot's plan depends on. ``readers`` may read the instance's metadata, ``forgers`` could pretend to."""

    world: World
    policy: Policy
    allocator: Allocator
    mounting: tuple[Spec, ...]
    readers: tuple[str, ...]
    forgers: tuple[str, ...]

    @classmethod
    def of(cls, specs: Sequence[Spec], world: World, policy: Policy) -> _Fleet:
        ordinary = [spec for spec in specs if spec.enabled and spec.egress.kind is EgressKind.INTERNET]
        return cls(
            world=world,
            policy=policy,
            allocator=Allocator(specs, world, policy),
            mounting=mount.mounting((each for spec in specs for each in spec.parts), world),
            readers=tuple(spec.name for spec in ordinary if spec.egress.instance_metadata),
            forgers=tuple(spec.name for spec in ordinary if network_rights(spec)),
        )


def _slot(spec: Spec, replica: int, fleet: _Fleet) -> Slot:
    world, policy = fleet.world, fleet.policy
    if spec.stopped is not None:
        # The load balancer lets go of it first; retiring stops it.
        return Slot(spec, replica, successor=best_of(owned_by(spec, replica, world)), stopped_by_operator=True)
    attempt = attempt_of(spec, world, policy)
    try:
        _refuse_confinement(spec, fleet)
        standing = stand(spec, replica, world, policy)
        stopped = stopped_by_operator(spec, replica, world)
        if stopped is not None:
            return Slot(spec, replica, successor=stopped, stopped_by_operator=True)
        successor = standing.successor
        if successor is not None:
            actions = tuple(repairs(spec, successor, standing.drifts[successor.id]))
        else:
            _refuse(spec, replica, world, policy)
            actions = tuple(_creation(spec, replica, standing, fleet))
    except (UnsupportedSpec, NoFreePort) as error:
        serving = best_of(each for each in owned_by(spec, replica, world) if each.runs)
        return Slot(spec, replica, incumbent=serving, attempt=attempt, problem=str(error))
    slot = Slot(spec, replica, successor=successor, incumbent=standing.incumbent, attempt=attempt)
    failure = world.failures.get(spec.name)
    if actions and failure is not None:
        forget = f"docker volume rm {volume_name(policy.fleet, spec.name)}"
        pause = failure.pause(attempt, world.now, forget)
        if pause is not None:
            return replace(slot, problem=pause)
    unproven = successor is not None and (successor.ready is False or _has_to_pass(slot, world))
    return replace(slot, actions=actions, wait=bool(actions) or unproven)


def _has_to_pass(slot: Slot, world: World) -> bool:
    """Whether a run that was cut short has left it before its verification: another one serves until it passes."""
    return slot.incumbent is not None and unverified.has_to_pass(slot.spec, world)


def _refuse_confinement(spec: Spec, fleet: _Fleet) -> None:
    """Raises UnsupportedSpec when a server could reach what it must not: by network, by mounts, or as another one."""
    world = fleet.world
    if spec.egress.is_confined and world.firewall_error:
        raise UnsupportedSpec(f"network {spec.egress} cannot be enforced here: {world.firewall_error}")
    mounts = mount.problem(spec, fleet.mounting, world, fleet.policy)
    if mounts is not None:
        raise UnsupportedSpec(mounts)
    is_forger, reads = bool(network_rights(spec)), spec.egress.instance_metadata
    others = fleet.readers if is_forger else fleet.forgers if reads else ()
    if others and spec.egress.kind is EgressKind.INTERNET:
        what = f"with {network_rights(spec)} its container" if is_forger else f"the container of {' and '.join(others)}"
        whom = " and ".join(others) if is_forger else "this one"
        raise UnsupportedSpec(
            f"{what} could pretend to be that of {whom}, which may read the instance's metadata;"
            " remove the rights of the one or instance_metadata of the other"
        )


def _refuse(spec: Spec, replica: int, world: World, policy: Policy) -> None:
    """Raises UnsupportedSpec when no container can be made of ``spec``."""
    taken = [name for name in (policy.name_of(spec.name, each) for each in replicas(spec)) if name in world.strangers]
    if taken:
        name = taken[0]
        raise UnsupportedSpec(
            f"the name {name} is taken by a container that is not of fleet {policy.fleet};"
            f" rename it (docker rename {name} …) or remove it, or choose another fleet name"
        )
    refuse_networks(spec, world, policy)
    image = world.images.get(spec.image)
    if spec.pull == "always" and spec.image in world.unanswered:
        raise UnsupportedSpec(world.unanswered[spec.image])
    if image is None and spec.pull == "never":
        raise UnsupportedSpec(
            f"image {spec.image} is not on this host and its pull policy is never;"
            " build or load it (docker load), or set pull to missing"
        )
    if image is not None:
        compose(spec, image, policy, policy.port_range_start, replica)


def _creation(spec: Spec, replica: int, standing: Standing, fleet: _Fleet) -> Iterator[Action]:
    world, policy, allocator = fleet.world, fleet.policy, fleet.allocator
    image = world.images.get(spec.image)
    half_made = [each for each in standing.others if each.status in HALF_MADE]
    for each in half_made:
        yield removal_of(each, "an earlier run did not complete it" + (f": {each.error}" if each.error else ""))
    predecessor = best_of(standing.others)
    if (image is None or image.newer) and allocator.take_pull(spec.image):
        reason = f"its registry has {short(image.newer)}" if image else f"image {spec.image} is not on this host"
        yield Action(spec.name, Verb.PULL, reason, target=spec.image)
    name = allocator.take_name(spec, replica, (each.name for each in half_made))
    port = allocator.take_port(spec, replica, (each.port for each in half_made if each.port is not None))
    yield Action(
        server=spec.name,
        action=Verb.RECREATE if predecessor else Verb.CREATE,
        reason=_creation_reason(spec, predecessor, standing, world),
        target=name,
        port=port,
        before=facts_of_container(predecessor) if predecessor else {},
        after=facts_of_spec(spec, name, port, image=image, policy=policy, world=world),
    )


def _creation_reason(spec: Spec, predecessor: Container | None, standing: Standing, world: World) -> str:
    if predecessor is None:
        gone = [each for each in world.containers if each.service == spec.name and each.status == "removing"]
        return "its container is being removed" if gone else "it has no container"
    reasons = standing.drifts[predecessor.id].replace
    if reasons:
        return ", ".join(reasons)
    if predecessor.status in HALF_MADE:
        return f"its container is {predecessor.status}"
    return f"port {predecessor.port} is taken by another program"
