#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_client_config
short_description: Write the config file that MCP clients need to reach the fleet
version_added: 0.1.0
description:
  - Writes an C(mcpServers) file with an entry for each server of the config that is switched on. Servers that run here
    have their address at the load balancer, remote ones are copied as they are, and all have what their entries say to
    clients only, such as C(autoApprove) and C(timeout).
  - Without O(with_secrets) everything that may be a secret is left out. That is the value of every header that is more
    than a reference such as C(Bearer ${TOKEN}), addresses with a token, and sign-in settings.
  - Variables of servers that run here are never included; no client needs them.
  - A file that this module did not write is never replaced.
options:
  path:
    description: The file to write.
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
  state:
    description: The state file, which says where the last run has made each server reachable.
    type: path
    required: true
  with_secrets:
    description:
      - Whether secrets are included too. References in them are resolved on the host.
      - The file is then readable by its owner alone.
    type: bool
    default: false
attributes:
  check_mode:
    description: Reports what would be written.
    support: full
  diff_mode:
    description: Shows the servers with their addresses and the names of their headers; never a secret.
    support: full
  idempotent:
    description: The same config and state give the same file.
    support: full
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
"""

EXAMPLES = r"""
- name: Write what clients need
  mcp.orchestrator.mcp_client_config:
    path: /srv/share/mcp.json
    config: [/etc/mcp-orchestrator/mcp.config.json]
    settings: /etc/mcp-orchestrator/settings.conf
    state: /var/lib/mcp-orchestrator/state.json
"""

RETURN = r"""
servers:
  description: The servers in the file.
  returned: success
  type: list
  elements: str
  sample: [docs, time]
left_out:
  description: What of the config is not in the file, and why.
  returned: success
  type: list
  elements: dict
  contains:
    server:
      description: The server.
      type: str
    message:
      description: The key and the reason, in one sentence.
      type: str
  sample:
    - server: docs
      message: "headers.Authorization: it may be a secret; export with secrets to include it"
report:
  description: The same for people, a line each.
  returned: success
  type: list
  elements: str
  sample: ["2 servers are included: docs, time", "left out: docs: headers.Authorization: it may be a secret"]
diff:
  description: The servers before and after, a line each.
  returned: success
  type: dict
  contains:
    before:
      description: What the former file holds.
      type: str
    after:
      description: What is in the new one.
      type: str
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client.module import run
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "config": {"type": "list", "elements": "path", "required": True},
    "settings": {"type": "path"},
    "state": {"type": "path", "required": True},
    "with_secrets": {"type": "bool", "default": False, "no_log": False},  # the consent, no secret itself
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
