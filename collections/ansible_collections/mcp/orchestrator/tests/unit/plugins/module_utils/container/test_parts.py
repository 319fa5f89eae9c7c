# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The small parts: ports, matchers, pull failures, inspect answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import pull_failure
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.ports import NoFreePort, free_port
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import http_probe, matches
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container


def test_a_server_has_the_same_port_every_time_and_the_next_one_when_that_is_taken() -> None:
    first = free_port("time", 20000, 29999, ())
    assert free_port("time", 20000, 29999, ()) == first
    assert free_port("time", 20000, 29999, {first}) == first + 1


def test_the_search_for_a_port_goes_round_the_range() -> None:
    assert {free_port("time", 5, 7, {5, 6, 7} - {port}) for port in (5, 6, 7)} == {5, 6, 7}


def test_a_full_range_is_told_with_the_way_out() -> None:
    with pytest.raises(NoFreePort, match="widen port_range_start and port_range_end"):
        free_port("time", 5, 6, {5, 6})


@pytest.mark.parametrize(
    ("status", "matcher", "well"),
    [(200, "200", True), (204, "200,204", True), (405, "200-499", True), (503, "200-499", False), (200, "", False)],
)
def test_a_status_counts_as_an_alb_would_count_it(status: int, matcher: str, well: bool) -> None:
    assert matches(status, matcher) is well


def test_a_port_where_nobody_listens_is_told_as_such() -> None:
    assert http_probe("127.0.0.1", 1, "/", "200").said == "connection refused"


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("manifest for x:9 not found: manifest unknown", "no such name or tag"),
        ("pull access denied for x, repository does not exist or may require 'docker login'", "name is wrong, or"),
        ("unauthorized: authentication required", "docker login"),
        ("dial tcp: lookup r.example: no such host", "cannot be reached"),
        ("write /var/lib/docker/x: no space left on device", "disk is full"),
    ],
)
def test_a_failed_pull_says_whether_it_was_name_credentials_or_network(text: str, way_out: str) -> None:
    assert way_out in pull_failure("x:9", text)


def inspected(**more: Any) -> dict[str, Any]:
    raw: dict[str, Any] = {
        "Id": "1",
        "Name": "/mcp-time",
        "Created": "2026-01-02T03:04:05.123456789Z",
        "Config": {"Labels": {"mcp_service": "time", "mcp_port": "20001", "mcp_spec": "{broken"}},
        "HostConfig": {},
        "State": {"Status": "running", "StartedAt": "0001-01-01T00:00:00Z"},
    }
    return raw | more


def test_what_an_inspect_leaves_out_does_not_hurt() -> None:
    found = Container.from_inspect(inspected())
    assert (found.service, found.port, found.spec, found.networks) == ("time", 20001, None, {})
    assert found.started == 0.0
    assert found.created == pytest.approx(1767323045.123456)


@pytest.mark.parametrize(("theirs", "ours"), [("configured", "created"), ("stopped", "exited"), ("running", "running")])
def test_podman_s_words_for_a_status_are_understood(theirs: str, ours: str) -> None:
    assert Container.from_inspect(inspected(State={"Status": theirs})).status == ours
