# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from types import SimpleNamespace

import docker
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import DockerEngine


@pytest.mark.parametrize(
    ("address", "asks"),
    [("unix:///var/run/docker.sock", False), ("tcp://192.0.2.1:2376", True), ("ssh://host", True)],
)
def test_only_an_engine_elsewhere_may_be_behind_a_proxy(
    address: str, asks: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = SimpleNamespace(trust_env=True)
    monkeypatch.setattr(docker, "APIClient", lambda **_options: client)
    DockerEngine(address)
    assert client.trust_env is asks
