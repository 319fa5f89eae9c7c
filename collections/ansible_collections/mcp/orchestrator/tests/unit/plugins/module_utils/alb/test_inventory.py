# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.inventory import take_inventory
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import LISTENER, FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import HOST, OWNER, run


def test_the_inventory_tells_routes_targets_with_their_health_and_the_rules_of_others():
    elbv2 = FakeElbv2()
    elbv2.servers[(HOST, 20001)] = ("/health", False, "time")
    path = [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/shop"]}}]
    answer = [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "200"}}]
    foreign = elbv2.add_rule(5, path, answer)
    run(elbv2, DesiredRoutes(OWNER, (Route("time", "/mcp/time", (20001,), health_path="/health"),)))
    elbv2.calls.clear()

    found = take_inventory(elbv2, "mcp", LISTENER)

    assert [(route["name"], route["priority"], route["paths"]) for route in found["routes"]] == [
        ("time", 1000, ["/mcp/time", "/mcp/time/*"])
    ]
    assert found["routes"][0]["url"] == "https://shared.example.net/mcp/time"
    assert found["target_groups"][0]["targets"] == [{"id": HOST, "port": 20001, "state": "healthy", "reason": ""}]
    assert found["foreign_rules"] == [{"rule_arn": foreign, "priority": 5, "paths": ["/shop"]}]
    assert elbv2.changes == []


def test_another_fleet_on_the_same_listener_is_foreign():
    elbv2 = FakeElbv2()
    elbv2.servers[(HOST, 20001)] = ("/health", False, "time")
    run(elbv2, DesiredRoutes(OWNER, (Route("time", "/mcp/time", (20001,), health_path="/health"),)))

    found = take_inventory(elbv2, "another", LISTENER)

    assert found["routes"] == []
    assert found["target_groups"] == []
    assert [rule["priority"] for rule in found["foreign_rules"]] == [1000]
