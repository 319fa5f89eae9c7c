# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carries out a plan, in threads; a failure of one server does not stop the others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import (
    CREATIONS,
    STARTS,
    Action,
    Plan,
    Problem,
    Slot,
    Verb,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import (
    limits,
    network_body,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.creation import (
    FAILURES,
    Creation,
    Made,
    StartError,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.egress_control import EgressControl
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import (
    STOP_SECONDS,
    EngineError,
    EngineUnreachable,
    NetworkInUse,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.environment import Environment
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import Failure
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure_log import FailureLog
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import FirewallError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host import Host
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host_files import FileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.image_pulls import ImagePulls
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.mount import mounting
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.platform import mismatch
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import Wait, patience
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.requirements import Requirements
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.serving import (
    Serving,
    endpoint_of,
    fallback,
    stopped,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.unverified import Unverified
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, World

SERVERS_AT_ONCE = 64
LOG_LINES = 15


@dataclass
class Outcome:
    """What a run did: the actions that were carried out, one endpoint per enabled server, and what went wrong.

    ``unbound`` are the fleet's networks to which no rule of this host applies. ``kept`` says in a sentence each which
    networks stay because of containers that are not of the fleet. ``failures`` are those that are remembered after it,
    by server.
    """

    done: list[Action] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    unbound: frozenset[str] = frozenset()
    kept: list[str] = field(default_factory=list)
    failures: Mapping[str, Failure] = field(default_factory=dict)


class ServerError(Exception):
    """One server cannot be brought to its desired state."""


_EXPECTED = (ServerError, *FAILURES)


class Applier:
    """One plan on its way into the world."""

    def __init__(self, host: Host, world: World, policy: Policy, environment: Environment, plan: Plan) -> None:
        self._engine = host.engine
        self._clock = host.clock
        self._verify = host.verify
        self._world = world
        self._policy = policy
        self._environment = environment
        self._plan = plan
        self._egress = EgressControl(host, world, policy)
        self._unverified = Unverified(host.engine, policy.fleet)
        self._images = ImagePulls(host.engine, world.images)
        self._failures = FailureLog(host.engine, host.clock, policy.fleet, world.failures)
        seconds = patience(plan.starting, policy.health_timeout, os.cpu_count() or 1)
        self._wait = Wait(host.engine, host.probe, host.clock, policy, seconds)
        self._creation = Creation(
            host,
            world,
            policy,
            environment=environment,
            images=self._images,
            egress=self._egress,
            mounting=mounting((slot.spec for slot in (*plan.required, *plan.slots)), world),
        )
        self._requirements = Requirements(
            host, policy, plan.required, bring_up=self._bring_up, failed=self._remember, last_words=self._last_words
        )
        self._containers = {each.id: each for each in (*world.containers, *world.required)}
        self._lock = threading.Lock()
        self._outcome = Outcome()

    def apply(self) -> Outcome:
        """Carries the plan out. What fails is a problem of its server, and never keeps the other servers waiting."""
        plan = self._plan
        self._creation.reserve(action.port for action in plan.actions if action.port is not None)
        self._outcome.problems.extend(plan.problems)
        network_problems = self._prepare()
        servers: dict[str, list[Slot]] = {}
        for slot in plan.slots:
            servers.setdefault(slot.spec.name, []).append(slot)
        with ThreadPoolExecutor(SERVERS_AT_ONCE) as pool:
            removals = [pool.submit(self._attempt, action) for action in plan.first if action.server is not None]
            answers = [pool.submit(self._server, slots, network_problems) for slots in servers.values()]
            endpoints = [answer.result() for answer in answers]
            for removal in removals:
                removal.result()
        for action in plan.last:
            self._attempt(action)
        for action in self._outcome.done:
            if action.action is Verb.REMOVE_NETWORK and action in plan.last:
                self._egress.forget_network(action.target)
        self._close_egress()
        for volume in plan.forget:
            self._forget(volume)
        self._outcome.endpoints = [each for each in endpoints if each is not None]
        self._outcome.unbound = frozenset(self._egress.unbound)
        self._outcome.failures = self._failures.after
        return self._in_order()

    # The fleet's own steps

    def _prepare(self) -> Mapping[str, str]:
        """The steps before the servers'. Returns why servers cannot use a network, by its name."""
        failed: dict[str, str] = {}
        for action in self._plan.first:
            if action.server is None:
                try:
                    self._perform(action)
                except (EngineError, FirewallError) as error:
                    self._problem(None, str(error))
                    rules = action.action is Verb.WRITE_RULES
                    failed |= dict.fromkeys(self._policy.networks if rules else (action.target,), str(error))
        return failed

    def _attempt(self, action: Action) -> None:
        """Performs an action on which nothing else depends."""
        try:
            self._perform(action)
        except NetworkInUse as error:
            self._outcome.kept.append(_kept(action.target, error.containers))
        except (EngineError, FirewallError) as error:
            self._problem(action.server, f"{action.target}: {error}")

    def _close_egress(self) -> None:
        try:
            self._egress.close()
        except (FirewallError, FileError) as error:
            self._problem(None, str(error))

    def _forget(self, volume: str) -> None:
        try:
            self._failures.remove(volume)
        except EngineError as error:
            self._problem(None, str(error))

    # The servers' slots

    def _server(self, slots: Sequence[Slot], network_problems: Mapping[str, str]) -> Endpoint | None:
        """One server's replicas, one after the other; when one fails, no further one is replaced."""
        endpoints: list[Endpoint] = []
        failed = False
        required, failure = self._requirements.of(slots[0].spec, network_problems)
        if failure is not None:
            self._problem(failure.server or "", self._environment.redacted(failure.requirement, str(failure)))
        for slot in slots:
            if not slot.spec.enabled:
                for action in slot.actions:
                    self._attempt(action)
                continue
            if (failed or failure) and any(action.action in STARTS for action in slot.actions):
                serving = fallback(slot)
            else:
                serving, is_well = self._slot(slot, network_problems)
                failed = failed or not is_well
            endpoints.append(serving.endpoint(replace(self._world, images=self._images.images), self._policy))
        if not endpoints:
            return None
        return replace(endpoint_of(endpoints, self._world), requires=tuple(each.to_dict() for each in required))

    def _last_words(self, identity: str) -> str:
        """What a container wrote last, as the end of a sentence about its failure."""
        lines = [line.strip() for line in self._engine.last_lines(identity, LOG_LINES)]
        return "; its last lines: " + " | ".join(filter(None, lines)) if any(lines) else ""

    def _slot(self, slot: Slot, network_problems: Mapping[str, str]) -> tuple[Serving, bool]:
        """Who serves the slot, and whether it is in its desired state."""
        if slot.stopped_by_operator:
            return stopped(slot), True
        try:
            if slot.problem:
                raise ServerError(slot.problem)
            networks = self._policy.networks_of(slot.spec)
            network_problem = next((network_problems[each] for each in networks if each in network_problems), None)
            if network_problem and (slot.actions or slot.spec.egress.is_confined):
                raise ServerError(network_problem)
            made = self._bring_up(slot)
            if made is None:
                return fallback(slot), True
            if slot.wait:
                return self._settled(slot, made)
        except _EXPECTED as error:
            if isinstance(error, StartError):
                self._remember(slot)
            self._problem(slot.spec.name, self._with_platform(slot.spec, str(error)))
            return fallback(slot), False
        is_silent = slot.successor is not None and slot.successor.ready is False
        return Serving(slot.spec, made.id, made.port, "failed" if is_silent else "running", made.name), True

    def _bring_up(self, slot: Slot) -> Made | None:
        found = slot.successor
        made = Made(found.id, found.name, found.port, _since(found)) if found else None
        for action in slot.actions:
            if action.action in CREATIONS and slot.spec.required_by is not None:
                made = self._creation.create_required(slot.spec, action)
                self._done(action)
            elif action.action in CREATIONS:
                if slot.spec.verify and slot.incumbent is not None:
                    self._unverified.note(slot.spec)
                made = self._creation.create(slot.spec, slot.replica, action)
                self._done(action)
            else:
                self._perform(action, slot.spec)
                if made is not None and action.action in (Verb.START, Verb.RESTART, Verb.UNPAUSE):
                    made = replace(made, since=self._clock.now())
        return made

    def _settled(self, slot: Slot, made: Made) -> tuple[Serving, bool]:
        """Waits until the slot's container answers; takes it away again when it does not and an older one serves."""
        spec = slot.spec
        serving = Serving(spec, made.id, made.port, "running", made.name)
        failure = self._wait.until_ready(spec, made.id, made.port, made.since) or self._verified(slot, serving)
        if failure is None:
            return serving, True
        last_words = self._last_words(made.id)
        if slot.incumbent is not None:
            failure += f"; the new container was removed, generation {slot.incumbent.generation} keeps serving"
            try:
                self._remove(made.id)
                self._egress.revoke(made.id, made.port, spec.name)
            except EngineError as error:
                failure += f" (removing it failed: {error})"
        failure += last_words
        if slot.actions or slot.incumbent is not None:
            self._remember(slot)
        self._problem(spec.name, self._with_platform(spec, failure))
        if slot.incumbent is None:
            return Serving(spec, made.id, made.port, "failed", made.name), False
        return fallback(slot), False

    def _verified(self, slot: Slot, serving: Serving) -> str | None:
        """Why clients must not be led to a container that is well; only what replaces another one is held back."""
        if not slot.spec.verify or slot.incumbent is None:
            return None
        endpoint = serving.endpoint(replace(self._world, images=self._images.images), self._policy)
        transport = "sse" if slot.spec.transport == "sse" else "http"
        failure = self._verify(slot.spec.name, endpoint.url or "", transport, endpoint.host_header)
        if failure is None:
            self._unverified.forget(slot.spec)
        return failure

    def _remember(self, slot: Slot) -> None:
        try:
            self._failures.write(slot.spec.name, slot.attempt)
        except EngineError as error:
            message = f"its failure could not be noted, so the next run will not wait: {error}"
            self._problem(slot.spec.name, message)

    def _with_platform(self, spec: Spec, failure: str) -> str:
        """A failure with the reason that an engine or a shell gives as "exec format error" at most."""
        reason = mismatch(spec, self._images.images, self._world)
        return f"{failure}; {reason}" if reason is not None else failure

    # Single actions

    def _perform(self, action: Action, spec: Spec | None = None) -> None:
        """Carries out any action but a creation. Raises EngineError, and FirewallError for those of the rules."""
        identity = action.container or ""
        calls: Mapping[Verb, Callable[[], object]] = {
            Verb.WRITE_RULES: self._egress.write,
            Verb.REMOVE_RULES: self._egress.remove,
            Verb.CREATE_NETWORK: lambda: self._engine.create_network(network_body(self._policy, action.target)),
            Verb.REMOVE_NETWORK: lambda: self._engine.remove_network(identity),
            Verb.PULL: lambda: self._images.get(action.target, spec.platform if spec else None),
            Verb.START: lambda: self._creation.start(identity),
            Verb.UNPAUSE: lambda: self._engine.unpause(identity),
            Verb.RESTART: lambda: self._engine.restart(identity),
            Verb.STOP: lambda: self._engine.stop(identity, self._stop_seconds(identity)),
            Verb.RENAME: lambda: self._engine.rename(identity, action.target),
            Verb.REMOVE: lambda: self._remove(identity),
            Verb.REMOVE_IMAGE: lambda: self._engine.remove_image(action.target),
            Verb.UPDATE: lambda: self._engine.update(identity, limits(spec) if spec else {}),
        }
        calls[action.action]()
        self._done(action)

    def _remove(self, identity: str) -> None:
        try:
            self._engine.stop(identity, self._stop_seconds(identity))
        except EngineUnreachable:
            raise
        except EngineError:
            # Podman does not stop a paused container; removing takes it by force.
            pass
        self._engine.remove(identity)
        found = self._containers.get(identity)
        if found is not None:
            self._egress.revoke(identity, found.port, found.service)

    def _stop_seconds(self, identity: str) -> int:
        """Seconds that a container may take to end."""
        found = self._containers.get(identity)
        wanted = found.spec.stop_timeout if found is not None and found.spec is not None else None
        return STOP_SECONDS if wanted is None else wanted

    # What came of it

    def _done(self, action: Action) -> None:
        with self._lock:
            self._outcome.done.append(action)

    def _problem(self, server: str | None, message: str) -> None:
        clean = self._environment.redacted(server, message) if server else message
        with self._lock:
            self._outcome.problems.append(Problem(server, clean))

    def _in_order(self) -> Outcome:
        """The outcome in the plan's order, whatever thread was first."""
        places = {id(action): place for place, action in enumerate(self._plan.actions)}
        self._outcome.done.sort(key=lambda action: places[id(action)])
        self._outcome.problems.sort(key=lambda problem: problem.server or "")
        return self._outcome


def _since(container: Container) -> float:
    """From when a container has had time to become healthy; a crash does not restart it."""
    return container.created if container.restarts else container.started


def _kept(network: str, containers: Iterable[str]) -> str:
    """Why a network of the fleet stays, and how to be rid of it. The engine refuses to remove one that is in use."""
    names = list(containers)
    commands = [*(f"docker network disconnect -f {network} {each}" for each in names), f"docker network rm {network}"]
    plural = "containers" if len(names) > 1 else "container"
    are = "are" if len(names) > 1 else "is"
    return (
        f"network {network} stays: {plural} {', '.join(names)}, not of this fleet, {are} connected to it;"
        f" remove it with: {' && '.join(commands)}"
    )
