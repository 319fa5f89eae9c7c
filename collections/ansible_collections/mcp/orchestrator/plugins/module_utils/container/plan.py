# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From specs and the observed world to the steps that make the one into the other. Pure: nothing here touches anything.

Two plans: ``plan_converge`` brings up the desired containers and takes nothing away that may serve; ``plan_retire``
takes away what is superseded, once the routes have moved.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.confinement import forges
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec_text import size_text
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import fleet_resources, mount
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Action, Plan, Problem, Slot
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import (
    UnsupportedSpec,
    bridged,
    compose,
    exceptions,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.drift import Drift, drift_of, short
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import volume_name
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.ports import NoFreePort, free_port
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import (
    Container,
    Image,
    World,
)

# Never started, or beyond starting: they serve nobody and hold only a name.
_HALF_MADE = ("created", "dead")
_STATUS_ORDER = ("dead", "created", "exited", "paused", "restarting", "running")


def plan_converge(specs: Sequence[Spec], world: World, policy: Policy) -> Plan:
    """The steps after which every enabled spec has a container of its generation, beside what served before."""
    allocator = _Allocator(specs, world, policy)
    slots = tuple(_converge(spec, replica, allocator) for spec in specs if spec.enabled for replica in replicas(spec))
    unanswered = [
        Problem(spec.name, world.unanswered[spec.image])
        for spec in specs
        if spec.enabled and spec.pull == "always" and spec.image in world.unanswered
    ]
    return Plan(
        first=tuple(fleet_resources.setup_actions(specs, world, policy)),
        slots=slots,
        problems=(*unanswered, *fleet_resources.unknown_hosts(specs, world, policy)),
    )


def plan_retire(
    specs: Sequence[Spec], world: World, policy: Policy, protected: Iterable[str] = (), prune_images: bool = False
) -> Plan:
    """The steps after which nothing superseded, nothing disabled and nothing unknown is left running.

    ``protected`` are servers of which nobody knows what is desired, because their entry is wrong: they stay.
    With ``prune_images`` the images go too of which these steps take away the last container.
    """
    protected = frozenset(protected) - {spec.name for spec in specs}
    slots = tuple(
        slot for spec in specs for slot in (_retire(spec, replica, world, policy) for replica in replicas(spec))
    )
    desired = {(spec.name, replica) for spec in specs for replica in replicas(spec)}
    orphans = [
        each
        for each in world.containers
        if (each.service, each.replica) not in desired and each.service not in protected and each.status != "removing"
    ]
    first = tuple(_remove(each, _orphan_reason(each, specs)) for each in orphans)
    gone = {action.container for action in first} | {
        action.container for slot in slots for action in slot.actions if action.action == "remove"
    }
    left = [each for each in world.containers if each.id not in gone]
    renames, problems = _renames(slots, left, world, policy)
    return Plan(
        first=first,
        slots=slots,
        last=(
            *renames,
            *fleet_resources.cleanup_actions(specs, left, protected, world, policy),
            *(_unused_images(specs, gone, left, world) if prune_images else ()),
        ),
        problems=tuple(problems),
        forget=tuple(
            fleet_resources.stale_volumes(
                {spec.name: attempt_of(spec, world, policy) for spec in specs}, specs, left, protected, world, policy
            )
        ),
    )


def replicas(spec: Spec) -> range:
    """The numbers of a server's containers, from 1."""
    return range(1, spec.replicas + 1)


def mounting(specs: Iterable[Spec], world: World) -> tuple[Spec, ...]:
    """All specs whose containers write to the host's folders now or soon."""
    return (*specs, *(each.spec for each in world.containers if each.spec is not None and each.runs))


def attempt_of(spec: Spec, world: World, policy: Policy) -> str:
    """Names what is tried when ``spec`` is brought up now: another try of the same is expected to end the same way."""
    image = world.images.get(spec.image)
    parts = [spec.generation, short(image.newer or image.id) if image else "no image"]
    return " ".join([*parts, policy.bridge_digest or "no bridge"] if bridged(spec) else parts)


@dataclass(frozen=True)
class _Standing:
    """Who is who among the containers of one slot."""

    successor: Container | None
    incumbent: Container | None
    others: tuple[Container, ...]
    drifts: dict[str, Drift]


class _Allocator:
    """What the steps planned so far have already taken."""

    def __init__(self, specs: Sequence[Spec], world: World, policy: Policy) -> None:
        self.world = world
        self.policy = policy
        self.names = {each.name for each in world.containers} | world.strangers
        self.reserved = {policy.name_of(spec.name, replica) for spec in specs for replica in replicas(spec)}
        self.ports = set(world.busy) | {each.port for each in world.containers if each.port is not None}
        self.pulled: set[str] = set()
        self.mounting = mounting(specs, world)
        ordinary = [spec for spec in specs if spec.enabled and spec.egress.kind is EgressKind.INTERNET]
        self.readers = [spec.name for spec in ordinary if spec.egress.instance_metadata]
        self.forgers = [spec.name for spec in ordinary if forges(spec)]

    def refuse_forgery(self, spec: Spec) -> None:
        """Raises UnsupportedSpec where one server could pretend to be another that may read the metadata."""
        is_forger, reads = bool(forges(spec)), spec.egress.instance_metadata
        others = self.readers if is_forger else self.forgers if reads else []
        if others and spec.egress.kind is EgressKind.INTERNET:
            what = f"with {forges(spec)} its container" if is_forger else f"the container of {' and '.join(others)}"
            whom = " and ".join(others) if is_forger else "this one"
            raise UnsupportedSpec(
                f"{what} could pretend to be that of {whom}, which may read the instance's metadata;"
                " leave out the rights of the one or instance_metadata of the other"
            )

    def take_name(self, spec: Spec, replica: int, freed: Iterable[str]) -> str:
        """The server's own name, or beside an older container one with the generation in it."""
        self.names -= set(freed)
        own = self.policy.name_of(spec.name, replica)
        name = own
        count = 1
        while name in self.names or (name != own and name in self.reserved):
            name = f"{own}-{spec.generation}" if count == 1 else f"{own}-{spec.generation}-{count}"
            count += 1
        self.names.add(name)
        return name

    def take_port(self, spec: Spec, replica: int, freed: Iterable[int]) -> int:
        """A free port of the range. Raises NoFreePort."""
        self.ports -= set(freed) - self.world.busy
        key = spec.name if replica == 1 else f"{spec.name}.{replica}"
        port = free_port(key, self.policy.port_range_start, self.policy.port_range_end, self.ports)
        self.ports.add(port)
        return port


def _converge(spec: Spec, replica: int, allocator: _Allocator) -> Slot:
    world, policy = allocator.world, allocator.policy
    attempt = attempt_of(spec, world, policy)
    try:
        if spec.egress.is_confined and world.firewall_error:
            raise UnsupportedSpec(f"network {spec.egress} cannot be enforced here: {world.firewall_error}")
        mounts = mount.problem(spec, allocator.mounting, world, policy)
        if mounts is not None:
            raise UnsupportedSpec(mounts)
        allocator.refuse_forgery(spec)
        standing = _stand(spec, replica, world, policy)
        successor = standing.successor
        stopped = _stopped_by_operator(spec, replica, world)
        if stopped is not None:
            return Slot(spec, replica, successor=stopped, stopped_by_operator=True)
        if successor is not None:
            actions = tuple(_repairs(spec, successor, standing.drifts[successor.id]))
        else:
            _refuse(spec, replica, world, policy)
            actions = tuple(_creation(spec, replica, standing, allocator))
    except (UnsupportedSpec, NoFreePort) as error:
        serving = _best(each for each in _owned(spec, replica, world) if each.runs)
        return Slot(spec, replica, incumbent=serving, attempt=attempt, problem=str(error))
    failure = world.failures.get(spec.name)
    if actions and failure is not None:
        pause = failure.pause(attempt, world.now, volume_name(policy.fleet, spec.name))
        if pause is not None:
            return Slot(spec, replica, (), successor, standing.incumbent, attempt=attempt, problem=pause)
    wait = bool(actions) or (successor is not None and successor.ready is False)
    return Slot(spec, replica, actions, successor, standing.incumbent, wait, attempt)


def _stand(spec: Spec, replica: int, world: World, policy: Policy) -> _Standing:
    owned = _owned(spec, replica, world)
    drifts = {each.id: drift_of(each, spec, world, policy) for each in owned}
    held = {each.port for each in world.containers if each.runs}
    fit = [
        each
        for each in owned
        if not drifts[each.id].replace
        and each.status not in _HALF_MADE
        and (each.runs or each.port not in held | world.busy)
    ]
    successor = _best(fit)
    others = tuple(each for each in owned if each is not successor)
    return _Standing(successor, _best(each for each in others if each.runs), others, drifts)


def _owned(spec: Spec, replica: int, world: World) -> list[Container]:
    return [
        each
        for each in world.containers
        if each.service == spec.name and each.replica == replica and each.status != "removing"
    ]


def _stopped_by_operator(spec: Spec, replica: int, world: World) -> Container | None:
    """The container that an operator stopped for good: by hand, and out of the engine's restart policy before.

    A stop alone says nothing: a kill, a full disk or a script look the same, and what is broken has to come back.
    """
    owned = _owned(spec, replica, world)
    if spec.restart == "no" or any(each.runs for each in owned):
        return None
    return _best(each for each in owned if each.status == "exited" and each.facts.restart == "no")


def _best(containers: Iterable[Container]) -> Container | None:
    return max(
        containers,
        key=lambda each: (each.ready is True, _status_rank(each), each.ready is not False, each.created, each.id),
        default=None,
    )


def _status_rank(container: Container) -> int:
    return _STATUS_ORDER.index(container.status) if container.status in _STATUS_ORDER else -1


def _refuse(spec: Spec, replica: int, world: World, policy: Policy) -> None:
    """Raises UnsupportedSpec when no container can be made of ``spec``."""
    taken = [name for name in (policy.name_of(spec.name, each) for each in replicas(spec)) if name in world.strangers]
    if taken:
        name = taken[0]
        raise UnsupportedSpec(
            f"the name {name} is taken by a container that is not of fleet {policy.fleet};"
            f" rename it (docker rename {name} …) or remove it, or choose another fleet name"
        )
    network = world.networks.get(policy.network_of(spec)) if policy.network_of(spec) in policy.networks else None
    if network is not None and not network.ours:
        name = policy.network_of(spec)
        raise UnsupportedSpec(
            f"a network {name} exists that is not of fleet {policy.fleet};"
            f" remove it (docker network rm {name}) or choose another fleet name"
        )
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


def _repairs(spec: Spec, container: Container, drift: Drift) -> Iterator[Action]:
    if drift.update:
        after = {
            "memory": size_text(spec.memory),
            "cpus": f"{spec.cpus:g}",
            "pids": spec.pids,
            "restart": "unless-stopped",
        }
        before = {
            "memory": size_text(container.facts.memory),
            "cpus": f"{container.facts.cpus:g}",
            "pids": container.facts.pids,
            "restart": container.facts.restart,
        }
        yield _on(container, "update", ", ".join(drift.update), before, after)
    for verb, reason in _repair(container):
        yield _on(container, verb, reason, {"state": container.status}, {"state": "running"})


def _repair(container: Container) -> Iterator[tuple[str, str]]:
    if container.status == "exited":
        yield "start", f"it is stopped (exit code {container.exit_code})"
    if container.status == "paused":
        yield "unpause", "it is paused"
    if container.status in ("running", "paused") and container.health == "unhealthy":
        yield "restart", "its health check fails"


def _creation(spec: Spec, replica: int, standing: _Standing, allocator: _Allocator) -> Iterator[Action]:
    image = allocator.world.images.get(spec.image)
    half_made = [each for each in standing.others if each.status in _HALF_MADE]
    for each in half_made:
        yield _remove(each, "it was left half-made" + (f": {each.error}" if each.error else ""))
    predecessor = _best(standing.others)
    if (image is None or image.newer) and spec.image not in allocator.pulled:
        allocator.pulled.add(spec.image)
        reason = f"its registry has {short(image.newer)}" if image else f"image {spec.image} is not on this host"
        yield Action(spec.name, "pull", reason, target=spec.image)
    name = allocator.take_name(spec, replica, (each.name for each in half_made))
    port = allocator.take_port(spec, replica, (each.port for each in half_made if each.port is not None))
    yield Action(
        spec.name,
        "recreate" if predecessor else "create",
        _creation_reason(spec, predecessor, standing, allocator.world),
        target=name,
        port=port,
        before=_described(predecessor) if predecessor else {},
        after=_desired_facts(spec, name, port, image, allocator.policy, allocator.world),
    )


def _creation_reason(spec: Spec, predecessor: Container | None, standing: _Standing, world: World) -> str:
    if predecessor is None:
        gone = [each for each in world.containers if each.service == spec.name and each.status == "removing"]
        return "its container is being removed" if gone else "it has no container"
    reasons = standing.drifts[predecessor.id].replace
    if reasons:
        return ", ".join(reasons)
    if predecessor.status in _HALF_MADE:
        return f"its container is {predecessor.status}"
    return f"port {predecessor.port} is taken by another program"


def _retire(spec: Spec, replica: int, world: World, policy: Policy) -> Slot:
    try:
        standing = _stand(spec, replica, world, policy)
    except UnsupportedSpec:
        # Nothing can take over here, so nothing is superseded; a disabled server can be stopped all the same.
        owned = _owned(spec, replica, world)
        serving = _best(each for each in owned if each.runs)
        stops = [_stop(each) for each in owned if each.runs] if not spec.enabled else []
        return Slot(spec, replica, tuple(stops), incumbent=serving)
    keeper = standing.successor or _best(standing.others)
    ready = standing.successor is not None and standing.successor.ready is True
    if spec.enabled and not ready:
        superseded = [each for each in standing.others if not each.runs and each is not keeper]
    else:
        superseded = [each for each in standing.others if each is not keeper]
    actions = [_remove(each, _superseded_reason(each, keeper, standing)) for each in superseded]
    if not spec.enabled and keeper is not None and keeper.runs:
        actions.append(_stop(keeper))
    return Slot(spec, replica, tuple(actions), standing.successor, standing.incumbent)


def _superseded_reason(container: Container, keeper: Container | None, standing: _Standing) -> str:
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
        Problem(waiting.pop(name).service, f"its container cannot be named {name}: a stranger holds that name")
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
                "rename",
                "the name is free now",
                target=free,
                container=container.id,
                before={"name": container.name},
                after={"name": free},
            )
        )
    return renames, problems


def _orphan_reason(container: Container, specs: Sequence[Spec]) -> str:
    if any(spec.name == container.service for spec in specs):
        return f"replica {container.replica} is no longer desired"
    return f"no server {container.service} is in the config"


def _unused_images(
    specs: Sequence[Spec], gone: Collection[str | None], left: Sequence[Container], world: World
) -> Iterator[Action]:
    """The images that this fleet's containers used and use no more; whether others do, the engine knows."""
    desired = {image.id for spec in specs if (image := world.images.get(spec.image))}
    used = desired | {each.image_id for each in left}
    removed = [each for each in world.containers if each.id in gone and each.image_id and each.image_id not in used]
    for image_id, each in {each.image_id: each for each in removed}.items():
        reason = "the last container of the fleet that used it is gone"
        yield Action(each.service, "remove_image", reason, target=image_id, before={"image": each.image})


def _remove(container: Container, reason: str) -> Action:
    return _on(container, "remove", reason, _described(container), {})


def _stop(container: Container) -> Action:
    return _on(container, "stop", "the server is disabled", {"state": container.status}, {"state": "stopped"})


def _on(container: Container, verb: str, reason: str, before: dict[str, Any], after: dict[str, Any]) -> Action:
    return Action(
        container.service, verb, reason, container.name, container.id, container.port, before=before, after=after
    )


def _described(container: Container) -> dict[str, Any]:
    return {
        "name": container.name,
        "image": f"{container.image} ({short(container.image_id)})",
        "generation": container.generation,
        "port": container.port,
        "state": container.status,
    }


def _desired_facts(
    spec: Spec, name: str, port: int, image: Image | None, policy: Policy, world: World
) -> dict[str, Any]:
    desired: dict[str, Any] = {
        "name": name,
        "image": f"{spec.image} ({short(image.id) if image else 'to be pulled'})",
        "generation": spec.generation,
        "port": f"{policy.publish_address}:{port}",
        "state": "running",
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
