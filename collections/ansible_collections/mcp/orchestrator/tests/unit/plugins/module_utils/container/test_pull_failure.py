# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a failed pull says."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.pull_failure import pull_failure


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
