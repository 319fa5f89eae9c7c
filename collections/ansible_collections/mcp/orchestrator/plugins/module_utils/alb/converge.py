# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way: observe, plan, apply, and once more where somebody else was faster."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.action import (
    GROUP_REFERENCE,
    RULE_REFERENCE,
    Action,
    Plan,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.apply import Application, Clock, Outcome
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.draft import Room
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import (
    AlbError,
    ApiError,
    QuotaError,
    WishError,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.observe import (
    Caller,
    Observer,
    assume,
    leaves_doubt,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan import make_plan
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.quota import creates, excesses
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.route import Wish, check_wish
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.world import World

THREADS = 16
# How often a run looks again when somebody else changed the listener under its hands.
ATTEMPTS = 3
# How much longer than the deregistration delay a drain may take before the run goes on without it, in seconds.
DRAIN_MARGIN = 30


@dataclass
class Result:
    """What a run found and did. In check mode ``actions`` are what it would do."""

    world: World
    plan: Plan
    actions: list[Action] = field(default_factory=list)
    errors: dict[str, AlbError] = field(default_factory=dict)
    arns: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether a route was, or would be, changed."""
        return any(action.is_change for action in self.actions)

    def group_arn(self, name: str) -> str | None:
        """The ARN of a target group, observed or made by this run."""
        group = self.world.group_by_name.get(name)
        return self.arns.get(GROUP_REFERENCE + name) or (group.arn if group else None)

    def rule_arn(self, server: str) -> str | None:
        """The ARN of a route's rule, observed or made by this run."""
        return self.plan.rule_arns.get(server) or self.arns.get(RULE_REFERENCE + server)


@dataclass(frozen=True)
class Conduct:
    """How a run goes about it: how closely it looks, whether it acts, how long it waits (seconds)."""

    is_full: bool = False
    is_check: bool = False
    wait_timeout: float = 120


def converge(api: Caller, wish: Wish, conduct: Conduct, clock: Clock | None = None) -> Result:
    """Make the listener's routes what is wished.

    Raises WishError, QuotaError (nothing was changed in either case) and ApiError where nothing could be observed;
    errors of single routes are in the result.
    """
    check_wish(wish)
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        run = _Run(Observer(api, pool), pool, wish, conduct)
        done: list[Action] = []
        arns: dict[str, str] = {}
        room = Room.AMPLE
        attempt = 1
        while True:
            try:
                world, plan = run.look(room, is_again=attempt > 1)
            except ApiError as error:
                if not error.is_race or attempt == ATTEMPTS:
                    raise
                attempt += 1
                continue
            if conduct.is_check:
                return Result(world, plan, list(plan.actions), _problems(plan))
            drain_timeout = wish.deregistration_delay + DRAIN_MARGIN
            secrets = {route.name: route.client_secret for route in wish.routes}
            application = Application(api, pool, clock or Clock(), conduct.wait_timeout, drain_timeout, secrets)
            outcome = application.run(plan)
            done += outcome.done
            arns.update(outcome.arns)
            if attempt == ATTEMPTS or not _is_worth_another_look(outcome):
                return Result(world, plan, done, {**_problems(plan), **outcome.errors}, arns)
            if any(error.is_quota for error in outcome.api_errors):
                room = Room(min(room + 1, Room.NONE))
            attempt += 1


class _Run:
    """Looks and plans; stops where quotas forbid."""

    def __init__(self, observer: Observer, pool: ThreadPoolExecutor, wish: Wish, conduct: Conduct) -> None:
        self._observer = observer
        self._pool = pool
        self._wish = wish
        self._conduct = conduct

    def look(self, room: Room, is_again: bool) -> tuple[World, Plan]:
        """Observe as closely as necessary, and plan."""
        wish = self._wish
        glanced = self._observer.glance(wish)
        if not self._conduct.is_full and not is_again and not leaves_doubt(wish, glanced):
            assumed = assume(wish, glanced)
            plan = make_plan(wish, assumed)
            if not plan.actions and not plan.problems:
                return assumed, plan
        trust = glanced.seal is not None and not self._conduct.is_full
        world = self._observer.inspect(wish, glanced, trust)
        if wish.vpc_id and world.load_balancer and world.load_balancer.vpc_id not in ("", wish.vpc_id):
            raise WishError(
                [f"vpc_id is {wish.vpc_id}, but the load balancer is in {world.load_balancer.vpc_id}; correct either"]
            )
        plan = make_plan(wish, world, room)
        if creates(plan):
            plan = self._fit(world, plan, room)
        return world, plan

    def _fit(self, world: World, plan: Plan, room: Room) -> Plan:
        elsewhere = self._pool.submit(self._observer.count_rules_elsewhere, world.listener)
        limits = self._limits()
        found = excesses(plan, self._wish, world, limits, elsewhere.result())
        while found and room < Room.NONE:
            room = Room(room + 1)
            plan = make_plan(self._wish, world, room)
            found = excesses(plan, self._wish, world, limits, elsewhere.result())
        if found:
            raise QuotaError(
                f"the wished routes do not fit on {world.listener.load_balancer_arn}: they would need "
                f"{', '.join(str(excess) for excess in found)}; nothing was changed. Remove servers, raise the quota "
                "where AWS allows it, or use a second load balancer"
            )
        return plan

    def _limits(self) -> Mapping[str, int]:
        try:
            return self._observer.limits()
        except ApiError as error:
            if error.is_fatal:
                raise
            return {}


def _problems(plan: Plan) -> dict[str, AlbError]:
    return {problem.server: AlbError(problem.message) for problem in plan.problems}


def _is_worth_another_look(outcome: Outcome) -> bool:
    """Say whether everything that failed did so because somebody else was faster, or because a quota was met."""
    errors: list[Any] = outcome.api_errors
    return any(error.is_race or error.is_quota for error in errors) and not any(error.is_fatal for error in errors)
