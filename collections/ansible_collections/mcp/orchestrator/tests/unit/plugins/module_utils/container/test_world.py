# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading the engine's inspect answers."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import container_of


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
    found = container_of(inspected())
    assert (found.service, found.port, found.spec, found.networks) == ("time", 20001, None, {})
    assert found.started == 0.0
    assert found.created == pytest.approx(1767323045.123456)


@pytest.mark.parametrize(("theirs", "ours"), [("configured", "created"), ("stopped", "exited"), ("running", "running")])
def test_podman_s_words_for_a_status_are_understood(theirs: str, ours: str) -> None:
    assert container_of(inspected(State={"Status": theirs})).status == ours
