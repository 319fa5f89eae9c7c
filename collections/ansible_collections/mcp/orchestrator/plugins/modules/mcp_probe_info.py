#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_probe_info
short_description: Ask MCP servers whether they answer, and what they offer
version_added: 0.1.0
description:
  - Speaks MCP over streamable HTTP to every endpoint, in parallel, as a client of both eras does.
    It tries C(server/discover) of revision 2026-07-28 first and falls back to C(initialize),
    lists the tools over all pages, calls one where asked to, and ends the session that it began.
  - A server that does not pass is part of the result, with the cause and a sentence; it never fails the module.
author: MCP Orchestrator contributors (@mcp-orchestrator)
attributes:
  check_mode:
    support: full
    description: Only asks; check mode makes no difference.
  diff_mode:
    support: none
    description: Only asks; there is never a difference to show.
  idempotent:
    support: full
    description: Only asks. A tool that you let it call may do more than that.
options:
  endpoints:
    description: The servers to ask.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description: The server's name, which the result repeats.
        type: str
        required: true
      url:
        description: Where the server answers MCP, for example C(http://127.0.0.1:8080/mcp/time/mcp).
        type: str
        required: true
      headers:
        description: Headers to send along. Their values are never returned.
        type: dict
        default: {}
      call:
        description: A tool to call. A call that ends in an error makes the server fail its probe.
        type: dict
        suboptions:
          tool:
            description: The tool's name.
            type: str
            required: true
          arguments:
            description: The tool's arguments.
            type: dict
            default: {}
          expect:
            description: A regular expression that must be found in the text of the answer.
            type: str
      bridges:
        description:
          - Where its bridges tell their health on this host, for example C(http://127.0.0.1:20001/health).
          - A server that sleeps, as all of them and its route say, is not asked itself, and so not woken, unless
            O(endpoints[].call) is given.
        type: list
        elements: str
        default: []
  remotes:
    description:
      - Servers of O(config) that run elsewhere and are asked too, with their headers. By name what may be shown of the
        address, as M(mcp.orchestrator.mcp_config_info) returns it. Nothing else of the address and nothing of a header
        is returned, also where a server quotes it.
      - They are asked while the endpoints are. Each may take 5 seconds, and all together 10.
    type: dict
    default: {}
  config:
    description: The config files or folders in which the entries of O(remotes) are.
    type: list
    elements: path
    default: []
  settings:
    description: The F(settings.conf) to O(config).
    type: path
  timeout:
    description: Seconds that one server may take from connect to the last answer.
    type: float
    default: 10
  deadline:
    description:
      - Seconds after which the module returns, whatever happens.
      - At most 16 servers are asked at a time, since every session may start a process behind a bridge.
    type: float
    default: 60
  settle:
    description:
      - Seconds during which a server is asked again after a refused or closed connection, a missing route, no healthy
        target, or no answer in time. For routes that were just created, since an ALB takes up to ten seconds to apply
        them, and for servers that are still starting.
    type: float
    default: 0
  schemas:
    description: Whether to return the tools' input schemas too.
    type: bool
    default: false
  tools_file:
    description:
      - A file that gets the tools as the servers list them, with their descriptions and schemas, where these have
        changed. files/tools.schema.json describes it. A server that does not answer keeps what it had there.
      - A file that cannot be written is a warning. Without it, none is written, also not in check mode.
    type: path
  group:
    description: The group that may read O(tools_file), without it that of the process.
    type: str
  validate_certs:
    description: Whether the certificates of C(https) endpoints must be valid for the name in the URL.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Ask one server through its route
  mcp.orchestrator.mcp_probe_info:
    endpoints:
      - name: time
        url: http://127.0.0.1:8080/mcp/time/mcp
  register: probe

- name: Let a server prove that it works
  mcp.orchestrator.mcp_probe_info:
    endpoints:
      - name: time
        url: http://127.0.0.1:8080/mcp/time/mcp
        call:
          tool: get_current_time
          arguments:
            timezone: Europe/Berlin
          expect: Europe/Berlin
"""

RETURN = r"""
servers:
  description: One report for each endpoint, in their order.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The server's name.
      type: str
    url:
      description: The address that was asked.
      type: str
    state:
      description: V(ok), V(asleep) or V(failing). Of a server that sleeps the tools are those that it last had.
      type: str
    cause:
      description:
        - Why it fails, in one word; null when it does not.
        - V(refused), V(unreachable), V(timeout), V(closed), V(tls) are the network's;
          V(no_route) and V(balancer) the balancer's;
          V(bridge), V(not_found), V(not_mcp), V(prefix), V(auth), V(guard), V(error), V(expectation) the server's;
          V(deadline) means that the time for all servers was over.
      type: str
    step:
      description: The step that failed, for example V(connect), V(initialize) or V(tools/list); null when none did.
      type: str
    reason:
      description: The cause as a sentence; null when there is none.
      type: str
    checked:
      description: When the server was asked, in UTC.
      type: str
    latency_ms:
      description: Milliseconds of each step that was taken, and of all together.
      type: dict
      sample: {connect: 0.2, discover: 1.1, tools_list: 1.4, total: 2.8}
    certificate_ends:
      description: Until when the certificate of its address holds, in UTC; null where none was verified.
      type: str
    protocol:
      description: The protocol revision that server and probe agreed on, or null.
      type: str
      sample: "2026-07-28"
    server:
      description: Name and version as the server gives them, or null.
      type: dict
      sample: {name: mcp-time, version: 1.2.3}
    tools:
      description: The names of its tools.
      type: list
      elements: str
    digests:
      description: A short digest of each tool by its name, which differs where its description or a schema does.
      type: dict
      sample: {get_current_time: 0d1f5b3c9a77}
    sessions:
      description:
        - What its bridges say of their sessions, null where O(endpoints[].bridges) is empty or one does not answer.
        - C(held) are open, C(fit) is for how many there is room with those, and C(oom_kills) counts the processes that
          the kernel has killed for want of memory.
      type: dict
      sample: {held: 3, fit: 9, oom_kills: 0}
    schemas:
      description: The input schema of each tool, by its name.
      returned: when O(schemas=true)
      type: dict
remotes:
  description:
    - The same report for each of O(remotes), in their order. RV(ignore:url) has nothing in it that may be a secret.
    - The cause V(reference) means that an address or a header has no value on this host, so that nobody was asked.
  returned: always
  type: list
  elements: dict
failing:
  description: The names of the endpoints that did not pass.
  returned: always
  type: list
  elements: str
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.module import run

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "endpoints": {
        "type": "list",
        "elements": "dict",
        "required": True,
        "options": {
            "name": {"type": "str", "required": True},
            "url": {"type": "str", "required": True},
            "headers": {"type": "dict", "default": {}, "no_log": True},
            "call": {
                "type": "dict",
                "options": {
                    "tool": {"type": "str", "required": True},
                    "arguments": {"type": "dict", "default": {}},
                    "expect": {"type": "str"},
                },
            },
            "bridges": {"type": "list", "elements": "str", "default": []},
        },
    },
    "remotes": {"type": "dict", "default": {}},
    "config": {"type": "list", "elements": "path", "default": []},
    "settings": {"type": "path"},
    "timeout": {"type": "float", "default": 10},
    "deadline": {"type": "float", "default": 60},
    "settle": {"type": "float", "default": 0},
    "schemas": {"type": "bool", "default": False},
    "tools_file": {"type": "path"},
    "group": {"type": "str"},
    "validate_certs": {"type": "bool", "default": True},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
