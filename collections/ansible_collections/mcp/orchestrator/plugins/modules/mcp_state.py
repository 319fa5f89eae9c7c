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
      - The group that may read the state file beside its owner; nobody else can. It must be there.
      - Without it, the group of the process.
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
  routes:
    description: The registered result of C(mcp_alb_route).
    type: dict
    default: {}
  retire:
    description: The registered result of C(mcp_container), retiring.
    type: dict
    default: {}
  probe:
    description: The registered result of M(mcp.orchestrator.mcp_probe_info).
    type: dict
    default: {}
  public_url:
    description: Where clients reach the balancer, for example C(http://127.0.0.1:8080).
    type: str
    default: ""
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
    started: "{{ mcp_run_started }}"
    settings: "{{ (mcp_config | default({})).settings | default({}) }}"
    config: "{{ mcp_config | default({}) }}"
    containers: "{{ mcp_containers | default({}) }}"
    routes: "{{ mcp_routes | default({}) }}"
    retire: "{{ mcp_retired | default({}) }}"
    probe: "{{ mcp_probe | default({}) }}"
    public_url: http://127.0.0.1:8080
    fail_on_errors: true
"""

RETURN = r"""
state:
  description: What the state file holds, or would hold; files/state.schema.json describes it.
  returned: success
  type: dict
failed_servers:
  description: The servers that something is wrong with.
  returned: always
  type: list
  elements: str
msg:
  description: The run in one line, or a line for each error.
  returned: always
  type: str
  sample: 3 servers, all as wished
"""

import secrets
from datetime import UTC, datetime
from typing import Any

from ansible.module_utils.basic import AnsibleModule
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import (
    GROUP_READABLE,
    FileNotWritten,
    write_json,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.instance import metadata
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.document import Run, build_state
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.summary import failed_servers, summary

STEPS = ("config", "images", "containers", "routes", "retire", "probe")
ARGUMENTS: dict[str, Any] = {
    "path": {"type": "path", "required": True},
    "group": {"type": "str"},
    "started": {"type": "str"},
    "run_id": {"type": "str"},
    "settings": {"type": "dict", "default": {}},
    **{step: {"type": "dict", "default": {}} for step in STEPS},
    "public_url": {"type": "str", "default": ""},
    "fail_on_errors": {"type": "bool", "default": False},
}


def moment(text: str | None, now: datetime) -> datetime:
    """The moment that the text names, in UTC; now where there is none. Raises ValueError."""
    if not text:
        return now
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def warnings_of_host(settings: dict[str, Any]) -> list[str]:
    """What is wrong with the host itself, which no step of the run is about."""
    aws = settings.get("aws") or {}
    named = any(aws.get(key) for key in ("listener_arn", "alb_name", "alb_arn"))
    return metadata.warnings(metadata.ask()) if metadata.is_worth_asking(named) else []


def main() -> None:
    module = AnsibleModule(argument_spec=ARGUMENTS, supports_check_mode=True)
    options = module.params
    now = datetime.now(UTC)
    try:
        started = moment(options["started"], now)
    except ValueError:
        module.fail_json(msg=f"started: {options['started']!r} is no time; write it like 2026-11-21T04:19:00Z")
    run_id = options["run_id"] or f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    warnings = warnings_of_host(options["settings"])
    for warning in warnings:
        module.warn(warning)
    state = build_state(
        run=Run(run_id, started, now, module.check_mode),
        settings=options["settings"],
        public_url=options["public_url"],
        warnings=warnings,
        **{step: options[step] for step in STEPS},
    )
    failed = failed_servers(state)
    if not module.check_mode:
        try:
            write_json(options["path"], state, GROUP_READABLE, options["group"])
        except FileNotWritten as error:
            module.fail_json(msg=f"{error}\n{summary(state)}", failed_servers=failed)
    if options["fail_on_errors"] and state["errors"]:
        # Without the state itself: Ansible prints the whole result of what fails, and the errors are to be read.
        module.fail_json(msg=summary(state), failed_servers=failed)
    module.exit_json(changed=False, msg=summary(state), failed_servers=failed, state=state)


if __name__ == "__main__":
    main()
