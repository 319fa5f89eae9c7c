"""The page of routes."""

from __future__ import annotations

import json
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from monitor.listeners import ListenersUnreadable, read_listeners
from monitor.pages.routes import page, routes_view
from monitor.sources import Sources
from monitor.web import Answer, Request

SCHEMA = json.loads((Path(__file__).parents[4] / "files/routes.schema.json").read_text())
ASKED = datetime(2026, 11, 29, 7, 0, tzinfo=UTC)
NOW = ASKED + timedelta(minutes=2)
Json = dict[str, Any]


def target(state: str = "healthy", **changed: Any) -> Json:
    plain = {"id": "i-1", "port": 20000, "here": True, "state": state, "reason": None, "description": None}
    return {**plain, **changed}


def group(server: str = "time", targets: list[Json] | None = None, **changed: Any) -> Json:
    plain = {
        "name": f"mcp-{server}",
        "arn": f"arn:{server}",
        "server": server,
        "health_check": "HTTP /health every 30 s",
        "targets": [target()] if targets is None else targets,
        "checked": "2026-11-29T07:00:00Z",
    }
    return {**plain, **changed}


def rule(priority: int | None, server: str | None = None, **changed: Any) -> Json:
    plain = {
        "priority": priority,
        "arn": "arn",
        "ours": server is not None,
        "server": server,
        "conditions": [f"path is /mcp/{server}"] if server else [],
        "transforms": [],
        "actions": [f"forward to mcp-{server}"] if server else ["answer 404"],
        "target_groups": [f"mcp-{server}"] if server else [],
    }
    return {**plain, **changed}


def document(*listeners: Json) -> Json:
    found = {
        "version": 1,
        "run": "20261129T065955Z-1234",
        "finished": "2026-11-29T07:00:03Z",
        "listeners": [*listeners],
    }
    jsonschema.Draft202012Validator(SCHEMA).validate(found)
    return found


def listener(**changed: Any) -> Json:
    plain = {
        "arn": "arn:listener",
        "load_balancer": "shared",
        "protocol": "HTTPS",
        "port": 443,
        "url": "https://shared.example",
        "asked": "2026-11-29T07:00:00Z",
        "rules": [rule(5, conditions=["path is /shop"]), rule(1000, "time"), rule(None)],
        "target_groups": [group()],
        "quotas": [{"name": "rules-per-application-load-balancer", "used": 2, "limit": 100, "asked": True}],
        "problem": None,
    }
    return {**plain, **changed}


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path / "state.json", tmp_path)


def shown(sources: Sources, *listeners: Json) -> Answer:
    (sources.directory / "routes.json").write_text(json.dumps(document(*listeners)))
    return page(Request(path="/routes", now=NOW), sources)


def view(sources: Sources, *listeners: Json) -> Any:
    shown(sources, *listeners)
    return routes_view(sources.listeners(), NOW)


def test_rules_are_in_their_order_and_say_whose_they_are(sources: Sources) -> None:
    (first,) = view(sources, listener()).listeners
    assert [(each.order, each.whose, each.server) for each in first.rules] == [
        ("5", "others", None),
        ("1000", "ours", "time"),
        ("last", "default", None),
    ]
    assert first.counts == "1 rule of this fleet, 1 of others"


def test_routes_of_no_server_are_called_by_what_they_are(sources: Sources) -> None:
    rules = [rule(5, "_login"), rule(6, "_monitor"), rule(7, "time"), rule(8), rule(None)]
    (first,) = view(sources, listener(rules=rules)).listeners
    assert [each.called for each in first.rules] == ["the login", "the monitor", "time", "others", "default"]
    assert [each.server for each in first.rules] == [None, None, "time", None, None]


@pytest.mark.parametrize(
    ("targets", "severity", "headline"),
    [
        ([target()], "ok", "All routes lead to healthy targets, 1 in all"),
        ([target(), target("draining")], "ok", "All routes lead to healthy targets, 1 in all"),
        ([target(), target("unhealthy")], "warning", "1 route has a target that is not healthy"),
        ([target("unhealthy")], "critical", "1 route leads to no healthy target"),
        ([], "critical", "1 route leads to no healthy target"),
        ([target("initial")], "warning", "1 route has a target that is not healthy"),
        ([target("something-new")], "critical", "1 route leads to no healthy target"),
    ],
)
def test_the_verdict_is_about_targets(sources: Sources, targets: list[Json], severity: str, headline: str) -> None:
    found = view(sources, listener(target_groups=[group(targets=targets)]))
    assert (found.severity, found.headline) == (severity, headline)


def test_what_is_wrong_comes_first_with_the_load_balancers_reason(sources: Sources) -> None:
    ill = target("unhealthy", reason="Target.Timeout", description="Request timed out")
    answer = str(shown(sources, listener(target_groups=[group(targets=[ill])])).body)
    reason = "i-1:20000 on this host is unhealthy (Target.Timeout: Request timed out)"
    assert reason in answer[: answer.index("<table")]
    assert answer.count(reason) == 2


def test_targets_that_an_earlier_run_asked_for_say_when(sources: Sources) -> None:
    (first,) = view(sources, listener(target_groups=[group(checked="2026-11-29T06:02:00Z")])).listeners
    assert first.rules[1].health.asked == "asked 1 hour ago"


def test_targets_that_nobody_has_asked_for_are_no_verdict(sources: Sources) -> None:
    found = view(sources, listener(target_groups=[{**group(), "targets": None, "checked": None}]))
    assert (found.severity, found.listeners[0].rules[1].health.text) == ("none", "not asked yet")


def test_a_quota_near_its_end_is_said(sources: Sources) -> None:
    near = [{"name": "target-groups-per-application-load-balancer", "used": 97, "limit": 100, "asked": False}]
    found = view(sources, listener(quotas=near))
    assert (found.severity, found.headline) == ("warning", "97 of 100 target groups are used")
    bar = found.listeners[0].quotas[0]
    assert (bar.share, bar.severity, bar.source) == (97, "warning", "as AWS documents it")


def test_a_load_balancer_that_could_not_be_asked_is_said(sources: Sources) -> None:
    nothing = listener(rules=[], target_groups=[], quotas=[], problem="AWS does not allow DescribeRules")
    answer = shown(sources, nothing)
    assert "The load balancer shared could not be asked" in str(answer.body)
    assert "AWS does not allow DescribeRules" in str(answer.body)


def test_the_load_balancer_that_clients_call_comes_first(sources: Sources) -> None:
    found = view(sources, listener(load_balancer="router"), listener(load_balancer="front"))
    assert [each.title.split()[0] for each in found.listeners] == ["front", "router"]


def test_before_a_run_has_told_of_one_the_page_says_so(sources: Sources) -> None:
    assert "No run has told of a load balancer yet" in str(page(Request(path="/routes", now=NOW), sources).body)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", '{"version": 2}', "[" * 100_000, '{"version": 1}'])
def test_a_damaged_file_is_a_page_that_says_so(sources: Sources, content: str) -> None:
    (sources.directory / "routes.json").write_text(content)
    with pytest.raises(ListenersUnreadable):
        read_listeners(sources.directory / "routes.json")
    assert "The routes cannot be shown" in str(page(Request(path="/routes", now=NOW), sources).body)


def test_any_damage_to_the_file_breaks_nothing(sources: Sources) -> None:
    chance = random.Random(15)
    whole = json.dumps(document(listener()))
    for _ in range(300):
        at = chance.randrange(len(whole))
        damaged = whole[:at] + chance.choice(["", "null", "7", '"', "{}", "[]", "-1", "1e999"]) + whole[at + 3 :]
        (sources.directory / "routes.json").write_text(damaged)
        assert page(Request(path="/routes", now=NOW), sources).status == 200


def test_what_the_file_says_is_text(sources: Sources) -> None:
    hostile = "</td><script>alert(1)</script>"
    odd = rule(7, hostile, conditions=[hostile], actions=[hostile], transforms=[hostile])
    ill = target("unhealthy", reason=hostile, description=hostile, id=hostile)
    answer = shown(
        sources, listener(rules=[odd], target_groups=[group(hostile, [ill])], load_balancer=hostile, url=hostile)
    )
    assert "<script>alert" not in str(answer.body)
