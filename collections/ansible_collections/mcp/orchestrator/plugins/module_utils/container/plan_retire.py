# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From specs and the observed world to the steps that take away what is superseded. Pure.

It is done once the routes have moved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import fleet_resources, step_mark, unverified
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Action, Plan, Problem, Slot, Verb
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_actions import removal_of, stop_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import UnsupportedSpec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.draining import kept_for_sessions
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.plan_required import (
    not_required,
    required_stops,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.standing import (
    Standing,
    attempt_of,
    best_of,
    owned_by,
    replicas,
    stand,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, World


def plan_retire(
    specs: Sequence[Spec], world: World, policy: Policy, protected: Iterable[str] = (), prune_images: bool = False
) -> Plan:
    """Returns the steps after which nothing superseded, nothing disabled and nothing unknown is left running.

    ``protected`` are servers whose desired state is unknown, because their entry is wrong: they stay. Containers in
    which sessions are to end first stay as well, for a later run to take away.
    With ``prune_images`` the images go too of which these steps take away the last container.
    """
    protected = frozenset(protected) - {spec.name for spec in specs}
    slots = tuple(
        slot for spec in specs for slot in (_slot(spec, replica, world, policy) for replica in replicas(spec))
    )
    desired = {(spec.name, replica) for spec in specs for replica in replicas(spec)}
    orphans = [
        each
        for each in world.containers
        if (each.service, each.replica) not in desired and each.service not in protected and each.status != "removing"
    ]
    running = {spec.name for spec in specs if spec.runs}
    orphans += not_required(specs, world, protected)
    busy = _busy_orphans(each for each in orphans if each.service in running)
    first = tuple(removal_of(each, _orphan_reason(each, specs)) for each in orphans if each not in busy)
    gone = {action.container for action in first} | {
        action.container for slot in slots for action in slot.actions if action.action is Verb.REMOVE
    }
    left = [each for each in world.containers if each.id not in gone]
    left_required = [each for each in world.required if each.id not in gone]
    renames, problems = _renames(slots, left, world, policy)
    return Plan(
        first=first,
        slots=slots,
        last=(
            *renames,
            *required_stops(specs, left_required),
            *fleet_resources.cleanup_actions(specs, [*left, *left_required], protected, world, policy),
            *(_unused_images(specs, gone, [*left, *left_required], world) if prune_images else ()),
        ),
        problems=tuple(problems),
        draining=(*busy, *(each for slot in slots for each in slot.draining)),
        forget=(
            *fleet_resources.stale_volumes(
                {each.name: attempt_of(each, world, policy) for spec in specs for each in spec.parts},
                specs,
                left,
                protected,
                world,
                policy,
            ),
            *(step_mark.volume_name(policy.fleet, step) for step in step_mark.stale(specs, protected, world)),
            *(unverified.volume_name(policy.fleet, each) for each in unverified.stale(specs, protected, world)),
        ),
    )


def _slot(spec: Spec, replica: int, world: World, policy: Policy) -> Slot:
    try:
        standing = stand(spec, replica, world, policy)
    except UnsupportedSpec:
        # Nothing can take over here, so nothing is superseded; a disabled server can be stopped all the same.
        owned = owned_by(spec, replica, world)
        serving = best_of(each for each in owned if each.runs)
        stops = [stop_of(each, spec) for each in owned if each.runs] if not spec.runs else []
        return Slot(spec, replica, actions=tuple(stops), incumbent=serving)
    keeper = standing.successor or best_of(standing.others)
    ready = standing.successor is not None and standing.successor.ready is True
    if spec.runs and not ready:
        superseded = [each for each in standing.others if not each.runs and each is not keeper]
    else:
        superseded = [each for each in standing.others if each is not keeper]
    busy = kept_for_sessions(superseded) if spec.runs else []
    actions = [removal_of(each, _superseded_reason(each, keeper, standing)) for each in superseded if each not in busy]
    if not spec.runs and keeper is not None and keeper.runs:
        actions.append(stop_of(keeper, spec))
    return Slot(
        spec,
        replica,
        actions=tuple(actions),
        successor=standing.successor,
        incumbent=standing.incumbent,
        draining=tuple(busy),
    )


def _busy_orphans(orphans: Iterable[Container]) -> list[Container]:
    """Of replicas that are no longer desired, those whose sessions end first."""
    by_slot: dict[tuple[str, int], list[Container]] = {}
    for each in orphans:
        by_slot.setdefault((each.service, each.replica), []).append(each)
    return [each for found in by_slot.values() for each in kept_for_sessions(found)]


def _superseded_reason(container: Container, keeper: Container | None, standing: Standing) -> str:
    if keeper is not None and standing.successor is not None:
        reasons = standing.drifts[container.id].replace
        return f"{keeper.name} took its place" + (f": {', '.join(reasons)}" if reasons else "")
    return f"it does not run and {keeper.name if keeper else 'nothing'} is kept"


def _renames(
    slots: Iterable[Slot], left: Sequence[Container], world: World, policy: Policy
) -> tuple[list[Action], list[Problem]]:
    """A container whose server's own name became free gets it; a name set free that way may free the next one."""
    stopped_or_serving = {each.id: each for each in left}
    waiting: dict[str, Container] = {}
    for slot in slots:
        own = [
            each
            for each in stopped_or_serving.values()
            if (each.service, each.replica) == (slot.spec.name, slot.replica) and each.status != "removing"
        ]
        name = policy.name_of(slot.spec.name, slot.replica)
        if len(own) == 1 and own[0].name != name:
            waiting[name] = own[0]
    names = {each.name for each in left}
    problems = [
        Problem(
            waiting.pop(name).service,
            f"its container cannot be named {name}: a container that is not of the fleet has that name;"
            " rename or remove that one",
        )
        for name in sorted(waiting)
        if name in world.strangers
    ]
    renames: list[Action] = []
    while free := next((name for name in sorted(waiting) if name not in names), None):
        container = waiting.pop(free)
        names = names - {container.name} | {free}
        renames.append(
            Action(
                container.service,
                Verb.RENAME,
                "the name is free now",
                target=free,
                container=container.id,
                before={"name": container.name},
                after={"name": free},
            )
        )
    return renames, problems


def _orphan_reason(container: Container, specs: Sequence[Spec]) -> str:
    if container.required_by:
        return f"no server in the config requires {container.service}"
    if any(spec.name == container.service for spec in specs):
        return f"replica {container.replica} is no longer desired"
    return f"the config has no server {container.service} on this host"


def _unused_images(
    specs: Sequence[Spec], gone: Collection[str | None], left: Sequence[Container], world: World
) -> Iterator[Action]:
    """The images that this fleet's containers used and use no more; whether others do, the engine knows."""
    wanted = [each for spec in specs for each in spec.parts]
    desired = {image.id for spec in wanted if (image := world.images.get(spec.image))}
    used = desired | {each.image_id for each in left}
    seen = (*world.containers, *world.required)
    removed = [each for each in seen if each.id in gone and each.image_id and each.image_id not in used]
    for image_id, each in {each.image_id: each for each in removed}.items():
        reason = "the last container of the fleet that used it is gone"
        yield Action(each.service, Verb.REMOVE_IMAGE, reason, target=image_id, before={"image": each.image})
