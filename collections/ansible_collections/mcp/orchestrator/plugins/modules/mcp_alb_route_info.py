#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_alb_route_info
short_description: Show a fleet's routes on a listener of an Application Load Balancer
version_added: 0.1.0
author: MCP Orchestrator contributors (@mcp-orchestrator)
description:
  - Lists the rules and target groups that have a fleet's tags, the targets with their health, and the rules of others
    on the same listener.
  - Changes nothing.
extends_documentation_fragment:
  - mcp.orchestrator.attributes.read_only
  - mcp.orchestrator.elbv2
options:
  fleet:
    description:
      - Name of the fleet, the value of the tag C(mcp_fleet).
    type: str
    default: mcp
  listener_arn:
    description:
      - The listener that is looked at.
    type: str
    required: true
  region:
    description:
      - AWS region. By default what boto3 finds in the environment.
    type: str
"""

EXAMPLES = r"""
- name: See what the fleet has on the listener
  mcp.orchestrator.mcp_alb_route_info:
    listener_arn: "{{ listener_arn }}"
  register: found

- name: Show every target that is not healthy
  ansible.builtin.debug:
    msg: "{{ found.target_groups | map(attribute='targets') | flatten | rejectattr('state', 'eq', 'healthy') }}"
"""

RETURN = r"""
routes:
  description: The fleet's rules in the order of their priorities.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The server that the rule is for.
      type: str
      sample: time
    rule_arn:
      description: The rule.
      type: str
    priority:
      description: The rule's priority.
      type: int
      sample: 1000
    paths:
      description: The path patterns that it matches.
      type: list
      elements: str
      sample: [/mcp/time, /mcp/time/*]
    conditions:
      description: All of the rule's conditions, as the API writes them.
      type: list
      elements: dict
    transforms:
      description: The rule's transforms, as the API writes them.
      type: list
      elements: dict
    target_groups:
      description: Names of the target groups that the rule forwards to.
      type: list
      elements: str
      sample: [mcp-time-05d87cd5]
    url:
      description: Where the route answers, null where the tags do not say it.
      type: str
target_groups:
  description: The fleet's target groups, by name.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: Name of the target group.
      type: str
      sample: mcp-time-05d87cd5
    server:
      description: The server that the target group is for.
      type: str
      sample: time
    target_group_arn:
      description: The target group.
      type: str
    tags:
      description: Its tags.
      type: dict
    attributes:
      description: Its attributes.
      type: dict
    targets:
      description: Its targets, each with id, port, state and reason.
      type: list
      elements: dict
      sample: [{"id": "i-0123456789abcdef0", "port": 20417, "state": "healthy", "reason": ""}]
foreign_rules:
  description: The rules of others on the listener, each with ARN, priority and path patterns.
  type: list
  elements: dict
  returned: success
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.info import run
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "fleet": {"type": "str", "default": "mcp"},
    "listener_arn": {"type": "str", "required": True},
    "region": {"type": "str"},
    "endpoint_url": {"type": "str"},
    "credentials_file": {"type": "path"},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
