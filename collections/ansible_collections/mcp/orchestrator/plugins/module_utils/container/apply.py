# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out a plan: thin, in threads, every failure kept to its server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import mount
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import Action, Plan, Problem, Slot
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.clock import Clock
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import (
    UnsupportedSpec,
    compose,
    limits,
    network_body,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import image_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.egress_control import EgressControl
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import (
    STOP_SECONDS,
    Engine,
    EngineError,
    EngineUnreachable,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.environment import EnvChanged, Environment
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import Failure, volume_name
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import Firewall, FirewallError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host_path import HostPaths
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.plan import mounting
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.ports import NoFreePort, free_port
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import Probe, Wait
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, Image, World

# More creations at once make an engine slower, not faster.
CREATIONS_AT_ONCE = 8
SERVERS_AT_ONCE = 64
LOG_LINES = 15
PORT_TRIES = 5
CREATIONS = ("create", "recreate")


@dataclass
class Outcome:
    """What a run did: the actions that were carried out, one endpoint per enabled server, and what went wrong.

    ``unbound`` are the fleet's networks to which no rule of this host applies.
    """

    done: list[Action] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unbound: frozenset[str] = frozenset()


class ServerError(Exception):
    """One server cannot be brought to its desired state."""


class NotReady(Exception):
    """A container does not answer as its spec wants."""


_EXPECTED = (ServerError, NotReady, EngineError, EnvChanged, UnsupportedSpec, NoFreePort, FirewallError)


@dataclass(frozen=True)
class _Made:
    """A container that shall serve a slot; ``since`` (seconds since the epoch) it has had time to become healthy."""

    id: str
    port: int | None
    since: float


class Applier:
    """One plan on its way into the world."""

    def __init__(
        self,
        engine: Engine,
        firewall: Firewall,
        paths: HostPaths,
        world: World,
        policy: Policy,
        environment: Environment,
        probe: Probe,
        clock: Clock,
    ) -> None:
        self._engine = engine
        self._world = world
        self._policy = policy
        self._environment = environment
        self._clock = clock
        self._paths = paths
        self._mounting: tuple[Spec, ...] = ()
        self._egress = EgressControl(engine, firewall, world, policy)
        self._wait = Wait(engine, probe, clock, policy)
        self._lock = threading.Lock()
        self._creating = threading.BoundedSemaphore(CREATIONS_AT_ONCE)
        self._images: dict[str, Future[Image]] = {}
        self._containers = {each.id: each for each in world.containers}
        self._ports = set(world.busy) | {each.port for each in world.containers if each.port is not None}
        self._outcome = Outcome()

    def apply(self, plan: Plan) -> Outcome:
        """Carries out ``plan``. What fails is a problem of its server, and never keeps the other servers waiting."""
        self._ports |= {action.port for action in plan.actions if action.port is not None}
        self._outcome.problems.extend(plan.problems)
        network_problems = self._prepare(plan)
        servers: dict[str, list[Slot]] = {}
        for slot in plan.slots:
            servers.setdefault(slot.spec.name, []).append(slot)
        self._mounting = mounting((slot.spec for slot in plan.slots), self._world)
        with ThreadPoolExecutor(SERVERS_AT_ONCE) as pool:
            removals = [pool.submit(self._contained, action) for action in plan.first if action.server is not None]
            answers = [pool.submit(self._server, slots, network_problems) for slots in servers.values()]
            endpoints = [answer.result() for answer in answers]
            for removal in removals:
                removal.result()
        for action in plan.last:
            self._contained(action)
        self._close_egress()
        for volume in plan.forget:
            self._forget(volume)
        self._outcome.endpoints = [each for each in endpoints if each is not None]
        self._outcome.unbound = frozenset(self._egress.unbound)
        return self._in_order(plan)

    def _prepare(self, plan: Plan) -> Mapping[str, str]:
        """The fleet's own steps. What fails is given back by the networks whose servers cannot do without it."""
        failed: dict[str, str] = {}
        for action in plan.first:
            if action.server is None:
                try:
                    self._perform(action)
                except (EngineError, FirewallError) as error:
                    self._problem(None, str(error))
                    rules = action.action == "write_rules"
                    failed |= dict.fromkeys(self._policy.networks if rules else (action.target,), str(error))
        return failed

    def _close_egress(self) -> None:
        try:
            self._egress.close()
        except FirewallError as error:
            self._problem(None, str(error))

    def _contained(self, action: Action) -> None:
        try:
            self._perform(action)
        except (EngineError, FirewallError) as error:
            self._problem(action.server, f"{action.target}: {error}")

    def _server(self, slots: Iterable[Slot], network_problems: Mapping[str, str]) -> Endpoint | None:
        """One server's replicas, one after the other; when one fails, no further one is replaced."""
        endpoints: list[Endpoint] = []
        failed = False
        for slot in slots:
            if not slot.spec.enabled:
                self._disabled(slot)
            elif failed and any(action.action in CREATIONS for action in slot.actions):
                endpoints.append(self._fallback(slot))
            else:
                endpoint, well = self._slot(slot, network_problems)
                endpoints.append(endpoint)
                failed = failed or not well
        return Endpoint.of_replicas(endpoints) if endpoints else None

    def _disabled(self, slot: Slot) -> None:
        for action in slot.actions:
            self._contained(action)

    def _slot(self, slot: Slot, network_problems: Mapping[str, str]) -> tuple[Endpoint, bool]:
        """The slot's endpoint, and whether it is in the desired state."""
        if slot.stopped_by_operator and slot.successor is not None:
            return self._endpoint(slot.spec, slot.successor.id, slot.successor.port, "stopped"), True
        try:
            if slot.problem:
                raise ServerError(slot.problem)
            network_problem = network_problems.get(self._policy.network_of(slot.spec))
            if network_problem and (slot.actions or slot.spec.egress.is_confined):
                raise ServerError(network_problem)
            made = self._bring_up(slot)
            if made is None:
                return self._fallback(slot), True
            if slot.wait:
                return self._settled(slot, made)
        except _EXPECTED as error:
            self._problem(slot.spec.name, str(error))
            return self._fallback(slot), False
        silent = slot.successor is not None and slot.successor.ready is False
        return self._endpoint(slot.spec, made.id, made.port, "failed" if silent else "running"), True

    def _bring_up(self, slot: Slot) -> _Made | None:
        found = slot.successor
        made = _Made(found.id, found.port, _since(found)) if found else None
        for action in slot.actions:
            if action.action in CREATIONS:
                made = self._create(slot, action)
                self._done(action)
            else:
                self._perform(action, slot.spec)
                if made is not None and action.action in ("start", "restart", "unpause"):
                    made = replace(made, since=self._clock.now())
        return made

    def _perform(self, action: Action, spec: Spec | None = None) -> None:
        identity = action.container or ""
        calls: Mapping[str, Callable[[], object]] = {
            "write_rules": self._egress.write,
            "remove_rules": self._egress.remove,
            "create_network": lambda: self._engine.create_network(network_body(self._policy, action.target)),
            "remove_network": lambda: self._engine.remove_network(identity),
            "pull": lambda: self._image(action.target, spec.platform if spec else None),
            "start": lambda: self._start(identity),
            "unpause": lambda: self._engine.unpause(identity),
            "restart": lambda: self._engine.restart(identity),
            "stop": lambda: self._engine.stop(identity, self._patience(identity)),
            "rename": lambda: self._engine.rename(identity, action.target),
            "remove": lambda: self._remove(identity),
            "remove_image": lambda: self._engine.remove_image(action.target),
            "update": lambda: self._engine.update(identity, limits(spec) if spec else {}),
        }
        calls[action.action]()
        self._done(action)

    def _start(self, identity: str) -> None:
        with self._creating:
            self._engine.start(identity)

    def _remove(self, identity: str) -> None:
        try:
            self._engine.stop(identity, self._patience(identity))
        except EngineUnreachable:
            raise
        except EngineError:
            # Podman does not stop a paused container; removing takes it by force.
            pass
        self._engine.remove(identity)
        found = self._containers.get(identity)
        if found is not None:
            self._egress.revoke(identity, found.port, found.service)

    def _patience(self, identity: str) -> int:
        """Seconds that a container may take to end."""
        found = self._containers.get(identity)
        wanted = found.spec.stop_timeout if found is not None and found.spec is not None else None
        return STOP_SECONDS if wanted is None else wanted

    def _image(self, reference: str, platform: str | None) -> Image:
        """The image, pulled where this host needs it: each once, however many servers wait for it."""
        known = self._world.images.get(reference)
        if known is not None and not known.newer:
            return known
        with self._lock:
            future = self._images.get(reference)
            mine = future is None
            if future is None:
                future = self._images[reference] = Future()
        if mine:
            try:
                future.set_result(self._pulled(reference, platform))
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    def _pulled(self, reference: str, platform: str | None) -> Image:
        self._engine.pull(reference, platform)
        raw = self._engine.image(reference)
        if raw is None:
            raise EngineError(f"image {reference} was pulled and is gone again; does something prune images?")
        image = image_of(raw)
        with self._lock:
            self._world = replace(self._world, images={**self._world.images, reference: image})
        return image

    def _create(self, slot: Slot, action: Action) -> _Made:
        spec = slot.spec
        image = self._image(spec.image, spec.platform)
        values = self._environment.of(spec)
        port = action.port or 0
        mounts = self._mounts(spec)
        for tries_left in range(PORT_TRIES, 0, -1):
            body = compose(spec, image, self._policy, port, slot.replica)
            body["Env"] = values
            body["HostConfig"]["Binds"] = [*mounts, *body["HostConfig"]["Binds"], *self._egress.allow(spec, port)]
            with self._creating:
                identity = self._engine.create_container(action.target, body, spec.platform)
                try:
                    self._engine.start(identity)
                except EngineError as error:
                    self._clear_away(identity, error)
                    self._egress.revoke(identity, port, spec.name)
                    if not error.port_taken:
                        raise self._failed(slot, str(error)) from error
                    if tries_left == 1:
                        raise
                else:
                    return _Made(identity, port, self._clock.now())
            port = self._another_port(spec)
        raise ServerError(f"{PORT_TRIES} ports in a row were taken while the run was under way; run again")

    def _mounts(self, spec: Spec) -> list[str]:
        """What a server mounts, looked at once more: pulling an image takes its time. Raises ServerError."""
        sources = {**self._world.sources, **self._paths.look(mount.paths_of([spec]))}
        world = replace(self._world, sources=sources)
        problem = mount.problem(spec, self._mounting, world, self._policy)
        if problem is not None:
            raise ServerError(problem)
        return mount.binds(spec, world)

    def _clear_away(self, identity: str, error: EngineError) -> None:
        """The engine leaves what it could not start, and left there it would hold the name."""
        if not isinstance(error, EngineUnreachable):
            self._engine.remove(identity)

    def _another_port(self, spec: Spec) -> int:
        with self._lock:
            port = free_port(spec.name, self._policy.port_range_start, self._policy.port_range_end, self._ports)
            self._ports.add(port)
        return port

    def _settled(self, slot: Slot, made: _Made) -> tuple[Endpoint, bool]:
        """Waits until the slot's container answers; takes it away again when it does not and an older one serves."""
        spec = slot.spec
        failure = self._wait.until_ready(spec, made.id, made.port, made.since)
        if failure is None:
            return self._endpoint(spec, made.id, made.port, "running"), True
        lines = self._engine.last_lines(made.id, LOG_LINES)
        if slot.incumbent is not None:
            failure += f"; the new container was removed, generation {slot.incumbent.generation} keeps serving"
            try:
                self._remove(made.id)
                self._egress.revoke(made.id, made.port, spec.name)
            except EngineError as error:
                failure += f" (removing it failed: {error})"
        if lines:
            failure += "; its last lines: " + " | ".join(line.strip() for line in lines if line.strip())
        if slot.actions or slot.incumbent is not None:
            self._remember(slot)
        self._problem(spec.name, failure)
        if slot.incumbent is None:
            return self._endpoint(spec, made.id, made.port, "failed"), False
        return self._fallback(slot), False

    def _failed(self, slot: Slot, message: str) -> ServerError:
        self._remember(slot)
        return ServerError(message)

    def _remember(self, slot: Slot) -> None:
        """Writes the failure where the next run finds it; a labelled volume cannot be changed, only made anew."""
        server = slot.spec.name
        now = self._clock.now()
        before = self._world.failures.get(server, Failure(server, ""))
        volume = volume_name(self._policy.fleet, server)
        try:
            self._engine.remove_volume(volume)
            self._engine.create_volume(volume, before.again(slot.attempt, now).labels(self._policy.fleet))
        except EngineError as error:
            self._problem(server, f"its failure could not be noted, so the next run will not wait: {error}")

    def _forget(self, volume: str) -> None:
        try:
            self._engine.remove_volume(volume)
        except EngineError as error:
            self._problem(None, str(error))

    def _fallback(self, slot: Slot) -> Endpoint:
        """Who serves when the desired container does not: the one before, or nobody."""
        old = slot.incumbent
        if old is not None:
            return self._endpoint(old.spec or slot.spec, old.id, old.port, "running")
        left = slot.successor
        if left is not None:
            return self._endpoint(slot.spec, left.id, left.port, "failed")
        return self._endpoint(slot.spec, None, None, "failed")

    def _endpoint(self, spec: Spec, identity: str | None, port: int | None, state: str) -> Endpoint:
        return Endpoint.of(spec, self._policy.reach_address, port, identity, state, self._world)

    def _done(self, action: Action) -> None:
        with self._lock:
            self._outcome.done.append(action)

    def _problem(self, server: str | None, message: str) -> None:
        clean = self._environment.redacted(server, message) if server else message
        with self._lock:
            self._outcome.problems.append(Problem(server, clean))

    def _in_order(self, plan: Plan) -> Outcome:
        """The outcome in the plan's order, whatever thread was first."""
        places = {id(action): place for place, action in enumerate(plan.actions)}
        self._outcome.done.sort(key=lambda action: places[id(action)])
        self._outcome.problems.sort(key=lambda problem: problem.server or "")
        return self._outcome


def _since(container: Container) -> float:
    """From when a container has had time to become healthy; a crash loop does not begin anew with every crash."""
    return container.created if container.restarts else container.started


def planned(plan: Plan, world: World, policy: Policy) -> list[Endpoint]:
    """The endpoints that a plan would lead to, for check mode."""
    servers: dict[str, list[Endpoint]] = {}
    for slot in plan.slots:
        if slot.spec.enabled:
            servers.setdefault(slot.spec.name, []).append(_planned(slot, world, policy.reach_address))
    return [Endpoint.of_replicas(endpoints) for endpoints in servers.values()]


def _planned(slot: Slot, world: World, address: str) -> Endpoint:
    spec, found, old = slot.spec, slot.successor, slot.incumbent
    if slot.stopped_by_operator and found is not None:
        return Endpoint.of(spec, address, found.port, found.id, "stopped", world)
    creation = next((each for each in slot.actions if each.action in CREATIONS), None)
    if creation is not None:
        return Endpoint.of(spec, address, creation.port, None, "planned", world)
    if found is not None and slot.actions:
        return Endpoint.of(spec, address, found.port, found.id, "planned", world)
    if found is not None and not slot.wait and not slot.problem:
        return Endpoint.of(spec, address, found.port, found.id, "running", world)
    if old is not None:
        return Endpoint.of(old.spec or spec, address, old.port, old.id, "running", world)
    if found is not None:
        return Endpoint.of(spec, address, found.port, found.id, "failed", world)
    return Endpoint.of(spec, address, None, None, "failed", world)
