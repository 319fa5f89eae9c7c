# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_container_info does: from its arguments to its result."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError, require
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import (
    DOCKER_ERROR,
    DockerEngine,
    EngineError,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host import Host
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.observe import observe
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Container


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_container_info, as its documentation describes it. Raises ModuleError."""
    require("docker", DOCKER_ERROR)
    policy = Policy(fleet=arguments["fleet"])
    try:
        with closing(DockerEngine(arguments["docker_host"])) as engine:
            world = observe(Host.of(engine), [], policy)
    except EngineError as error:
        raise ModuleError(str(error)) from error
    network = world.networks.get(policy.network)
    return {
        "changed": False,
        "containers": [_container(each) for each in sorted(world.containers, key=lambda each: each.name)],
        "network": network.id if network is not None and network.ours else None,
        "failures": [world.failures[server].to_dict() for server in sorted(world.failures)],
    }


def _container(container: Container) -> dict[str, Any]:
    return {
        "server": container.service,
        "replica": container.replica,
        "name": container.name,
        "id": container.id,
        "generation": container.generation,
        "image": container.image,
        "image_id": container.image_id,
        "bridge": container.bridge,
        "port": container.port,
        "status": container.status,
        "health": container.health,
        "exit_code": container.exit_code,
        "restarts": container.restarts,
        "started": container.started,
    }
