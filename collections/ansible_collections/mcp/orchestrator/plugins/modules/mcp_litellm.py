#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_litellm
short_description: Tell a LiteLLM proxy of the fleet's servers
version_added: 0.1.0
description:
  - Writes C(mcp_servers) of LiteLLM's config, or of a file that one includes, or makes, changes and removes servers in
    LiteLLM's database through its admin API, as section C(litellm) of the settings says.
  - Each server keeps the C(server_id) that LiteLLM knows it by, whatever changes in its entry, so that what keys, teams
    and users are granted stays. A server that is renamed and not edited at once is known again.
  - What is not of this fleet is never changed. Whose an entry is says C(mcp_info) in it.
  - A server whose entry has an error stays as LiteLLM knows it.
options:
  settings:
    description: The settings file.
    type: path
    required: true
  config:
    description: What M(mcp.orchestrator.mcp_config_info) has returned.
    type: dict
    default: {}
  public_url:
    description: Where clients reach the load balancer.
    type: str
  memory:
    description: The file in which it is noted that LiteLLM is still to read its config, with digests of the entries.
    type: path
    required: true
  state:
    description: V(absent) removes every server of the fleet from LiteLLM.
    type: str
    choices: [present, absent]
    default: present
attributes:
  check_mode:
    description: Reports what would be done.
    support: full
  diff_mode:
    description: Shows the servers with their addresses and the names of headers; never a secret.
    support: full
  idempotent:
    description: What LiteLLM knows already is left alone.
    support: full
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
"""

EXAMPLES = r"""
- name: Tell LiteLLM
  mcp.orchestrator.mcp_litellm:
    settings: /etc/mcp-orchestrator/settings.conf
    config: "{{ mcp_config }}"
    public_url: "{{ routes_converged.public_url }}"
    memory: /var/lib/mcp-orchestrator/litellm.json
"""

RETURN = r"""
servers:
  description: By server, its name at LiteLLM.
  returned: success
  type: dict
  sample: {my-docs: my_docs}
actions:
  description: What was done, or in check mode would be.
  returned: success
  type: list
  elements: dict
  contains:
    server:
      description: The server. Null where it is about the file.
      type: str
    action:
      description: create, update, delete, or write.
      type: str
    reason:
      description: Why, in a few words.
      type: str
left_out:
  description: By server, what LiteLLM is not told.
  returned: success
  type: dict
  sample: {docs: ["url: it may be a secret; export with secrets to include it"]}
advice:
  description: What is worth changing for LiteLLM. It is a warning as well, where something has changed.
  returned: success
  type: list
  elements: str
errors:
  description: Servers that LiteLLM cannot have, and why.
  returned: always
  type: list
  elements: dict
  contains:
    server:
      description: The server. Null where LiteLLM could not be told at all.
      type: str
    message:
      description: The reason and the way out, in one sentence.
      type: str
diff:
  description: The fleet's servers at LiteLLM before and after, a line each.
  returned: success
  type: dict
  contains:
    before:
      description: What LiteLLM has known.
      type: str
    after:
      description: What it knows now.
      type: str
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.module import run

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "settings": {"type": "path", "required": True},
    "config": {"type": "dict", "default": {}},
    "public_url": {"type": "str"},
    "memory": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
