# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Carrying out a plan: thin, in threads, every failure kept to its server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.action import (
    Action,
    Endpoint,
    Plan,
    Problem,
    Slot,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.composition import (
    CompositionError,
    compose,
    limits,
    network_body,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import Engine, EngineError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.environment import EnvChanged, Environment
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.ports import NoFreePort, free_port
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import Answer, Probe
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container, Image, World

THREADS = 8
WAITING_THREADS = 64
LOG_LINES = 15
POLL_SECONDS = (0.05, 1.0)
# A process that the engine has restarted this often within its deadline will not become healthy by waiting longer.
HOPELESS_RESTARTS = 4
PORT_TRIES = 5


class Clock:
    """Time, so that tests need none."""

    def now(self) -> float:
        """Seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Lets that many seconds pass."""
        time.sleep(seconds)


@dataclass
class Outcome:
    """What a run did: the actions that were carried out, one endpoint per enabled server, and what went wrong."""

    done: list[Action] = field(default_factory=list)
    endpoints: list[Endpoint] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


class ServerError(Exception):
    """One server cannot be made as wished."""


@dataclass(frozen=True)
class _Made:
    """A container that serves a slot or shall do so."""

    id: str
    port: int | None
    since: float
    new: bool


class Run:
    """One plan on its way into the world."""

    def __init__(
        self, engine: Engine, world: World, policy: Policy, environment: Environment, probe: Probe, clock: Clock
    ) -> None:
        self._engine = engine
        self._world = world
        self._policy = policy
        self._environment = environment
        self._probe = probe
        self._clock = clock
        self._lock = threading.Lock()
        self._images: dict[str, Future[Image]] = {}
        self._ports = set(world.busy) | {each.port for each in world.containers if each.port is not None}
        self._outcome = Outcome()

    def apply(self, plan: Plan) -> Outcome:
        """Carries out ``plan``. An engine that stops answering ends every step with that reason, not the run."""
        self._ports |= {action.port for action in plan.actions if action.port is not None}
        self._outcome.problems.extend(plan.problems)
        network_problem = self._prepare(plan)
        with ThreadPoolExecutor(THREADS) as workers, ThreadPoolExecutor(WAITING_THREADS) as waiters:
            for action in plan.first:
                if action.server is not None:
                    workers.submit(self._contained, action)
            slots = [workers.submit(self._slot, slot, network_problem, waiters) for slot in plan.slots]
            endpoints = [slot.result().result() for slot in slots]
        for action in plan.last:
            self._contained(action)
        self._outcome.endpoints = [each for each in endpoints if each is not None]
        self._outcome.problems.sort(key=lambda problem: problem.server or "")
        order = {id(action): place for place, action in enumerate(plan.actions)}
        self._outcome.done.sort(key=lambda action: order.get(id(action), len(order)))
        return self._outcome

    def _prepare(self, plan: Plan) -> str | None:
        """The fleet's own steps. A failure is the problem of every server that needs them, so it is given back."""
        for action in plan.first:
            if action.server is None:
                try:
                    self._perform(action)
                except EngineError as error:
                    self._problem(None, str(error))
                    return str(error)
        return None

    def _contained(self, action: Action) -> None:
        try:
            self._perform(action)
        except EngineError as error:
            self._problem(action.server, f"{action.target}: {error}")

    def _slot(self, slot: Slot, network_problem: str | None, waiters: ThreadPoolExecutor) -> Future[Endpoint | None]:
        try:
            if slot.problem:
                raise ServerError(slot.problem)
            if network_problem and slot.actions and slot.spec.network is None:
                raise ServerError(network_problem)
            made = self._bring_up(slot)
        except (ServerError, EngineError, EnvChanged, CompositionError, NoFreePort) as error:
            self._problem(slot.spec.name, str(error))
            done: Future[Endpoint | None] = Future()
            done.set_result(self._fallback(slot))
            return done
        return waiters.submit(self._settle, slot, made)

    def _bring_up(self, slot: Slot) -> _Made | None:
        found = slot.successor
        made = _Made(found.id, found.port, _since(found), False) if found else None
        for action in slot.actions:
            if action.action in ("create", "recreate"):
                made = self._create(slot, action)
                self._done(action)
            else:
                self._perform(action, slot.spec)
                if made is not None and action.action in ("start", "restart", "unpause"):
                    made = _Made(made.id, made.port, self._clock.now(), False)
        return made

    def _perform(self, action: Action, spec: Spec | None = None) -> None:
        identity = action.container or ""
        calls: Mapping[str, Callable[[], object]] = {
            "create_network": lambda: self._engine.create_network(network_body(self._policy)),
            "remove_network": lambda: self._engine.remove_network(identity),
            "pull": lambda: self._image(action.target),
            "start": lambda: self._engine.start(identity),
            "unpause": lambda: self._engine.unpause(identity),
            "restart": lambda: self._engine.restart(identity),
            "stop": lambda: self._engine.stop(identity),
            "rename": lambda: self._engine.rename(identity, action.target),
            "remove": lambda: self._remove(identity),
            "update": lambda: self._engine.update(identity, limits(spec) if spec else {}),
        }
        calls[action.action]()
        self._done(action)

    def _remove(self, identity: str) -> None:
        self._engine.stop(identity)
        self._engine.remove(identity)

    def _image(self, reference: str) -> Image:
        """The image, pulled when this host does not hold it; every reference once, however many servers wait for it."""
        known = self._world.images.get(reference)
        if known is not None:
            return known
        with self._lock:
            future = self._images.get(reference)
            mine = future is None
            if future is None:
                future = self._images[reference] = Future()
        if mine:
            try:
                self._engine.pull(reference)
                raw = self._engine.image(reference)
                if raw is None:
                    raise EngineError(f"image {reference} was pulled and is not there; is the engine pruning images?")
                future.set_result(Image.from_inspect(raw))
            except BaseException as error:
                future.set_exception(error)
        return future.result()

    def _create(self, slot: Slot, action: Action) -> _Made:
        spec = slot.spec
        image = self._image(spec.image)
        values = self._environment.of(spec)
        port = action.port or 0
        for tries_left in range(PORT_TRIES, 0, -1):
            body = compose(spec, image, self._policy, port, slot.replica)
            body["Env"] = values
            identity = self._engine.create_container(action.target, body)
            try:
                self._engine.start(identity)
            except EngineError as error:
                # The engine leaves what it could not start; left there it would hold the name.
                self._engine.remove(identity)
                if not error.port_taken or tries_left == 1:
                    raise
                port = self._another_port(spec)
            else:
                return _Made(identity, port, self._clock.now(), True)
        raise ServerError(f"{PORT_TRIES} ports in a row were taken while the run was under way; run again")

    def _another_port(self, spec: Spec) -> int:
        with self._lock:
            port = free_port(spec.name, self._policy.port_range_start, self._policy.port_range_end, self._ports)
            self._ports.add(port)
        return port

    def _settle(self, slot: Slot, made: _Made | None) -> Endpoint | None:
        """Waits until the slot's container answers; takes a new one away again when it does not."""
        if not slot.spec.enabled:
            return None
        if made is None:
            return self._fallback(slot)
        if not slot.wait:
            silent = slot.successor is not None and slot.successor.ready is False
            return self._endpoint(slot.spec, made.id, made.port, "failed" if silent else "running")
        failure = self._wait(slot.spec, made)
        if failure is None:
            return self._endpoint(slot.spec, made.id, made.port, "running")
        self._problem(slot.spec.name, self._failed(slot, made, failure))
        if slot.incumbent is None:
            return self._endpoint(slot.spec, made.id, made.port, "failed")
        return self._fallback(slot)

    def _wait(self, spec: Spec, made: _Made) -> str | None:
        """None when it answers in time, else why it does not."""
        deadline = made.since + self._policy.health_timeout
        pause = POLL_SECONDS[0]
        while True:
            answer = self._ask(spec, made)
            if answer.ok:
                return None
            left = deadline - self._clock.now()
            dead = self._dead(made) if pause >= POLL_SECONDS[1] or left <= 0 else ""
            if dead:
                return dead
            if left <= 0:
                return f"it does not answer as it should ({answer.said})"
            self._clock.sleep(min(pause, max(left, 0.01)))
            pause = min(pause * 1.5, POLL_SECONDS[1])

    def _ask(self, spec: Spec, made: _Made) -> Answer:
        if made.port is None:
            return Answer(False, "no published port")
        return self._probe(self._policy.reach_address, made.port, spec.health_path, spec.health_matcher)

    def _dead(self, made: _Made) -> str:
        """Why there is nothing to wait for, or nothing at all."""
        try:
            raw = self._engine.container(made.id)
        except EngineError as error:
            return str(error)
        if raw is None:
            return "its container was removed by somebody else"
        found = Container.from_inspect(raw)
        if found.restarts >= HOPELESS_RESTARTS or found.status in ("exited", "dead"):
            return f"its process keeps ending (exit code {found.exit_code}, {found.restarts} restarts)"
        return ""

    def _failed(self, slot: Slot, made: _Made, failure: str) -> str:
        spec = slot.spec
        where = f"GET http://{self._policy.reach_address}:{made.port}{spec.health_path}"
        sentence = f"{failure}: {where} should give {spec.health_matcher} within {self._policy.health_timeout:g} s"
        lines = self._engine.last_lines(made.id, LOG_LINES)
        if slot.incumbent is not None:
            sentence += f"; the new container was removed, generation {slot.incumbent.generation} keeps serving"
            try:
                self._remove(made.id)
            except EngineError as error:
                sentence += f" (removing it failed: {error})"
        if lines:
            sentence += "; its last lines: " + " | ".join(line.strip() for line in lines if line.strip())
        return sentence

    def _fallback(self, slot: Slot) -> Endpoint | None:
        """Who serves when the wished container does not: the one before, or nobody."""
        if not slot.spec.enabled:
            return None
        old = slot.incumbent
        if old is not None:
            return self._endpoint(old.spec or slot.spec, old.id, old.port, "running")
        left = slot.successor
        if left is not None:
            return self._endpoint(slot.spec, left.id, left.port, "failed")
        return self._endpoint(slot.spec, None, None, "failed")

    def _endpoint(self, spec: Spec, identity: str | None, port: int | None, state: str) -> Endpoint:
        return Endpoint.of(spec, self._policy.reach_address, port, identity, state)

    def _done(self, action: Action) -> None:
        with self._lock:
            self._outcome.done.append(action)

    def _problem(self, server: str | None, message: str) -> None:
        clean = self._environment.redacted(server, message) if server else message
        with self._lock:
            self._outcome.problems.append(Problem(server, clean))


def _since(container: Container) -> float:
    """From when a container has had its time to become healthy; a crash loop does not begin anew with every crash."""
    return container.created if container.restarts else container.started


def planned(plan: Plan, policy: Policy) -> list[Endpoint]:
    """The endpoints that a plan would lead to, for check mode."""
    endpoints = []
    for slot in plan.slots:
        if not slot.spec.enabled:
            continue
        creation = next((each for each in slot.actions if each.action in ("create", "recreate")), None)
        found = slot.successor
        if creation is not None:
            endpoint = Endpoint.of(slot.spec, policy.reach_address, creation.port, None, "planned")
        elif found is not None:
            state = "planned" if slot.actions else "failed" if slot.wait else "running"
            endpoint = Endpoint.of(slot.spec, policy.reach_address, found.port, found.id, state)
        elif slot.incumbent is not None:
            old = slot.incumbent
            endpoint = Endpoint.of(old.spec or slot.spec, policy.reach_address, old.port, old.id, "running")
        else:
            endpoint = Endpoint.of(slot.spec, policy.reach_address, None, None, "failed")
        endpoints.append(endpoint)
    return endpoints
