#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_request
short_description: Begin a run with what operators have asked for
version_added: 0.1.0
description:
  - Takes the requests that were dropped into C(requests) below O(directory), each a file C(<id>.json) of the form of
    files/request.schema.json. Each is recorded in C(overrides.json) or refused, exactly once, whatever happens.
  - M(mcp.orchestrator.mcp_config_info) puts what is recorded into the specs. M(mcp.orchestrator.mcp_state) answers each
    request at the end of the run, with a file in C(results).
  - What is refused is answered at once, and moved to C(refused).
  - Without requests it does nothing but give the run its id.
extends_documentation_fragment:
  - mcp.orchestrator.attributes
options:
  directory:
    description: Where the folders of the requests are.
    type: path
    required: true
  group:
    description: The group that may read the answers and the audit log.
    type: str
  owners:
    description: The users whose requests are taken, beside the one who runs this.
    type: list
    elements: str
    default: []
  config:
    description: The config files. A server that a request makes gets a drop-in beside the first.
    type: list
    elements: path
    required: true
  settings:
    description: The settings file.
    type: path
  key_file:
    description: The fleet's key, with which the entries are digested that an override is about.
    type: path
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
"""

EXAMPLES = r"""
- name: Begin the run with what operators have asked for
  mcp.orchestrator.mcp_request:
    directory: /var/lib/mcp-orchestrator
    group: mcp-monitor
    owners: [mcp-monitor]
    config: [/etc/mcp-orchestrator/mcp.config.json]
    settings: /etc/mcp-orchestrator/settings.conf
    key_file: /etc/mcp-orchestrator/fleet.key
  register: requests_taken
"""

RETURN = r"""
run_id:
  description: The id of this run.
  returned: success
  type: str
  sample: 20261129T012000Z-1f3a
started:
  description: When the run began, in UTC.
  returned: success
  type: str
  sample: "2026-11-29T01:20:00.123456Z"
directory:
  description: Where the folders of the requests are.
  returned: success
  type: str
pending:
  description: The ids of the requests that this run is to answer, in the order in which they were asked.
  returned: success
  type: list
  elements: str
accepted:
  description: Those of them that were taken just now.
  returned: success
  type: list
  elements: str
refused:
  description: The files that were refused, each with the reason.
  returned: success
  type: list
  elements: str
errors:
  description: What could not be done. RV(ignore:server) is always null.
  returned: success
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.module import run

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "directory": {"type": "path", "required": True},
    "group": {"type": "str"},
    "owners": {"type": "list", "elements": "str", "default": []},
    "config": {"type": "list", "elements": "path", "required": True},
    "settings": {"type": "path"},
    "key_file": {"type": "path", "no_log": False},  # the path of the key, not the key
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
