# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small fleet for the tests of its routes."""

from __future__ import annotations

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.aws import Aws
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.service import Service
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import ControlPlane
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Installation

LOCAL_ALB = ControlPlane("http://127.0.0.1:8481", "/etc/local_alb.credentials")
ROUTER = ControlPlane("http://127.0.0.1:8483", "/etc/node_router.credentials")
INSTALLATION = Installation(8482, LOCAL_ALB, ROUTER, 8484, "/router/health")
HEADER = {"field": "http-header", "header_name": "X-Team", "values": ["billing"]}
HOST = {"field": "host-header", "values": ["mcp.example.com"]}


def endpoint(name: str, **said: Any) -> Endpoint:
    """The endpoint of a server that speaks through the bridge."""
    usual: dict[str, Any] = {
        "generation": "5f1c",
        "container": "41af",
        "address": "127.0.0.1",
        "port": 20417,
        "ports": (20417,),
        "path": f"/mcp/{name}",
        "mcp_path": "/mcp",
        "health_path": f"/mcp/{name}/health",
        "health_matcher": "200",
        "strip_prefix": False,
        "priority": None,
        "state": "running",
    }
    return Endpoint(name=name, **{**usual, **said})


def settings(routes: Routes | None = None, aws: Aws | None = None, publish_address: str = "") -> Settings:
    """Settings that say little."""
    return Settings(routes=routes or Routes(), aws=aws or Aws(), service=Service(publish_address=publish_address))
