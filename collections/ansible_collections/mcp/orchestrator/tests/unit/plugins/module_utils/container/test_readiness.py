# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a container counts as ready."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import http_probe, matches, patience


@pytest.mark.parametrize(
    ("status", "matcher", "well"),
    [(200, "200", True), (204, "200,204", True), (405, "200-499", True), (503, "200-499", False), (200, "", False)],
)
def test_a_status_counts_as_an_alb_would_count_it(status: int, matcher: str, well: bool) -> None:
    assert matches(status, matcher) is well


def test_a_port_where_nobody_listens_is_told_as_such() -> None:
    assert http_probe("127.0.0.1", 1, "/", "200").said == "connection refused"


@pytest.mark.parametrize(
    ("starting", "alone", "processors", "seconds"),
    [
        (1, 60, 1, 60),
        (8, 60, 2, 60),
        (16, 60, 2, 120),
        (40, 60, 2, 300),
        (99, 60, 2, 300),
        (99, 60, 64, 60),
        (40, 600, 2, 600),
    ],
)
def test_containers_get_more_time_where_more_start_at_once_than_the_processors_can_take(
    starting: int, alone: float, processors: int, seconds: float
) -> None:
    assert patience(starting, alone, processors) == seconds
