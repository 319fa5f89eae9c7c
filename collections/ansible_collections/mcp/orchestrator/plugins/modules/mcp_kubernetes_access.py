#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_kubernetes_access
short_description: Give a fleet's runs and its watcher the rights that they need in a cluster
version_added: 0.1.0
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
description:
  - Makes, as an administrator of the cluster, the fleet's namespace with the policy restricted, a ServiceAccount for
    runs and one for the watcher, each with a Role in that namespace and a token, and if wanted a ResourceQuota.
  - The Role of runs is what M(mcp.orchestrator.mcp_workload) needs, and nothing beside it. That of the watcher reads,
    and reads no Secret.
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
      - Where a kubeconfig of the runs' ServiceAccount is written, with mode 0600. Without it none is.
    type: path
  watcher_path:
    description:
      - Where a kubeconfig of the watcher's ServiceAccount is written, with mode 0600. Its directory is made. Without it
        none is written.
      - It also names the collections that the watcher follows, as an extension of its context.
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
    watcher_path: /etc/mcp-orchestrator/watcher/kubeconfig
    quota:
      pods: "100"
      limits.memory: 64Gi
"""

RETURN = r"""
changes:
  description: What was done, or in check mode would be, a line each. No token is in them.
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
    "watcher_path": {"type": "path"},
    "quota": {"type": "dict", "default": {}},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
