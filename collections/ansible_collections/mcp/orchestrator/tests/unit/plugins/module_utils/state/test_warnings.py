# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the state says of the host and of its load balancer."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    state_of,
    steps,
)


def test_a_network_that_others_keep_is_a_warning_about_the_host() -> None:
    assert state_of(retire={**steps()["retire"], "kept": ["network mcp-net stays"]})["warnings"] == [
        "network mcp-net stays"
    ]


def test_a_rule_of_others_that_takes_a_servers_requests_is_told_by_the_server_and_for_all() -> None:
    note = "rule arn:x (priority 5, path /mcp/*), which is not ours, takes requests of /mcp/time"
    routes = {**steps()["routes"], "notes": [note, "the idle timeout is short"], "shadows": {"time": [note]}}
    state = state_of(routes=routes)
    assert state["warnings"] == [note, "the idle timeout is short"]
    assert [each["name"] for each in state["servers"] if note in each["notes"]] == ["time"]


def test_what_the_packet_filter_does_not_close_is_a_warning_about_the_host_told_once() -> None:
    said = {name: {**steps()[name], "unprotected": "nothing keeps them in"} for name in ("containers", "retire")}
    assert state_of(**said)["warnings"] == ["nothing keeps them in"]
    assert state_of(containers={**steps()["containers"], "unprotected": ""})["warnings"] == []
