# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Servers of which nobody knows what is desired: a mistake in their entry must not unroute them."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import FakeElbv2
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.scenes import HOST, OWNER, run


def serve(elbv2: FakeElbv2, name: str) -> Route:
    port = 20000 + len(elbv2.servers)
    elbv2.servers[(HOST, port)] = (f"/mcp/{name}/health", False, name)
    return Route(name, f"/mcp/{name}", (port,), health_path=f"/mcp/{name}/health")


def test_a_kept_server_stays_routed_without_being_desired() -> None:
    elbv2 = FakeElbv2()
    alpha, beta = serve(elbv2, "alpha"), serve(elbv2, "beta")
    run(elbv2, DesiredRoutes(OWNER, (alpha, beta)))

    result = run(elbv2, DesiredRoutes(OWNER, (alpha,), protected=frozenset({"beta"})))

    assert not result.errors
    assert elbv2.served_by("/mcp/beta") == {"beta"}


def test_a_server_that_is_neither_desired_nor_kept_goes_beside_a_kept_one() -> None:
    elbv2 = FakeElbv2()
    alpha, beta, gamma = serve(elbv2, "alpha"), serve(elbv2, "beta"), serve(elbv2, "gamma")
    run(elbv2, DesiredRoutes(OWNER, (alpha, beta, gamma)))

    run(elbv2, DesiredRoutes(OWNER, (alpha,), protected=frozenset({"beta"})))

    assert elbv2.served_by("/mcp/beta") == {"beta"}
    assert elbv2.served_by("/mcp/gamma") == set()


def test_keeping_changes_nothing_the_second_time() -> None:
    elbv2 = FakeElbv2()
    alpha, beta = serve(elbv2, "alpha"), serve(elbv2, "beta")
    run(elbv2, DesiredRoutes(OWNER, (alpha, beta)))
    desired = DesiredRoutes(OWNER, (alpha,), protected=frozenset({"beta"}))
    run(elbv2, desired)

    assert not run(elbv2, desired).changed
