# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.isolation import keeps_sessions, shares_sessions
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.container.scenes import spec


@pytest.mark.parametrize(
    ("transport", "isolation", "keeps", "shares"),
    [
        ("stdio", None, True, False),
        ("stdio", "per_session", True, False),
        ("stdio", "pooled", False, True),
        ("stdio", "shared", False, True),
        ("http", None, False, False),
        ("sse", None, False, False),
    ],
)
def test_sessions_live_in_one_container_or_in_any_or_are_the_servers_own(
    transport: str, isolation: str | None, keeps: bool, shares: bool
) -> None:
    server = spec("a", transport=transport, isolation=isolation)
    assert (keeps_sessions(server), shares_sessions(server)) == (keeps, shares)
