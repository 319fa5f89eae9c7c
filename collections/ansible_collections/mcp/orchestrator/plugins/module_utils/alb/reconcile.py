# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole way: observe, plan, apply, and once more where somebody else was faster."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import (
    AlbError,
    ApiError,
    DesiredRoutesError,
    QuotaError,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.apply import Applier, ApplyOutcome, MonotonicClock
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.observe import Caller, Observer
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.observed_routes import ObservedRoutes
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import (
    DesiredRoutes,
    check_desired_routes,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import (
    GROUP_REFERENCE,
    RULE_REFERENCE,
    Action,
    Plan,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.plan import make_plan
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.planning import Headroom
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.quota import creates_anything, excesses
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.scan import infer_tags, needs_full_scan

THREADS = 16
# How often a run looks again when somebody else changed the listener under its hands.
ATTEMPTS = 3
# How much longer than the deregistration delay a drain may take before the run goes on without it, in seconds.
DRAIN_MARGIN = 30


@dataclass
class Result:
    """What a run found and did. In check mode ``actions`` are what it would do.

    ``errors`` has the first error of every server, under None that of the whole fleet; ``arns`` those of the rules and
    target groups that were made, by the references that stand for them in the plan.
    """

    observed: ObservedRoutes
    plan: Plan
    actions: list[Action] = field(default_factory=list)
    errors: Mapping[str | None, AlbError] = field(default_factory=dict)
    arns: dict[str, str] = field(default_factory=dict)

    @property
    def changed(self) -> bool:
        """Whether a route was, or would be, changed."""
        return any(action.is_change for action in self.actions)

    def group_arn(self, name: str) -> str | None:
        """Returns the ARN of a target group, observed or made by this run."""
        group = self.observed.group_by_name.get(name)
        return self.arns.get(GROUP_REFERENCE + name) or (group.arn if group else None)

    def rule_arn(self, server: str) -> str | None:
        """Returns the ARN of a route's rule, observed or made by this run."""
        return self.plan.rule_arns.get(server) or self.arns.get(RULE_REFERENCE + server)


@dataclass(frozen=True)
class Options:
    """How a run goes about it.

    ``is_full`` looks at everything instead of trusting tags, ``is_check`` changes nothing, ``wait_timeout`` is how many
    seconds new targets may take to become healthy.
    """

    is_full: bool = False
    is_check: bool = False
    wait_timeout: float = 120


def reconcile(api: Caller, desired: DesiredRoutes, options: Options, clock: MonotonicClock | None = None) -> Result:
    """Brings the listener's routes to the desired state.

    Raises DesiredRoutesError, QuotaError (nothing was changed in either case) and ApiError where nothing could be
    observed; errors of single routes are in the result.
    """
    check_desired_routes(desired)
    if desired.leaving:
        options = replace(options, is_full=True)  # no tag tells whose targets are healthy
    with ThreadPoolExecutor(max_workers=THREADS) as pool:
        planner = _Planner(Observer(api, pool), pool, desired, options)
        done: list[Action] = []
        arns: dict[str, str] = {}
        headroom = Headroom.AMPLE
        attempt = 1
        while True:
            try:
                observed, plan = planner.look(headroom, is_again=attempt > 1)
            except ApiError as error:
                if not error.is_race or attempt == ATTEMPTS:
                    raise
                attempt += 1
                continue
            if options.is_check:
                return Result(observed, plan, list(plan.actions), _problems(plan))
            drain_timeout = desired.deregistration_delay + DRAIN_MARGIN
            secrets = {route.name: route.client_secret for route in desired.routes}
            applier = Applier(api, pool, clock or MonotonicClock(), options.wait_timeout, drain_timeout, secrets)
            outcome = applier.run(plan)
            done += outcome.done
            arns.update(outcome.arns)
            if attempt == ATTEMPTS or not _is_worth_another_look(outcome):
                return Result(observed, plan, done, {**_problems(plan), **outcome.errors}, arns)
            if any(error.is_quota for error in outcome.api_errors):
                headroom = Headroom(min(headroom + 1, Headroom.NONE))
            attempt += 1


class _Planner:
    """Observes and plans; stops where quotas forbid."""

    def __init__(self, observer: Observer, pool: ThreadPoolExecutor, desired: DesiredRoutes, options: Options) -> None:
        self._observer = observer
        self._pool = pool
        self._desired = desired
        self._options = options

    def look(self, headroom: Headroom, is_again: bool) -> tuple[ObservedRoutes, Plan]:
        """Observes as closely as necessary, and plans. Raises ApiError, DesiredRoutesError and QuotaError."""
        desired = self._desired
        scanned = self._observer.quick_scan(desired)
        if not self._options.is_full and not is_again and not needs_full_scan(desired, scanned):
            inferred = infer_tags(desired, scanned)
            plan = make_plan(desired, inferred)
            if not plan.actions and not plan.problems:
                return inferred, plan
        trust_tags = scanned.last_applied is not None and not self._options.is_full
        observed = self._observer.full_scan(desired, scanned, trust_tags)
        if desired.vpc_id and observed.load_balancer and observed.load_balancer.vpc_id not in ("", desired.vpc_id):
            raise DesiredRoutesError(
                [
                    f"vpc_id is {desired.vpc_id}, but the load balancer is in {observed.load_balancer.vpc_id}; "
                    "correct either"
                ]
            )
        plan = make_plan(desired, observed, headroom)
        if creates_anything(plan):
            plan = self._fit(observed, plan, headroom)
        return observed, plan

    def _fit(self, observed: ObservedRoutes, plan: Plan, headroom: Headroom) -> Plan:
        other_rules = self._pool.submit(self._observer.count_rules_elsewhere, observed.listener)
        limits = self._limits()
        found = excesses(plan, self._desired, observed, limits, other_rules.result())
        while found and headroom < Headroom.NONE:
            headroom = Headroom(headroom + 1)
            plan = make_plan(self._desired, observed, headroom)
            found = excesses(plan, self._desired, observed, limits, other_rules.result())
        if found:
            raise QuotaError(
                f"the desired routes do not fit on {observed.listener.load_balancer_arn}: they would need "
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


def _problems(plan: Plan) -> dict[str | None, AlbError]:
    return {problem.server: AlbError(problem.message) for problem in plan.problems}


def _is_worth_another_look(outcome: ApplyOutcome) -> bool:
    """Returns whether something failed because somebody else was faster, or because a quota was met."""
    errors = outcome.api_errors
    return any(error.is_race or error.is_quota for error in errors) and not any(error.is_fatal for error in errors)
