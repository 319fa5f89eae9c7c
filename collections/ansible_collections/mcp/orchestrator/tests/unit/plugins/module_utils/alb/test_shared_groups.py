# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes without a target group of their own, which come after all narrower ones."""

from __future__ import annotations

from dataclasses import replace

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.action import Phase
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.plan.priority_moves import (
    RulePosition,
    priority_actions,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import HOST, OWNER, run

ALL = Route("_all", "/mcp", shares="_monitor", gives_way=True)


def desired(elbv2: FakeElbv2, *names: str, monitor: str = "/monitor", **settings: int) -> DesiredRoutes:
    """Routes to servers that answer, to a monitor at ``monitor``, and to its targets for everything else."""
    routes = []
    for name, path in [*((name, f"/mcp/{name}") for name in names), ("_monitor", monitor)]:
        port = 20000 + sum(path.encode())
        elbv2.servers[(HOST, port)] = (f"{path}/health", False, name)
        routes.append(Route(name, path, (port,), health_path=f"{path}/health"))
    return DesiredRoutes(OWNER, (*routes, ALL), **settings)


def add_rule(elbv2: FakeElbv2, priority: int, *paths: str) -> None:
    """A rule of somebody else for these paths."""
    group = elbv2.add_group(f"theirs-{priority}")
    condition = {"Field": "path-pattern", "PathPatternConfig": {"Values": list(paths)}}
    elbv2.add_rule(priority, [condition], [{"Type": "forward", "TargetGroupArn": group}])


def priorities(elbv2: FakeElbv2) -> dict[str, int]:
    """The priorities of our rules by server."""
    return {
        elbv2.tags[arn]["mcp_service"]: int(rule["Priority"])
        for arn, rule in elbv2.rules.items()
        if OWNER.owns(elbv2.tags.get(arn))
    }


def test_a_route_that_shares_makes_no_target_group_and_leads_to_the_other_s_targets() -> None:
    elbv2 = FakeElbv2()
    result = run(elbv2, desired(elbv2, "time"))

    assert result.errors == {}
    assert len(elbv2.groups) == 2
    assert elbv2.served_by("/mcp/time/mcp") == {"time"}
    assert elbv2.served_by("/mcp/other") == {"_monitor"}


def test_the_second_run_finds_nothing_to_do_and_asks_no_more_than_without_it() -> None:
    elbv2 = FakeElbv2()
    wanted = desired(elbv2, "time", "web")
    run(elbv2, wanted)
    elbv2.calls.clear()

    assert not run(elbv2, wanted).changed
    assert len(elbv2.calls) == 4


def test_it_has_the_last_place_so_that_servers_that_come_later_find_one_before_it() -> None:
    elbv2 = FakeElbv2()
    run(elbv2, desired(elbv2, "time"))
    before = priorities(elbv2)["_all"]

    run(elbv2, desired(elbv2, "time", "web"))

    after = priorities(elbv2)
    assert before == after["_all"] == 1999
    assert after["web"] < 1999


def test_rules_of_others_for_paths_inside_its_own_come_first_also_where_they_come_later() -> None:
    elbv2 = FakeElbv2()
    run(elbv2, desired(elbv2, "time", priority_end=1010))
    add_rule(elbv2, 1500, "/mcp/theirs", "/mcp/theirs/*")

    result = run(elbv2, desired(elbv2, "time", priority_end=2000))

    assert priorities(elbv2)["_all"] == 2000
    assert result.plan.shadows == {}


def test_without_a_place_behind_them_it_is_an_error_that_says_the_way_out_and_takes_nothing() -> None:
    elbv2 = FakeElbv2()
    add_rule(elbv2, 1500, "/mcp/theirs")

    result = run(elbv2, desired(elbv2, "time", priority_end=1400))

    assert set(result.errors) == {"_all"}
    assert "widen the range from priority_start to priority_end" in str(result.errors["_all"])
    assert "_all" not in priorities(elbv2)
    assert elbv2.served_by("/mcp/time/mcp") == {"time"}


def test_a_broader_rule_of_others_does_not_push_it_back() -> None:
    elbv2 = FakeElbv2()
    add_rule(elbv2, 1500, "/*")

    run(elbv2, desired(elbv2, "time", priority_end=1400))

    assert priorities(elbv2)["_all"] == 1400


def test_it_follows_when_the_other_gets_another_target_group() -> None:
    elbv2 = FakeElbv2()
    run(elbv2, desired(elbv2, "time"))
    moved = desired(elbv2, "time", monitor="/status")
    seen = []
    elbv2.after_change = lambda operation: seen.append(len(elbv2.served_by("/mcp/other")))

    result = run(elbv2, moved)

    assert result.errors == {}
    assert elbv2.served_by("/mcp/other") == {"_monitor"}
    assert set(seen) == {1}  # never without, and never both
    assert len(elbv2.groups) == 2
    assert not run(elbv2, moved).changed


def test_one_that_needs_https_is_an_error_on_a_listener_without_and_makes_no_rule() -> None:
    elbv2 = FakeElbv2()
    plain = desired(elbv2, "time")
    secure = replace(plain, routes=(*plain.routes[:-1], replace(ALL, needs_https=True)))
    answered = elbv2._describe_listeners
    elbv2._describe_listeners = lambda **asked: {  # type: ignore[method-assign]
        "Listeners": [{**each, "Protocol": "HTTP"} for each in answered(**asked)["Listeners"]]
    }

    result = run(elbv2, secure)

    assert "need an HTTPS listener" in str(result.errors["_all"])
    assert set(priorities(elbv2)) == {"time", "_monitor"}


def test_it_goes_without_the_target_group_that_it_shared() -> None:
    elbv2 = FakeElbv2()
    with_it = desired(elbv2, "time")
    run(elbv2, with_it)
    without = replace(with_it, routes=with_it.routes[:-1])

    run(elbv2, without)

    assert set(priorities(elbv2)) == {"time", "_monitor"}
    assert len(elbv2.groups) == 2
    assert not run(elbv2, without).changed


def test_it_is_an_error_too_where_the_other_is_impossible() -> None:
    elbv2 = FakeElbv2()
    add_rule(elbv2, 1500, "/theirs")
    plain = desired(elbv2, "time")
    time, monitor, everything = plain.routes
    wanted = replace(plain, routes=(time, replace(monitor, priority=1500), everything))

    result = run(elbv2, wanted)

    assert set(result.errors) == {"_monitor", "_all"}
    assert "shares the targets of server '_monitor'" in str(result.errors["_all"])
    assert elbv2.served_by("/mcp/time/mcp") == {"time"}


def test_it_keeps_the_targets_it_has_while_the_other_cannot_have_its_new_target_group() -> None:
    elbv2 = FakeElbv2()
    run(elbv2, desired(elbv2, "time"))
    moved = desired(elbv2, "time", monitor="/status")
    elbv2.add_group(moved.group_names["_monitor"], "/", {"mcp_fleet": "other"})

    result = run(elbv2, moved)

    assert set(result.errors) == {"_monitor", "_all"}
    assert elbv2.served_by("/mcp/other") == {"_monitor"}


def test_a_removed_server_goes_although_the_route_for_all_is_impossible() -> None:
    elbv2 = FakeElbv2()
    run(elbv2, desired(elbv2, "time", "web", priority_end=1400))
    add_rule(elbv2, 1500, "/mcp/theirs")

    result = run(elbv2, desired(elbv2, "time", priority_end=1400))

    assert set(result.errors) == {"_all"}
    assert "web" not in priorities(elbv2)


def test_a_narrower_route_does_not_wait_for_the_one_for_all() -> None:
    lead = RulePosition("lead", "rule:lead", before=1, after=3, patterns=("/mcp/a", "/mcp/a/*"), switch=1)
    inside = RulePosition("inside", "rule:inside", before=14, after=2, patterns=("/mcp/a/b", "/mcp/a/b/*"))
    everything = RulePosition("all", "rule:all", before=15, after=11, patterns=("/mcp", "/mcp/*"), switch=1)
    theirs = RulePosition("theirs", "rule:theirs", before=12, after=12, patterns=("/*",), is_ours=False)

    first, *later = priority_actions([lead, inside, everything, theirs])

    assert first.phase is Phase.MOVE
    assert first.after is not None
    assert first.after["inside"] == 2
    assert all("inside" not in (action.after or {}) for action in later)


def test_one_that_does_not_give_way_comes_before_the_broader_route_whose_targets_it_shares() -> None:
    elbv2 = FakeElbv2()
    wanted = desired(elbv2, "time")
    registry = Route("_registry", "/monitor/v0.1", shares="_monitor")
    wanted = replace(wanted, routes=(registry, *wanted.routes))

    assert run(elbv2, wanted).errors == {}

    placed = priorities(elbv2)
    assert placed["_registry"] < placed["_monitor"]
    assert elbv2.served_by("/monitor/v0.1/servers") == elbv2.served_by("/monitor") == {"_monitor"}
    assert len(elbv2.groups) == 2
    assert not run(elbv2, wanted).changed
