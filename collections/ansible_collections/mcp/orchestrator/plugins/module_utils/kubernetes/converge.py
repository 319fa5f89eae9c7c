# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Brings a fleet's objects to what is desired: observe, plan, apply, wait, and back to what served where it must be."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import Failure
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.verification import Verify, not_installed
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import failures
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.apply import Withheld, apply
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster import Cluster
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.fleet import Rendering
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import (
    CONFIG_MAP,
    DEPLOYMENT,
    NETWORK_POLICY,
    REPLICA_SET,
    Kind,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import MANAGER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.observe import (
    World,
    record,
    selector_of,
    strangers,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import (
    Action,
    Plan,
    key_of,
    plan,
    server_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.rollout import (
    generation_of,
    last_good,
    rollout_of,
    template_digest,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.secret_values import SecretValues
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.verification import Candidate, verify_all
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.verification_objects import (
    Question,
    precedes,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.wait import Clock, Waited, explain_all, wait
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

_VERIFIED = (DEPLOYMENT.kind, NETWORK_POLICY.kind)


@dataclass(frozen=True)
class Desired:
    """``labels`` are the values of ``mcp_service`` by server, of the servers of ``rendering`` and of those in
    ``protected``, whose objects stay as they are. ``timeout`` is how long a rollout may take, in seconds. ``verified``
    says of servers whose new pods have to pass ``verify`` before they take over how they are asked."""

    fleet: str
    rendering: Rendering
    kinds: Sequence[Kind]
    labels: dict[str, str]
    protected: Collection[str] = ()
    repair: bool = True
    timeout: float = 300.0
    verified: Mapping[str, Question] = field(default_factory=dict)
    verify: Verify = not_installed


@dataclass
class Outcome:
    """``errors`` are by server, and ``rollbacks`` the generations that serve again. ``deployments`` are by name, as
    they are at the end."""

    planned: Plan
    actions: list[Action] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)
    postponed: list[Failure] = field(default_factory=list)
    rollbacks: dict[str, str] = field(default_factory=dict)
    deployments: dict[str, Object] = field(default_factory=dict)

    def fail(self, server: str, message: str) -> None:
        """Notes an error of a server."""
        self.errors.setdefault(server, []).append(message)


def converge(
    desired: Desired, world: World, cluster: Cluster, values: SecretValues, clock: Clock, *, check_mode: bool
) -> Outcome:
    """Returns what was done, in check mode what would be. Raises ClusterError where nothing is known of the cluster."""
    return _Run(desired, world, cluster, values, clock).converged(check_mode=check_mode)


class _Run:
    def __init__(self, desired: Desired, world: World, cluster: Cluster, values: SecretValues, clock: Clock) -> None:
        self._desired = desired
        self._world = world
        self._cluster = cluster
        self._values = values
        self._clock = clock
        self._names = {label: server for server, label in desired.labels.items()}
        self._out = Outcome(Plan())

    def converged(self, *, check_mode: bool) -> Outcome:
        objects, withheld = self._objects()
        planned = self._plan(objects, {*self._protected(), *withheld})
        postponed = self._postponed(objects)
        held = self._held(planned.actions)
        actions = [each for each in planned.actions if each.server not in postponed or _goes_on(each, held)]
        self._out.deployments = self._world.deployments()
        if check_mode:
            self._out.planned = replace(planned, actions=tuple(actions))
            self._out.actions = actions
            return self._out
        self._record(actions)
        refused = self._apply([each for each in actions if each.server not in held or precedes(each)])
        failed = self._verify(objects, held - postponed - refused)
        actions = [each for each in actions if each.server not in failed or precedes(each)]
        self._out.planned = replace(planned, actions=tuple(actions))
        passed = held - postponed - refused - failed
        self._apply([each for each in actions if each.server in passed and not precedes(each)])
        self._wait(objects, actions, {*withheld, *postponed, *failed})
        if not objects and not self._desired.protected and not self._out.errors:
            self._leave()
        return self._out

    def _leave(self) -> None:
        """Takes the fleet's memory away where it has no server any more."""
        there = self._cluster.get(CONFIG_MAP, self._desired.fleet) if self._world.recorded is not None else None
        if there is not None:
            self._cluster.remove(CONFIG_MAP, self._desired.fleet, there["metadata"]["uid"])

    def _objects(self) -> tuple[list[Object], set[str]]:
        """What is desired, Secrets with their values, and the labels of servers whose values cannot be had."""
        there = {key_of(each): each for each in self._world.objects}
        objects: list[Object] = []
        withheld: set[str] = set()
        for server, made in self._desired.rendering.objects.items():
            label = self._desired.labels[server]
            try:
                objects += [
                    self._values.settled(each, there.get(key_of(each)), label) if each["kind"] == "Secret" else each
                    for each in made
                ]
            except Withheld as error:
                withheld.add(label)
                self._out.fail(server, str(error))
        return objects, withheld

    def _plan(self, objects: Sequence[Object], protected: Collection[str]) -> Plan:
        there = {key_of(each) for each in self._world.objects}
        missing = {key_of(each) for each in objects} - there
        others = strangers(self._cluster, self._desired.fleet, self._desired.kinds, missing) if missing else []
        planned = plan(
            objects,
            [*self._world.objects, *others],
            self._desired.fleet,
            protected=protected,
            repair=self._desired.repair,
        )
        for label, message in planned.taken.items():
            self._out.fail(self._name(label), message)
        return planned

    def _protected(self) -> set[str]:
        labels = self._desired.labels
        return {labels[server] for server in self._desired.protected if server in labels}

    def _postponed(self, objects: Sequence[Object]) -> set[str]:
        """The labels of servers whose pods have failed so often that another try has to wait."""
        now, found = self._clock.now(), set()
        known = self._world.deployments()
        for each in objects:
            there = known.get(each["metadata"]["name"]) if each["kind"] == DEPLOYMENT.kind else None
            if there is None or not failures.remembers(there):
                continue
            label = server_of(each)
            failure = failures.failure_of(there, self._name(label))
            forget = failures.forgetting(self._cluster, each["metadata"]["name"])
            why = failure.pause(template_digest(each), now, forget)
            if why is not None:
                found.add(label)
                self._out.postponed.append(failure)
                self._out.fail(failure.server, why)
        return found

    def _held(self, actions: Sequence[Action]) -> set[str]:
        """The labels of servers whose new pods have to pass before they take the place of some that answer."""
        there = self._world.deployments()
        asked = {self._desired.labels[server] for server in self._desired.verified}
        return {
            each.server
            for each in actions
            if each.server in asked and each.replaces_pods and rollout_of(there[each.key[2]]).ready
        }

    def _verify(self, objects: Sequence[Object], labels: Collection[str]) -> set[str]:
        """The labels of those whose new pods have not passed. What they are to replace keeps serving."""
        if not labels:
            return set()
        there = self._world.deployments()
        of_kind = {kind: {server_of(each): each for each in objects if each["kind"] == kind} for kind in _VERIFIED}
        deployments, policies = (of_kind[kind] for kind in _VERIFIED)
        candidates = [
            Candidate(server, deployments[label], policies[label], self._desired.verified[server])
            for server, label in self._desired.labels.items()
            if label in labels
        ]
        desired = self._desired
        told = verify_all(self._cluster, desired.fleet, candidates, desired.verify, desired.timeout, self._clock)
        failed = {server_of(each.deployment): each for each in candidates if each.deployment_name in told}
        for label, each in failed.items():
            present, shown = there[each.deployment_name], self._values.redacted(label, told[each.deployment_name])
            attempt = template_digest(each.deployment)
            failure = failures.failure_of(present, each.server).again(attempt, self._clock.now())
            self._out.postponed.append(failure)
            self._out.fail(each.server, f"{shown}; generation {generation_of(present)} keeps serving")
            try:
                failures.remember(self._cluster, present, failure)
            except ClusterError as error:
                self._out.fail(each.server, f"its failure could not be noted, so the next run will not wait: {error}")
        return set(failed)

    def _record(self, actions: Sequence[Action]) -> None:
        """Writes down of which kinds the fleet will have objects."""
        if not actions:
            return
        kept = {kind.key for kind in self._desired.kinds if kind.text in (self._world.recorded or ())}
        made = {each.key[:2] for each in actions if each.verb != "remove"}
        present = {key_of(each)[:2] for each in self._world.objects}
        if self._world.recorded is None or not made <= kept:
            wanted = kept | made | present
            record(self._cluster, self._desired.fleet, [each for each in self._desired.kinds if each.key in wanted])

    def _apply(self, actions: Sequence[Action]) -> set[str]:
        """Returns the labels of servers of which not all could be done."""
        done = apply(
            self._cluster,
            actions,
            self._desired.kinds,
            lambda each: self._values.completed(each, server_of(each)),
            force=self._desired.repair,
        )
        self._out.actions += done.actions
        for label, message in done.errors.items():
            self._out.fail(self._name(label), message)
        return set(done.errors)

    def _wait(self, objects: Sequence[Object], actions: Sequence[Action], left_out: Collection[str]) -> None:
        own = {each["metadata"]["name"]: each for each in objects if each["kind"] == DEPLOYMENT.kind}
        done = {each.key for each in self._out.actions}
        begun = [
            each.key[2]
            for each in actions
            if each.verb != "remove" and each.key in done and each.object["kind"] == DEPLOYMENT.kind
        ]
        there = self._world.deployments()
        watched = {
            name: there.get(name, each)
            for name, each in own.items()
            if server_of(each) not in left_out and (name in there or name in begun)
        }
        waited = wait(self._cluster, self._desired.fleet, watched, begun, self._desired.timeout, self._clock)
        self._out.deployments = {**there, **waited.deployments}
        self._forget(own, waited)
        self._roll_back(own, waited)

    def _forget(self, own: dict[str, Object], waited: Waited) -> None:
        """Removes what is remembered of failures of those that serve now as they are desired."""
        for name, each in waited.deployments.items():
            if name not in own or name in waited.failed or not failures.remembers(each):
                continue
            if rollout_of(each).complete and failures.failure_of(each, "").attempt == template_digest(own[name]):
                try:
                    failures.forget(self._cluster, each)
                except ClusterError as error:
                    self._out.fail(self._name(server_of(each)), str(error))

    def _roll_back(self, own: dict[str, Object], waited: Waited) -> None:
        """Tells why servers have failed, and gives those that have never served so the template that did."""
        if not waited.failed:
            return
        told = explain_all(self._cluster, waited.failed)
        sets = self._cluster.objects(REPLICA_SET, selector_of(self._desired.fleet)) or []
        for name, reason in told.items():
            there, label = waited.deployments[name], server_of(own[name])
            server, shown = self._name(label), self._values.redacted(label, reason)
            former = None if rollout_of(there).has_served else last_good(there, sets)
            if former is None:
                self._out.fail(server, shown)
                continue
            attempt = template_digest(own[name])
            failure = failures.failure_of(there, server).again(attempt, self._clock.now())
            body = {**own[name], "spec": {**own[name]["spec"], "template": former}}
            try:
                failures.remember(self._cluster, there, failure)
                applied = self._cluster.apply(DEPLOYMENT, body, MANAGER, force=True)
            except ClusterError as error:
                self._out.fail(server, f"{shown}; what served before goes on as far as it runs: {error}")
                continue
            self._out.deployments[name] = {**there, "spec": applied.get("spec", there["spec"])}
            self._out.rollbacks[server] = generation_of(body)
            self._out.postponed.append(failure)
            self._out.fail(server, f"{shown}; generation {generation_of(body)} serves again")

    def _name(self, label: str) -> str:
        return self._names.get(label, label)


def _goes_on(action: Action, held: Collection[str]) -> bool:
    """Whether something of a server is done while another try of its new pods has to wait."""
    if action.server in held:
        return precedes(action)
    return action.verb == "remove" or action.object["kind"] != DEPLOYMENT.kind
