#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_container_info
short_description: List the containers of a fleet of MCP servers
version_added: 0.1.0
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
description:
  - Lists the containers with the fleet's label, with what they are made from and their state, and which servers failed
    before. Changes nothing.
extends_documentation_fragment:
  - mcp.orchestrator.attributes.read_only
  - mcp.orchestrator.engine
options:
  fleet:
    description:
      - The fleet's name.
    type: str
    default: mcp
seealso:
  - module: mcp.orchestrator.mcp_container
"""

EXAMPLES = r"""
- name: List the fleet
  mcp.orchestrator.mcp_container_info:
  register: seen

- name: Show what does not run
  ansible.builtin.debug:
    msg: "{{ seen.containers | rejectattr('status', 'equalto', 'running') | map(attribute='name') | list }}"
"""

RETURN = r"""
containers:
  description: The fleet's containers, by name.
  returned: always
  type: list
  elements: dict
  contains:
    server:
      description: The server that it belongs to.
      type: str
    replica:
      description: Its number among the server's replicas, from 1.
      type: int
    name:
      description: The container's name.
      type: str
    id:
      description: The container's id.
      type: str
    generation:
      description: The generation that it was made from.
      type: str
    image:
      description: The image's name.
      type: str
    image_id:
      description: The image's id.
      type: str
    bridge:
      description: Digest of the bridge's runtime in it, or null.
      type: str
    port:
      description: Its host port.
      type: int
    status:
      description: V(created), V(running), V(paused), V(restarting), V(removing), V(exited) or V(dead).
      type: str
    health:
      description: What its health check says, empty without one.
      type: str
    exit_code:
      description: The code with which its process last ended.
      type: int
    restarts:
      description: How often the engine restarted it.
      type: int
    started:
      description: When it was started, in seconds since the epoch.
      type: float
network:
  description: Id of the fleet's network, or null.
  returned: always
  type: str
failures:
  description: The servers that failed before.
  returned: always
  type: list
  elements: dict
  contains:
    server:
      description: The server.
      type: str
    count:
      description: How often in a row.
      type: int
    quarantined:
      description: Whether it failed so often that it is tried once an hour or less.
      type: bool
    next_try:
      description: When the next try is due, as RFC 3339 in UTC.
      type: str
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.info import run

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "fleet": {"type": "str", "default": "mcp"},
    "docker_host": {"type": "str"},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
