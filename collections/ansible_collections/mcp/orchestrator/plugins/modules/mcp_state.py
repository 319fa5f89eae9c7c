#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_state
short_description: Write the report of a run, and end the run
version_added: 0.1.0
description:
  - Makes the state file out of the results that the steps of a run registered, and replaces it in one step.
  - Every result may be missing, skipped or failed; the report says so. Only known fields are taken from them.
  - Where a load balancer of AWS is named, or the host is an EC2 instance, its instance metadata service is asked
    whether it gives the host's credentials to more than the host, which is then a warning.
    E(AWS_EC2_METADATA_DISABLED) set to V(true) keeps it from being asked.
  - The state file is output. It is never read back, so writing it is no change, and C(changed) is always false.
author: MCP Orchestrator contributors (@mcp-orchestrator)
attributes:
  check_mode:
    support: full
    description: Returns the state and writes nothing.
  diff_mode:
    support: none
    description: The report of a run differs from the last one by nature.
  idempotent:
    support: full
    description: Never reports a change.
options:
  path:
    description: The state file. Its directory must be there.
    type: path
    required: true
  group:
    description:
      - The group that may read the state file beside its owner; nobody else can. It must exist.
      - Without it, the group of the process.
    type: str
  history:
    description:
      - The folder in which the reports of the runs are kept, for the same group. It is made where it is missing.
      - What earlier runs found is compared for the report alone, so that it can say since when a server fails, that one
        has recovered or lost its tools. A history that cannot be read or written is a warning and fails nothing.
      - Without it, no history is kept.
    type: path
  listeners:
    description:
      - The file that says what the run found of the load balancers, for the same group. files/routes.schema.json
        describes it. It stays as it is where the run did not reach them.
      - A run asks for the health of a bounded number of target groups; that of the others is taken from the former
        file, with its time. One that cannot be written is a warning and fails nothing.
      - Without it, none is written.
    type: path
  login:
    description:
      - The file by which the monitor tells clients where to log in, for the same group. files/login.schema.json
        describes it. It stays as it is where the run could not read its config.
      - One that cannot be written is a warning and fails nothing. Without it, none is written.
    type: path
  trigger:
    description: "What started the run, for example V(timer) or V(watcher: mcp-time died). Without it, V(hand)."
    type: str
  started:
    description: When the run began, in UTC, for example C(2026-11-21T04:19:00Z). Without it, now.
    type: str
  run_id:
    description: The run's name. Without it, one is made of the time.
    type: str
  settings:
    description: The settings as M(mcp.orchestrator.mcp_config_info) returns them.
    type: dict
    default: {}
  requests:
    description:
      - The registered result of M(mcp.orchestrator.mcp_request). Once the state is written, the requests that the run
        was asked are answered from it; overrides that no longer hold are forgotten.
    type: dict
    default: {}
  config:
    description: The registered result of M(mcp.orchestrator.mcp_config_info).
    type: dict
    default: {}
  images:
    description: The registered result of M(mcp.orchestrator.mcp_image), where the fleet has images to build.
    type: dict
    default: {}
  containers:
    description: The registered result of C(mcp_container), converging.
    type: dict
    default: {}
  workloads:
    description: The registered result of M(mcp.orchestrator.mcp_workload), where a cluster runs servers.
    type: dict
    default: {}
  routes:
    description: The registered result of M(mcp.orchestrator.mcp_route).
    type: dict
    default: {}
  bindings:
    description:
      - The registered result of M(mcp.orchestrator.mcp_target_group_binding), where pods serve behind a listener.
    type: dict
    default: {}
  retire:
    description: The registered result of C(mcp_container), retiring.
    type: dict
    default: {}
  leave:
    description: That of C(mcp_workload), taking out of the cluster what hosts serve in its place.
    type: dict
    default: {}
  probe:
    description: The registered result of M(mcp.orchestrator.mcp_probe_info).
    type: dict
    default: {}
  litellm:
    description: The registered result of M(mcp.orchestrator.mcp_litellm), where LiteLLM is told of the servers.
    type: dict
    default: {}
  fail_on_errors:
    description: Whether to fail, once the state is written, when anything in the run went wrong.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Write the state, and fail the run when a server did not converge
  mcp.orchestrator.mcp_state:
    path: /var/lib/mcp-orchestrator/state.json
    group: mcp-monitor
    history: /var/lib/mcp-orchestrator/history
    listeners: /var/lib/mcp-orchestrator/routes.json
    login: /var/lib/mcp-orchestrator/login.json
    trigger: "{{ lookup('ansible.builtin.env', 'MCP_TRIGGER') }}"
    started: "{{ mcp_config.started }}"
    requests: "{{ requests_taken }}"
    settings: "{{ (mcp_config | default({})).settings | default({}) }}"
    config: "{{ mcp_config | default({}) }}"
    containers: "{{ mcp_containers | default({}) }}"
    routes: "{{ mcp_routes | default({}) }}"
    retire: "{{ mcp_retired | default({}) }}"
    probe: "{{ mcp_probe | default({}) }}"
    fail_on_errors: true
"""

RETURN = r"""
state:
  description: What the state file holds, or would hold; files/state.schema.json describes every key.
  returned: success
  type: dict
  contains:
    version:
      description: The version of the file's form. A reader that knows another version waits for the next run.
      type: int
    summary:
      description: The fleet in one sentence, its severity, and how many servers are in which condition.
      type: dict
    servers:
      description:
        - Each server of the config by name, with its RV(ignore:condition) in one word, its severity, its container's
          id, name and log command, what it was asked and answered, and RV(ignore:text), its values as people read them.
          Readers show these and decide nothing for themselves.
      type: list
      elements: dict
    remotes:
      description: Each server of the config that runs elsewhere.
      type: list
      elements: dict
    errors:
      description: What went wrong, with RV(ignore:server) null for the whole fleet.
      type: list
      elements: dict
    warnings:
      description: What is wrong with the host itself.
      type: list
      elements: str
    run:
      description: When the run was, what it did, and whether it went well.
      type: dict
    fleet:
      description: The fleet's name.
      type: str
    monitor:
      description: Where the monitor is reached through the balancer, or nothing.
      type: str
events:
  description:
    - What happened to the servers, as the history has it. Empty in check mode and without O(history).
    - RV(ignore:event) is V(created), V(rolled), V(changed), V(repaired), V(retired), V(removed), V(stopped),
      V(failing), V(invalid), V(degraded), V(quarantined), V(recovered) or V(tools_changed).
  returned: always
  type: list
  elements: dict
  sample: [{server: time, event: recovered, text: answers again after 12 min; it was failing}]
folded:
  description: Whether the run found and did what the one before did, and is counted in the same report.
  returned: always
  type: bool
run:
  description: The run in short, its O(trigger), its seconds and the number of its changes, also where it failed.
  returned: always
  type: dict
  sample: {id: 20261121T041900Z-3fa9, trigger: timer, result: ok, changes: 0, seconds: 3.1}
failed_servers:
  description: The servers that something is wrong with.
  returned: always
  type: list
  elements: str
msg:
  description: The summary of the state in one line, and a line for each error.
  returned: always
  type: str
  sample: All 3 servers answer
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.module import run
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.step import STEPS

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "path": {"type": "path", "required": True},
    "group": {"type": "str"},
    "history": {"type": "path"},
    "listeners": {"type": "path"},
    "login": {"type": "path"},
    "trigger": {"type": "str"},
    "started": {"type": "str"},
    "run_id": {"type": "str"},
    "settings": {"type": "dict", "default": {}},
    **{step: {"type": "dict", "default": {}} for step in STEPS},
    "fail_on_errors": {"type": "bool", "default": False},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
