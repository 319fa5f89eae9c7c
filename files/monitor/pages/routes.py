"""The load balancers' listeners: their rules in order, ours and others', targets' health, what of quotas is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from monitor.duration import ago
from monitor.layout import render
from monitor.listeners import Listener, Listeners, ListenersUnreadable, Quota, Rule, Target, TargetGroup
from monitor.sources import Sources
from monitor.web import Answer, Request

HEALTHY = "healthy"
# States of targets that say nothing against them: they come, they go, or nobody leads to them.
CALM = ("initial", "draining", "unused")
NEAR = 0.9
"""The part of a quota from which on it is near its end."""

_QUOTAS = {
    "rules-per-application-load-balancer": "rules",
    "target-groups-per-application-load-balancer": "target groups",
    "targets-per-application-load-balancer": "targets",
}
# Routes that are no server's.
_PARTS = {"_monitor": "the monitor", "_router": "the node router", "_registry": "the registry", "_login": "the login"}
_WHOSE = {"ours": "this fleet", "others": "others", "default": "default"}


@dataclass(frozen=True)
class Health:
    """How the targets behind a rule are: a severity, a few words, and a line for each target that is not healthy.

    ``asked`` says when, where that was not in the last run.
    """

    severity: str
    text: str
    notes: tuple[str, ...] = ()
    asked: str = ""


@dataclass(frozen=True)
class RuleRow:
    """A rule on the page; ``whose`` is ours, others or default, ``called`` says it; ``server`` is one with a page."""

    order: str
    whose: str
    server: str | None
    called: str
    conditions: tuple[str, ...]
    does: tuple[str, ...]
    health: Health | None


@dataclass(frozen=True)
class QuotaBar:
    """``share`` is in whole hundredths, 100 at most."""

    name: str
    used: int
    limit: int
    share: int
    severity: str
    source: str


@dataclass(frozen=True)
class ListenerView:
    """One listener."""

    title: str
    url: str | None
    problem: str | None
    counts: str
    quotas: tuple[QuotaBar, ...]
    rules: tuple[RuleRow, ...]


@dataclass(frozen=True)
class RoutesView:
    """The page; ``found`` says which run it is of, ``troubles`` has the servers whose targets are not healthy."""

    severity: str
    headline: str
    found: str
    run: str
    troubles: tuple[tuple[str, Health], ...]
    listeners: tuple[ListenerView, ...]


def page(request: Request, sources: Sources) -> Answer:
    """The listeners as the last run found and left them."""
    try:
        found = sources.listeners()
    except ListenersUnreadable as error:
        view = RoutesView("critical", "The routes cannot be shown", f"{error}.", "", (), ())
    else:
        view = routes_view(found, request.now)
    return render("routes.html", request, severity=view.severity, view=view)


def routes_view(found: Listeners | None, now: datetime) -> RoutesView:
    """What the page says of the listeners, with None of those that no run has told of yet."""
    if found is None:
        text = "The next run that reaches a load balancer writes what it finds there."
        return RoutesView("none", "No run has told of a load balancer yet", text, "", (), ())
    severity, headline = _verdict(found)
    listeners = tuple(_listener(each, now) for each in reversed(found.listeners))
    ill = [
        (rule.called, rule.health)
        for each in listeners
        for rule in each.rules
        if rule.health is not None and rule.health.severity in ("critical", "warning")
    ]
    return RoutesView(
        severity=severity,
        headline=headline,
        found=f"As found by the run that ended {ago(found.finished, now)}",
        run=found.run,
        troubles=tuple(sorted(ill, key=lambda each: (each[1].severity, each[0]))),
        listeners=listeners,
    )


def _verdict(found: Listeners) -> tuple[str, str]:
    problems = [each for each in found.listeners if each.problem is not None]
    if problems:
        return "critical", f"The load balancer {problems[0].load_balancer} could not be asked"
    groups = [group for each in found.listeners for group in each.target_groups if group.targets is not None]
    healths = [_health([group], found.finished) for group in groups]
    down = sum(each.severity == "critical" for each in healths)
    hurt = sum(each.severity == "warning" for each in healths)
    near = [quota for each in found.listeners for quota in each.quotas if quota.used >= NEAR * quota.limit]
    if down:
        return "critical", f"{_count(down, 'route leads', 'routes lead')} to no healthy target"
    if hurt:
        return "warning", f"{_count(hurt, 'route has', 'routes have')} a target that is not healthy"
    if near:
        quota = near[0]
        return "warning", f"{quota.used} of {quota.limit} {_QUOTAS.get(quota.name, quota.name)} are used"
    ours = sum(rule.ours for each in found.listeners for rule in each.rules)
    if not groups:
        return "none", f"{_count(ours, 'route', 'routes')}; no run has asked for their targets yet"
    return "ok", f"All routes lead to healthy targets, {ours} in all"


def _listener(listener: Listener, now: datetime) -> ListenerView:
    groups = {group.name: group for group in listener.target_groups}
    ours = sum(rule.ours for rule in listener.rules)
    others = sum(not rule.ours and rule.priority is not None for rule in listener.rules)
    return ListenerView(
        title=f"{listener.load_balancer} on port {listener.port} ({listener.protocol})",
        url=listener.url,
        problem=listener.problem,
        counts=f"{_count(ours, 'rule', 'rules')} of this fleet, {others or 'none'} of others",
        quotas=tuple(_quota(each) for each in listener.quotas),
        rules=tuple(_rule(rule, groups, listener.asked, now) for rule in listener.rules),
    )


def _rule(rule: Rule, groups: dict[str, TargetGroup], asked: datetime, now: datetime) -> RuleRow:
    behind = [groups[name] for name in rule.target_groups if name in groups]
    whose = "default" if rule.priority is None else "ours" if rule.ours else "others"
    is_server = rule.server is not None and rule.server not in _PARTS
    return RuleRow(
        order="last" if rule.priority is None else str(rule.priority),
        whose=whose,
        server=rule.server if is_server else None,
        called=_PARTS.get(rule.server or "", rule.server or _WHOSE[whose]),
        conditions=rule.conditions or (("every other request",) if rule.priority is None else ("every request",)),
        does=(*rule.transforms, *rule.actions),
        health=_health(behind, asked, now) if rule.ours else None,
    )


def _health(groups: Sequence[TargetGroup], asked: datetime, now: datetime | None = None) -> Health:
    known = [group for group in groups if group.targets is not None]
    if not known:
        return Health("none", "not asked yet" if groups else "nothing behind it")
    targets = [target for group in known for target in group.targets or ()]
    well = sum(target.state == HEALTHY for target in targets)
    ill = [target for target in targets if target.state != HEALTHY and target.state not in CALM]
    severity = "critical" if not well and (ill or not targets) else "warning" if ill or not well else "ok"
    checked = min(group.checked for group in known if group.checked is not None) if known[0].checked else None
    is_older = now is not None and checked is not None and checked < asked
    return Health(
        severity=severity,
        text=f"{well} of {len(targets)} healthy" if targets else "no target",
        notes=tuple(_note(target) for target in targets if target.state != HEALTHY),
        asked=f"asked {ago(checked, now)}" if is_older and checked is not None and now is not None else "",
    )


def _note(target: Target) -> str:
    place = f"{target.id}:{target.port}{' on this host' if target.here else ''}"
    why = ": ".join(part for part in (target.reason, target.description) if part)
    return f"{place} is {target.state}{f' ({why})' if why else ''}"


def _quota(quota: Quota) -> QuotaBar:
    share = min(100, round(100 * quota.used / quota.limit)) if quota.limit else 100
    severity = "critical" if share >= 100 else "warning" if share >= 100 * NEAR else "ok"
    source = "as the account says" if quota.asked else "as AWS documents it"
    return QuotaBar(_QUOTAS.get(quota.name, quota.name), quota.used, quota.limit, share, severity, source)


def _count(number: int, one: str, more: str) -> str:
    return f"1 {one}" if number == 1 else f"{number or 'No'} {more}"
