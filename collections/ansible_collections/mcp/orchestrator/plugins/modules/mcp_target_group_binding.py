#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_target_group_binding
short_description: Register the pods of MCP servers in the target groups of a fleet
version_added: 0.1.0
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
description:
  - Makes a TargetGroupBinding for each server on Kubernetes and the target group that its rule leads to. The AWS Load
    Balancer Controller, or EKS Auto Mode, then registers the pods there, beside the targets of hosts.
  - A server whose target group has to change has two of them, until a target of the new one is healthy.
  - Only objects with the label C(mcp_fleet) and the fleet's name are ever changed or removed.
  - It comes after M(mcp.orchestrator.mcp_route), since a binding takes the ARN of a target group that exists.
extends_documentation_fragment:
  - mcp.orchestrator.attributes
options:
  endpoints:
    description: The servers, as RV(mcp.orchestrator.mcp_workload#module:endpoints) tells them.
    type: list
    elements: dict
    required: true
  routes:
    description: Their routes, as RV(mcp.orchestrator.mcp_route#module:routes) tells them.
    type: list
    elements: dict
    required: true
  protected:
    description: Names of servers whose config entry is wrong. Their bindings are left as they are.
    type: list
    elements: str
    default: []
  settings:
    description: Path of C(settings.conf), whose section C([kubernetes]) names the cluster.
    type: path
requirements:
  - kubernetes
seealso:
  - module: mcp.orchestrator.mcp_workload
  - module: mcp.orchestrator.mcp_route
"""

EXAMPLES = r"""
- name: Register the pods in the target groups
  mcp.orchestrator.mcp_target_group_binding:
    endpoints: "{{ workloads.endpoints }}"
    routes: "{{ routed.routes }}"
    settings: /etc/mcp-orchestrator/settings.conf
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, as RV(mcp.orchestrator.mcp_workload#module:actions).
  returned: always
  type: list
  elements: dict
errors:
  description: What went wrong, each with the server, null for the whole fleet.
  returned: always
  type: list
  elements: dict
diff:
  description: Each object that is changed.
  returned: when the cluster answered
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.binding_module import run

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "endpoints": {"type": "list", "elements": "dict", "required": True},
    "routes": {"type": "list", "elements": "dict", "required": True},
    "protected": {"type": "list", "elements": "str", "default": []},
    "settings": {"type": "path"},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
