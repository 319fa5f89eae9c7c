# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that sleeps is not woken by a probe: its bridges and its route are asked, and they have to agree."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.fleet import probe_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget, ToolCall
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.probe.scripted import (
    Request,
    Serve,
    answer,
    session_server,
)

ASLEEP = {
    "state": "asleep", "kind": "asleep", "reason": "asleep, last answered 10:42 UTC", "isolation": "per_session",
    "tools": ["now", "later"], "protocol": "2025-11-25", "server": {"name": "time", "version": "1"},
    "sessions": 0, "sessions_fit": 9, "oom_kills": 0,
}  # fmt: skip


def probed(serve: Serve, told: list[dict[str, Any]], through: Any, **more: Any) -> tuple[dict[str, Any], list[str]]:
    """The report on a server whose bridges tell ``told``, and whose route answers ``through`` to GET /health; and what
    came through the route."""
    awake = session_server()

    def route(request: Request) -> Any:
        return through if request.path.endswith("/health") else awake(request)

    server = serve(route)
    bridges = tuple(serve(lambda _request, said=said: answer(200, said)).url for said in told)
    (report,) = probe_fleet([ProbeTarget("time", server.url, bridges=bridges, **more)], timeout=10, deadline=30)
    return report, server.steps


def test_a_server_that_sleeps_is_reported_by_what_its_bridge_remembers(serve: Serve) -> None:
    report, asked = probed(serve, [ASLEEP], answer(200, {"state": "asleep", "kind": "asleep"}))
    assert asked == ["GET"]
    assert (report["state"], report["cause"], report["reason"]) == ("asleep", None, ASLEEP["reason"])
    assert (report["tools"], report["protocol"], report["server"]) == (
        ["now", "later"], "2025-11-25", {"name": "time", "version": "1"},
    )  # fmt: skip
    assert report["sessions"] == {"held": 0, "fit": 9, "oom_kills": 0}


@pytest.mark.parametrize(
    ("told", "through"),
    [
        ([{**ASLEEP, "state": "ok"}], answer(200, {"state": "asleep"})),
        ([ASLEEP, {**ASLEEP, "state": "ok"}], answer(200, {"state": "asleep"})),
        ([{**ASLEEP, "tools": None}], answer(200, {"state": "asleep"})),
        ([ASLEEP], answer(200, {"state": "ok"})),
        ([ASLEEP], answer(503, {"state": "failing"})),
        ([ASLEEP], answer(200, "hello", content_type="text/plain")),
        ([ASLEEP], None),
        ([], answer(200, {"state": "asleep"})),
    ],
)
def test_where_bridges_and_route_do_not_agree_the_server_is_asked(
    serve: Serve, told: list[dict[str, Any]], through: Any
) -> None:
    report, asked = probed(serve, told, through)
    assert (report["state"], report["tools"]) == ("ok", ["now"])
    assert "tools/list" in asked


def test_a_route_without_a_target_is_a_failure_whatever_the_bridge_says(serve: Serve) -> None:
    refused = answer(503, "<html>", server="awselb/2.0", content_type="text/html")
    server = serve(lambda _request: refused)
    bridge = serve(lambda _request: answer(200, ASLEEP))
    (report,) = probe_fleet([ProbeTarget("time", server.url, bridges=(bridge.url,))], timeout=10, deadline=30)
    assert (report["state"], report["cause"]) == ("failing", "balancer")


def test_a_tool_that_is_to_be_called_wakes_the_server(serve: Serve) -> None:
    report, asked = probed(serve, [ASLEEP], answer(200, {"state": "asleep"}), call=ToolCall("now"))
    assert "tools/call" in asked
    assert report["state"] != "asleep"


def test_a_probe_says_that_it_is_none_of_the_clients(serve: Serve) -> None:
    server = serve(session_server())
    probe_fleet([ProbeTarget("time", server.url)], timeout=10, deadline=30)
    assert {request.headers["user-agent"] for request in server.requests} == {"mcp-orchestrator-probe/0.1.0"}
