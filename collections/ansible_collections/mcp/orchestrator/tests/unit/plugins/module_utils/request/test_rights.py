# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.request import rights
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.drop_ins import DropIns
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.form import Refused

PLAIN = ["run", "-i", "--rm", "-e", "K", "mcp/one"]
SETTINGS = "[security]\nallow_host_paths = true\nhost_path_roots = /srv\n"


def docker(*flags: str, **more: Any) -> dict[str, Any]:
    return {"command": "docker", "args": ["run", "-i", *flags, "mcp/one"], **more}


@pytest.fixture
def drop_ins(tmp_path: Path) -> DropIns:
    (tmp_path / "mcp.config.json").write_text('{"mcpServers": {}}')
    (tmp_path / "settings.conf").write_text(SETTINGS)
    return DropIns([str(tmp_path / "mcp.config.json")], str(tmp_path / "settings.conf"), b"k" * 32)


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        (docker("-e", "K", env={"K": "${file:/etc/shadow}"}), "refers to values of this host"),
        (docker("-e", "K", env={"K": "${AWS_SECRET_ACCESS_KEY}"}), "refers to values of this host"),
        (docker("-e", "K=${ssm:/x}"), "refers to values of this host"),
        (docker(envFile="/etc/environment"), "file of variables"),
        (docker("--env-file", "/etc/environment"), "file of variables"),
        (docker("--env-file=/etc/environment"), "file of variables"),
        (docker("-v", "/srv/x:/x"), "mounts a path of this host"),
        (docker(orchestrator={"volumes": ["/srv/x:/x"]}), "mounts a path of this host"),
        (docker("--network", "other"), "joins a network of the engine"),
        (docker(orchestrator={"instance_metadata": True}), "instance's metadata"),
        (docker(orchestrator={"auth": "none"}), "whom the load balancer lets pass"),
        (docker(orchestrator={"priority": 1}), "number of its rule"),
        (docker(orchestrator={"read_only": False}), "writable root"),
        (docker("--label", "a=b"), "labels of its own"),
        ({"url": "https://evil.example/mcp"}, "it runs elsewhere"),
    ],
)
def test_what_the_config_may_have_a_user_of_the_page_may_not(
    drop_ins: DropIns, tmp_path: Path, entry: dict[str, Any], reason: str
) -> None:
    with pytest.raises(Refused, match=reason) as refusal:
        drop_ins.create("x", entry, is_trusted=False)
    assert "root may ask for it" in str(refusal.value)
    folder = tmp_path / "mcp.config.d"
    assert not folder.exists() or not os.listdir(folder)


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "docker", "args": PLAIN, "env": {"K": "s3same"}},
        {"command": "docker", "args": PLAIN, "env": {"K": "${header:Authorization}"}},
        {"command": "uvx", "args": ["mcp-server-fetch==2025.4.7"], "orchestrator": {"isolation": "pooled"}},
        docker(orchestrator={"network": ["api.example.com"], "resources": {"memory": "1g"}, "replicas": 2}),
    ],
)
def test_an_ordinary_server_anybody_may_ask_for(drop_ins: DropIns, tmp_path: Path, entry: dict[str, Any]) -> None:
    drop_ins.create("x", entry, is_trusted=False)
    written = json.loads((tmp_path / "mcp.config.d" / "x.request.json").read_text())
    assert written == {"mcpServers": {"x": entry}}
    fleet = read_fleet([str(tmp_path / "mcp.config.json")], str(tmp_path / "settings.conf"), b"k" * 32)
    assert [(each.name, list(rights.of_spec(each, fleet.settings))) for each in fleet.specs] == [("x", [])]
