# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of containers that finish their sessions."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    server_of,
    state_of,
    steps,
)


@pytest.mark.parametrize(("sessions", "said"), [([3], "3 sessions"), ([0, 1], "1 session"), (["x"], "0 sessions")])
def test_what_replaced_containers_still_serve_is_told_with_the_server(sessions: list[Any], said: str) -> None:
    left = [{"server": "time", "container": "mcp-time", "sessions": each} for each in sessions]

    state = state_of(retire={**steps()["retire"], "draining": left})

    assert server_of(state)["draining"]["containers"] == len(sessions)
    assert server_of(state)["text"]["condition"] == f"answers, draining: {said}"
    assert (server_of(state, "echo")["draining"], server_of(state, "echo")["text"]["condition"]) == (None, "answers")
    assert state["summary"]["text"] == "All 2 servers answer"
