# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Asking many servers at once, and those that are only just starting."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.fleet import probe_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.probe.scripted import (
    Request,
    Scripted,
    Serve,
    answer,
    ask,
    session_server,
)


def test_reports_come_in_the_order_of_the_endpoints(serve: Serve) -> None:
    servers = [serve(session_server()) for _number in range(40)]
    endpoints = [ProbeTarget(f"s{number}", server.url) for number, server in enumerate(servers)]
    reports = probe_fleet(endpoints, timeout=10, deadline=30)
    assert [report["name"] for report in reports] == [f"s{number}" for number in range(40)]
    assert {report["state"] for report in reports} == {"ok"}


def test_nobody_waits_longer_than_the_deadline(serve: Serve) -> None:
    silent = serve(lambda _request: iter(lambda: (silent.ended.wait(0.1) and b"") or b"", None))
    endpoints = [ProbeTarget(f"s{number}", silent.url) for number in range(1000)]
    began = time.monotonic()
    reports = probe_fleet(endpoints, timeout=1, deadline=1.5)
    assert time.monotonic() - began < 30  # one after the other they would take a minute
    assert {report["cause"] for report in reports} == {"timeout", "deadline"}


def test_no_endpoints_are_no_reports() -> None:
    assert probe_fleet([], timeout=1, deadline=1) == []


def test_a_fresh_route_is_asked_again_until_it_answers(serve: Serve) -> None:
    plain = session_server()
    server: Scripted

    def script(request: Request) -> Any:
        return answer(404, "", server="awselb/2.0") if len(server.requests) < 3 else plain(request)

    server = serve(script)
    assert ask(server, settle=10)["state"] == "ok"


def test_a_server_that_is_slow_to_start_is_asked_again_while_its_route_settles(serve: Serve) -> None:
    plain = session_server()
    server: Scripted

    def silent() -> Iterator[bytes]:
        server.ended.wait(30)
        yield b""

    def script(request: Request) -> Any:
        return silent() if len(server.requests) < 3 else plain(request)

    server = serve(script)
    assert ask(server, timeout=2, settle=60, deadline=60)["state"] == "ok"


def test_a_server_that_is_no_mcp_server_is_not_asked_again(serve: Serve) -> None:
    server = serve(lambda _request: answer(200, "hello", content_type="text/plain"))
    ask(server, settle=10)
    assert server.steps == ["server/discover", "initialize", "GET"]


def test_what_the_bridges_of_a_server_hold_and_have_room_for_is_added_up(serve: Serve) -> None:
    told = {"sessions": 3, "sessions_fit": 9, "oom_kills": 1, "state": "ok"}
    bridges = [serve(lambda _request: answer(200, told)) for _number in range(2)]
    target = ProbeTarget("time", serve(session_server()).url, bridges=tuple(each.url for each in bridges))
    (report,) = probe_fleet([target], timeout=10, deadline=30)
    assert report["sessions"] == {"held": 6, "fit": 18, "oom_kills": 2}


def test_nothing_is_said_of_sessions_where_a_bridge_does_not_tell(serve: Serve) -> None:
    older = serve(lambda _request: answer(200, {"sessions": 3}))
    target = ProbeTarget("time", serve(session_server()).url, bridges=(older.url,))
    (report,) = probe_fleet([target], timeout=10, deadline=30)
    assert (report["state"], report["sessions"]) == ("ok", None)
