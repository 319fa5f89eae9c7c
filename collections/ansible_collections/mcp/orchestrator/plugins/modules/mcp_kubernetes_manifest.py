#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_kubernetes_manifest
short_description: Write a fleet as Kubernetes objects
version_added: 0.1.0
description:
  - Writes a directory of files for C(kubectl apply -k) or GitOps, one for each server of the config that is switched
    on, and C(kustomization.yaml), which lists them. The settings are those of the section C([kubernetes]).
  - No value of a variable is in a file. A container takes them from a Secret, which somebody else makes; RV(needs) says
    what has to be in it. External Secrets can make it from references, where the settings name a store.
  - What a server's entry says and Kubernetes cannot have is one of RV(errors) or RV(notes). A server with an error
    keeps the file that it has, the others are written, and the module fails.
  - Files that this module did not write for the fleet are never replaced or removed.
extends_documentation_fragment:
  - mcp.orchestrator.engine
options:
  path:
    description: The directory. It is made where it is missing.
    type: path
    required: true
  config:
    description: The config files, as M(mcp.orchestrator.mcp_config_info) reads them.
    type: list
    elements: path
    required: true
  settings:
    description: The settings file.
    type: path
  key_file:
    description:
      - The fleet's key. With it pods are replaced when a value of a variable changes, of which the files have a digest
        that nobody can guess without the key.
      - Without it no value is looked up, and no pod is replaced for one.
    type: path
  format:
    description:
      - What is written. V(objects) are a Deployment and what belongs to it for each server; V(mcpserver) is a resource
        of SIG Apps' MCP lifecycle operator for each server that it takes, and objects for the others, which RV(notes)
        name with the reason.
    type: str
    choices: [objects, mcpserver]
    default: objects
attributes:
  check_mode:
    description: Reports what would be written.
    support: full
  diff_mode:
    description: Shows the files; no secret is in them.
    support: full
  idempotent:
    description: The same config and settings give the same files, as long as hosts that servers may connect to keep
      their addresses.
    support: full
notes:
  - The engine is asked what images bring, such as the command that the bridge starts. An engine that does not answer is
    a warning, and an error of the servers that need it.
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
"""

EXAMPLES = r"""
- name: Write the fleet for a cluster
  mcp.orchestrator.mcp_kubernetes_manifest:
    path: /srv/gitops/mcp
    config: [/etc/mcp-orchestrator/mcp.config.json]
    settings: /etc/mcp-orchestrator/settings.conf
    key_file: /etc/mcp-orchestrator/fleet.key
"""

RETURN = r"""
servers:
  description: The servers whose objects are in the directory as the config has them now.
  returned: when the files can be read
  type: list
  elements: str
  sample: [time]
errors:
  description: What is wrong with entries or settings, or cannot be on Kubernetes, each with the way out.
  returned: when the files can be read
  type: list
  elements: dict
  contains:
    server:
      description: The server, null where it is the settings.
      type: str
    message:
      description: File, key, value and the way out.
      type: str
notes:
  description: What is different on Kubernetes.
  returned: when the files can be read
  type: list
  elements: dict
  sample:
    - server: time
      message: "pids: '64' has no effect: the kubelet has one limit for all pods (podPidsLimit)"
needs:
  description: What has to be in the cluster beside the objects.
  returned: when the files can be read
  type: list
  elements: dict
  sample:
    - server: time
      message: Secret mcp-time-env with TZ
report:
  description: The same for people, a line each, without the errors.
  returned: when the files can be read
  type: list
  elements: str
  sample: ["1 server exported: time", "needs: time: Secret mcp-time-env with TZ"]
diff:
  description: Each file that is written or removed, before and after.
  returned: when the files can be read
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.module import run

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "config": {"type": "list", "elements": "path", "required": True},
    "settings": {"type": "path"},
    "key_file": {"type": "path", "no_log": False},  # the path of the key, not the key
    "docker_host": {"type": "str"},
    "format": {"type": "str", "choices": ["objects", "mcpserver"], "default": "objects"},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
