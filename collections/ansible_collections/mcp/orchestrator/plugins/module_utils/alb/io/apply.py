# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Doing what a plan says: phase by phase, servers side by side, errors kept per server."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError, ApiError, WaitError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.observe import Caller
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.rule_options import SECRET_REFERENCE
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import (
    GROUP_REFERENCE,
    RULE_REFERENCE,
    WAIT_HEALTHY,
    WAITS,
    Action,
    Phase,
    Plan,
)

# A freshly made object may be unknown to the next call for a moment, and a group is in use until its rule's deletion
# has spread (AWS Load Balancer Controller waits for both): attempts, and seconds between them.
CONSISTENCY_ATTEMPTS = 6
IN_USE_ATTEMPTS = 15
ATTEMPT_PAUSE = 2.0
# Describe calls may go on at ten a second for ever, so a poll of many groups takes its time.
POLL_SECONDS = 1.0
POLL_SECONDS_PER_GROUP = 0.1


class MonotonicClock:
    """Real time, in seconds."""

    def now(self) -> float:
        """Returns seconds on a clock that never goes back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Lets so many seconds pass."""
        time.sleep(seconds)


@dataclass
class ApplyOutcome:
    """What became of a plan: the actions done, and the first error of every server, None for the whole fleet.

    ``arns`` are those of the rules and target groups that were made, by the references that stand for them in the plan.
    """

    done: list[Action] = field(default_factory=list)
    errors: dict[str | None, AlbError] = field(default_factory=dict)
    arns: dict[str, str] = field(default_factory=dict)

    @property
    def api_errors(self) -> list[ApiError]:
        """The errors that the service answered with."""
        return [error for error in self.errors.values() if isinstance(error, ApiError)]


class Applier:
    """Applies one plan: phase by phase, the servers of a phase side by side.

    Timeouts are seconds; ``secrets`` are the client secrets by route.
    """

    def __init__(
        self,
        api: Caller,
        pool: ThreadPoolExecutor,
        clock: MonotonicClock,
        wait_timeout: float,
        drain_timeout: float,
        secrets: Mapping[str, str] | None = None,
    ) -> None:
        self._api = api
        self._pool = pool
        self._clock = clock
        self._wait_timeout = wait_timeout
        self._drain_timeout = drain_timeout
        self._outcome = ApplyOutcome()
        self._fatal: ApiError | None = None
        self._secrets = {SECRET_REFERENCE + name: secret for name, secret in (secrets or {}).items()}

    def run(self, plan: Plan) -> ApplyOutcome:
        """Does the plan's actions. Errors are in the outcome; what depends on a failed step is left undone."""
        for order, found in groupby(plan.actions, key=lambda action: action.order):
            actions = list(found)
            if order[0] is Phase.RECORD_LAST_APPLIED and (self._outcome.errors or plan.problems):
                break
            waits = [action for action in actions if action.operation in WAITS]
            if waits:
                self._wait(waits)
            chains: dict[str | None, list[Action]] = {}
            for action in actions:
                if action.operation not in WAITS:
                    chains.setdefault(action.server, []).append(action)
            list(self._pool.map(self._chain, chains.values()))
        return self._outcome

    def _chain(self, actions: Iterable[Action]) -> None:
        for action in actions:
            if self._is_blocked(action):
                continue
            try:
                self._perform(action)
            except AlbError as error:
                self._fail(action, error)
            else:
                self._outcome.done.append(action)

    def _is_blocked(self, action: Action) -> bool:
        if self._fatal is not None:
            self._outcome.errors.setdefault(action.server, self._fatal)
            return True
        return any(server in self._outcome.errors for server in (action.server, *action.needs))

    def _fail(self, action: Action, error: AlbError) -> None:
        self._outcome.errors.setdefault(action.server, error)
        if isinstance(error, ApiError) and (error.is_fatal or action.phase is Phase.FORGET_LAST_APPLIED):
            self._fatal = error
        # Whoever was to be moved is not where the rest of the plan expects it.
        for needs in action.needs_by_rule.values():
            for server in needs:
                self._outcome.errors.setdefault(server, error)

    def _perform(self, action: Action) -> None:
        if action.operation == "set_rule_priorities":
            self._move(action)
            return
        answer = self._call(action.operation, self._resolve(action.arguments))
        if action.operation == "create_target_group":
            name = action.arguments["Name"]
            self._outcome.arns[GROUP_REFERENCE + name] = answer["TargetGroups"][0]["TargetGroupArn"]
        elif action.operation == "create_rule":
            self._outcome.arns[f"{RULE_REFERENCE}{action.server}"] = answer["Rules"][0]["RuleArn"]

    def _move(self, action: Action) -> None:
        moves = [
            move
            for move in action.arguments["RulePriorities"]
            if not any(server in self._outcome.errors for server in action.needs_by_rule[move["RuleArn"]])
        ]
        if moves:
            self._call("set_rule_priorities", self._resolve({"RulePriorities": moves}))

    def _call(self, operation: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        attempt = 1
        while True:
            try:
                return self._api.call(operation, arguments)
            except ApiError as error:
                if operation in ("delete_rule", "delete_target_group") and error.name.endswith("NotFound"):
                    return {}
                if attempt >= self._most_attempts(operation, error, arguments):
                    raise
            attempt += 1
            self._clock.sleep(ATTEMPT_PAUSE)

    def _most_attempts(self, operation: str, error: ApiError, arguments: Mapping[str, Any]) -> int:
        if operation == "delete_target_group" and error.name == "ResourceInUse":
            return IN_USE_ATTEMPTS
        made = set(self._outcome.arns.values())
        if error.name in ("TargetGroupNotFound", "RuleNotFound") and _mentions(arguments, made):
            return CONSISTENCY_ATTEMPTS
        return 1

    def _resolve(self, value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: self._resolve(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [self._resolve(inner) for inner in value]
        if isinstance(value, str) and value.startswith(SECRET_REFERENCE):
            return self._secrets[value]
        if isinstance(value, str) and value.startswith((GROUP_REFERENCE, RULE_REFERENCE)):
            return self._outcome.arns.get(value, value)
        return value

    def _wait(self, actions: list[Action]) -> None:
        pending = [action for action in actions if not self._is_blocked(action)]
        start = self._clock.now()
        while pending:
            states = list(zip(pending, self._pool.map(self._states, pending), strict=True))
            spent = self._clock.now() - start
            pending = []
            for action, state in states:
                timeout = self._wait_timeout if action.operation == WAIT_HEALTHY else self._drain_timeout
                if isinstance(state, AlbError):
                    self._give_up(action, state)
                elif _is_reached(action, state) or (action.patience is not None and spent >= action.patience):
                    self._outcome.done.append(action)
                elif spent >= timeout:
                    self._give_up(action, _too_late(action, state, timeout))
                else:
                    pending.append(action)
            if pending:
                self._clock.sleep(max(POLL_SECONDS, POLL_SECONDS_PER_GROUP * len(pending)))

    def _states(self, action: Action) -> dict[str, tuple[str, str]] | AlbError:
        try:
            answer = self._call("describe_target_health", self._resolve(action.arguments))
        except ApiError as error:
            if action.operation != WAIT_HEALTHY and error.name == "TargetGroupNotFound":
                return {}
            return error
        return {
            f"{found['Target']['Id']}:{found['Target'].get('Port')}": (
                found.get("TargetHealth", {}).get("State", ""),
                found.get("TargetHealth", {}).get("Reason", ""),
            )
            for found in answer["TargetHealthDescriptions"]
        }

    def _give_up(self, action: Action, error: AlbError) -> None:
        self._fail(action, error)
        for call in action.undo:
            try:
                self._call(call.operation, self._resolve(call.arguments))
            except ApiError:
                continue  # the error that counts is already kept, and the next run tries again


def _is_reached(action: Action, states: Mapping[str, tuple[str, str]]) -> bool:
    if action.operation == WAIT_HEALTHY:
        return bool(states) and all(state[0] == "healthy" for state in states.values())
    return all(state[0] == "unused" for state in states.values())


def _too_late(action: Action, states: Mapping[str, tuple[str, str]], timeout: float) -> WaitError:
    if action.operation == WAIT_HEALTHY:
        sick = [
            f"{target} is {state}{f' ({reason})' if reason else ''}"
            for target, (state, reason) in states.items()
            if state != "healthy"
        ]
        hint = "check that the server answers its health path and that the load balancer can reach its port"
        kept = "; what served before still serves" if action.undo else ""
        return WaitError(f"not healthy after {timeout:.0f} s: {', '.join(sick) or 'no target'}; {hint}{kept}")
    slow = ", ".join(target for target, state in states.items() if state[0] != "unused")
    return WaitError(f"still draining after {timeout:.0f} s: {slow}; the next run continues")


def _mentions(value: Any, wanted: set[str]) -> bool:
    if isinstance(value, Mapping):
        return any(_mentions(inner, wanted) for inner in value.values())
    if isinstance(value, list):
        return any(_mentions(inner, wanted) for inner in value)
    return isinstance(value, str) and value in wanted
