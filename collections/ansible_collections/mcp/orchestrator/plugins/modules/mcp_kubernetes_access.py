#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_kubernetes_access
short_description: Give a fleet's runs the rights that they need in a cluster
version_added: 0.1.0
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
description:
  - Makes, as an administrator of the cluster, the fleet's namespace with the policy restricted, a ServiceAccount with a
    Role in that namespace and a token, and where it is wanted a ResourceQuota.
  - The Role is what M(mcp.orchestrator.mcp_workload) needs, and nothing beside it.
  - Objects of somebody else that have these names are an error, and stay as they are.
extends_documentation_fragment:
  - mcp.orchestrator.attributes
options:
  settings:
    description: Path of C(settings.conf), which names the fleet and its namespace.
    type: path
  kubeconfig:
    description: The administrator's kubeconfig.
    type: path
    required: true
  context:
    description: Its context, by default the current one.
    type: str
  path:
    description:
      - Where a kubeconfig of the ServiceAccount is written, with mode 0600. Without it none is.
    type: path
  quota:
    description: The hard limits of a ResourceQuota of the namespace, none where it is empty.
    type: dict
    default: {}
  state:
    description: V(absent) removes what was made, and leaves the namespace.
    type: str
    choices: [present, absent]
    default: present
requirements:
  - kubernetes
seealso:
  - module: mcp.orchestrator.mcp_workload
"""

EXAMPLES = r"""
- name: Make the fleet's account in the cluster
  mcp.orchestrator.mcp_kubernetes_access:
    settings: /etc/mcp-orchestrator/settings.conf
    kubeconfig: /root/.kube/config
    path: /etc/mcp-orchestrator/kubeconfig
    quota:
      pods: "100"
      limits.memory: 64Gi
"""

RETURN = r"""
changes:
  description: What was done, or in check mode would be, a line each. The token is in none.
  returned: when the cluster answered
  type: list
  elements: str
  sample: ["Role mcp.deployer: it is missing"]
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.access_module import run

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "settings": {"type": "path"},
    "kubeconfig": {"type": "path", "required": True},
    "context": {"type": "str"},
    "path": {"type": "path"},
    "quota": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
