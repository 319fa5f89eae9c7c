# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From what servers require to the steps that bring it up before them. Pure.

A requirement keeps data that no two containers may have at once, so that a new one takes the place of the one before
instead of standing beside it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import mount, step_mark
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Action, Slot, Verb
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.allocator import Allocator
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_actions import (
    facts_of_container,
    facts_of_spec,
    removal_of,
    repairs,
    stop_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import UnsupportedSpec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.drift import drift_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import volume_name
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.standing import (
    HALF_MADE,
    attempt_of,
    best_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, World


def required_slots(
    specs: Sequence[Spec], world: World, policy: Policy, mounting: Sequence[Spec], allocator: Allocator
) -> tuple[Slot, ...]:
    """Returns what every server that runs requires, in the order in which it starts."""
    return tuple(
        _slot(each, server, _Known(world, policy, mounting, allocator))
        for server in specs
        if server.runs
        for each in server.requirements
    )


def not_required(specs: Sequence[Spec], world: World, protected: Collection[str]) -> list[Container]:
    """Returns the containers that no server requires any more; those of ``protected`` servers stay."""
    wanted = {each.name for spec in specs for each in spec.requirements}
    return [
        each
        for each in world.required
        if each.service not in wanted and each.required_by not in protected and each.status != "removing"
    ]


def required_stops(specs: Sequence[Spec], containers: Sequence[Container]) -> list[Action]:
    """Returns the stops of what servers require that are disabled, or that somebody has stopped."""
    owners = {each.name: spec for spec in specs for each in spec.requirements if not spec.runs}
    return [stop_of(each, owners[each.service]) for each in containers if each.service in owners and each.runs]


def refuse_networks(spec: Spec, world: World, policy: Policy) -> None:
    """Raises UnsupportedSpec where a network that a container would join is another's."""
    for name in policy.networks_of(spec):
        network = world.networks.get(name) if name in policy.networks else None
        if network is not None and not network.ours:
            raise UnsupportedSpec(
                f"a network {name} exists that is not of fleet {policy.fleet};"
                f" remove it (docker network rm {name}) or choose another fleet name"
            )
        bridge = policy.bridges.get(name)
        same = [each for each, other in policy.bridges.items() if other == bridge and each < name]
        if bridge is not None and same:
            raise UnsupportedSpec(
                f"the networks {name} and {same[0]} would have the same interface {bridge}; rename one of the servers"
            )


@dataclass(frozen=True)
class _Known:
    world: World
    policy: Policy
    mounting: Sequence[Spec]
    allocator: Allocator


def _slot(spec: Spec, server: Spec, known: _Known) -> Slot:
    world, policy = known.world, known.policy
    attempt = attempt_of(spec, world, policy)
    found = [each for each in world.required if each.service == spec.name and each.status != "removing"]
    try:
        _refuse(spec, known)
        plan = _step(spec, server, found, known) if spec.is_step else _dependency(spec, found, known)
    except UnsupportedSpec as error:
        return Slot(spec, 1, successor=best_of(found), attempt=attempt, problem=str(error))
    slot = replace(plan, attempt=attempt)
    failure = world.failures.get(spec.name)
    if failure is not None and any(each.action in (Verb.RUN, Verb.CREATE, Verb.RECREATE) for each in slot.actions):
        pause = failure.pause(attempt, world.now, f"docker volume rm {volume_name(policy.fleet, spec.name)}")
        if pause is not None:
            return replace(slot, actions=(), problem=pause)
    return slot


def _refuse(spec: Spec, known: _Known) -> None:
    mounts = mount.problem(spec, known.mounting, known.world, known.policy)
    if mounts is not None:
        raise UnsupportedSpec(mounts)
    name = known.policy.name_of(spec.name)
    if name in known.world.strangers:
        raise UnsupportedSpec(
            f"the name {name} is taken by a container that is not of fleet {known.policy.fleet};"
            f" rename it (docker rename {name} …) or remove it, or choose another fleet name"
        )
    refuse_networks(spec, known.world, known.policy)


def _dependency(spec: Spec, found: Sequence[Container], known: _Known) -> Slot:
    drifts = {each.id: drift_of(each, spec, known.world, known.policy) for each in found}
    fit = [each for each in found if not drifts[each.id].replace and each.status not in HALF_MADE]
    keeper = best_of(fit)
    others = [each for each in found if each is not keeper]
    if keeper is None:
        before = best_of(others)
        reasons = drifts[before.id].replace if before is not None else ()
        reason = ", ".join(reasons) or (f"its container is {before.status}" if before else "it has no container")
        actions = [*_removals(others, "a new one takes its place"), *_creation(spec, before, reason, known)]
        return Slot(spec, 1, actions=tuple(actions), wait=True)
    actions = [*_removals(others, "another one is in its place"), *repairs(spec, keeper, drifts[keeper.id])]
    settled = keeper.health == "healthy" if spec.health is not None else True
    return Slot(spec, 1, actions=tuple(actions), successor=keeper, wait=bool(actions) or not settled)


def _step(spec: Spec, server: Spec, found: Sequence[Container], known: _Known) -> Slot:
    reason = step_mark.missing(spec, server, known.world)
    if reason is None:
        return Slot(spec, 1, actions=tuple(_removals(found, "it has come to its end")))
    # A run that was cut short leaves it running, or at its end and without its mark.
    current = best_of(each for each in found if each.generation == spec.generation and _counts(each))
    others = [each for each in found if each is not current]
    actions = list(_removals(others, "an earlier run did not complete it"))
    if current is None:
        actions += _creation(spec, None, reason, known)
    return Slot(spec, 1, actions=tuple(actions), successor=current, wait=True)


def _counts(container: Container) -> bool:
    return container.status == "running" or (container.status == "exited" and container.exit_code == 0)


def _removals(containers: Sequence[Container], reason: str) -> Iterator[Action]:
    for each in containers:
        yield removal_of(each, reason)


def _creation(spec: Spec, before: Container | None, reason: str, known: _Known) -> Iterator[Action]:
    world, policy = known.world, known.policy
    image = world.images.get(spec.image)
    if image is None and known.allocator.take_pull(spec.image):
        yield Action(spec.name, Verb.PULL, f"image {spec.image} is not on this host", target=spec.image)
    name = policy.name_of(spec.name)
    yield Action(
        server=spec.name,
        action=Verb.RUN if spec.is_step else Verb.RECREATE if before else Verb.CREATE,
        reason=reason,
        target=name,
        before=facts_of_container(before) if before else {},
        after=facts_of_spec(spec, name, None, image=image, policy=policy, world=world),
    )
