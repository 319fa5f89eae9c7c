# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""When a container counts as ready."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.readiness import http_probe, matches


@pytest.mark.parametrize(
    ("status", "matcher", "well"),
    [(200, "200", True), (204, "200,204", True), (405, "200-499", True), (503, "200-499", False), (200, "", False)],
)
def test_a_status_counts_as_an_alb_would_count_it(status: int, matcher: str, well: bool) -> None:
    assert matches(status, matcher) is well


def test_a_port_where_nobody_listens_is_told_as_such() -> None:
    assert http_probe("127.0.0.1", 1, "/", "200").said == "connection refused"
