#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_config_info
short_description: Read an mcp.config.json into the specs of a fleet
version_added: 0.1.0
description:
  - Reads the C(mcpServers) file that MCP clients share, and the settings of this installation.
  - Returns one normalised spec for each server. Values of environment variables are not returned; keyed digests are.
  - An entry that cannot be understood is listed in RV(errors) and left out of RV(servers); the others are returned.
  - Changes nothing.
extends_documentation_fragment:
  - mcp.orchestrator.attributes.read_only
options:
  config:
    description:
      - The config files, in the form of any MCP client. A file's drop-in folder, such as C(mcp.config.d) beside
        C(mcp.config.json), is read with it; a folder means the C(*.json) files in it.
      - References such as C(${VAR}), C(${file:/path}), C(${ssm:/name}) and C(${secretsmanager:name#key}) in values
        of variables are resolved on the host. One that cannot be is an error of its server alone.
    type: list
    elements: path
    required: true
  settings:
    description:
      - The settings file. Without it every setting has its default.
      - Templates are looked for in the folder C(templates) beside it.
    type: path
  key_file:
    description:
      - The fleet's key, with which values of environment variables are digested. At least 32 random bytes, mode 0600.
      - Where the file does not exist a throw-away key is used; the digests then match no container.
    type: path
  overrides:
    description:
      - The file of what operators have asked for by requests (M(mcp.orchestrator.mcp_request)). What it says of a
        server goes before what the config says, until the server's entry changes.
      - Without a file there is nothing of the kind.
    type: path
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
"""

EXAMPLES = r"""
- name: Read the config
  mcp.orchestrator.mcp_config_info:
    config: [/etc/mcp-orchestrator/mcp.config.json]
    settings: /etc/mcp-orchestrator/settings.conf
    key_file: /etc/mcp-orchestrator/fleet.key
  register: config

- name: Stop when an entry is wrong
  ansible.builtin.assert:
    that: not config.errors
    fail_msg: "{{ config.errors | map(attribute='message') | join('\n') }}"
"""

RETURN = r"""
servers:
  description: One spec for each server whose entry is right, ordered by name, without what is not said in it.
  returned: success
  type: list
  elements: dict
  sample:
    - name: time
      enabled: true
      image: mcp/time
      transport: stdio
      path: /mcp/time
      generation: 8f700f2b17ec
built:
  description: The servers whose image is built from a package.
  returned: success
  type: list
  elements: str
signed:
  description: The servers whose image must bear a signature.
  returned: success
  type: list
  elements: str
on_hosts:
  description: The servers that hosts run, those that are disabled too.
  returned: success
  type: list
  elements: str
on_cluster:
  description: The servers that the cluster runs. One that both run is in both lists.
  returned: success
  type: list
  elements: str
asks_cluster:
  description:
    - Whether a run has to do with the cluster, because it runs servers, or because an entry says that hosts run its
      server, which may have been in the cluster before.
  returned: success
  type: bool
started:
  description: When the config was read, with which a run begins.
  returned: success
  type: str
  sample: "2026-11-21T04:19:00.204117+00:00"
overrides:
  description:
    - What operators have asked for, by server, as C(stopped) and C(restarted), each with C(by), C(at) and C(request).
  returned: success
  type: dict
  sample:
    time:
      stopped: {by: admin, at: "2026-11-29T01:20:00Z", request: 20261129T012000Z-1f3a}
lapsed:
  description: The servers whose overrides no longer hold, because their entry has changed or is gone.
  returned: success
  type: list
  elements: str
rebuild:
  description: The servers that a request wants the newest image of, and whose image is built on this host.
  returned: success
  type: list
  elements: str
settings:
  description:
    - All settings by section, with their defaults; never the password.
    - C(exposure) has the C(balancer) that clients call, C(aws) or C(local), and the addresses of this host on which
      C(servers), C(router) and C(monitor) listen, as they follow from the settings. The addresses are left out where
      O(config) names no file, since then nothing is to listen.
  returned: success
  type: dict
  sample:
    service: {fleet: mcp, port_range_start: 20000, port_range_end: 29999}
    exposure: {balancer: aws, servers: 10.0.1.7, router: 10.0.1.7, monitor: 10.0.1.7}
errors:
  description: What is wrong with single entries.
  returned: success
  type: list
  elements: dict
  contains:
    server:
      description: The server that the error belongs to.
      type: str
    message:
      description: File, key, value and the way out, in one sentence.
      type: str
explain:
  description: For each server, what of its entry was ignored or decided, and why.
  returned: success
  type: dict
  sample:
    time: ["args[1]: '--rm' is ignored: the reconciler removes containers"]
remotes:
  description:
    - Servers that run elsewhere, ordered by name. Addresses without what may be a secret, headers by name.
    - C(client) is what an export includes of it without secrets, C(left_out) what it does not.
  returned: success
  type: list
  elements: dict
  sample:
    - name: docs
      enabled: true
      type: http
      url: https://mcp.example.com/mcp
      headers: [Authorization]
      client: {type: http, url: "https://mcp.example.com/mcp"}
      left_out: ["headers.Authorization: it may be a secret; export with secrets to include it"]
clients:
  description: For each server, what its entry says to clients alone, such as C(autoApprove) and C(timeout).
  returned: success
  type: dict
  sample:
    time: {autoApprove: [get_current_time]}
entries:
  description:
    - A keyed digest of each server's entry without its name, by which M(mcp.orchestrator.mcp_litellm) knows a renamed
      server. Empty where section C(litellm) of the settings says nothing.
  returned: success
  type: dict
  sample:
    time: 3f0c61bb92d1a07e
report:
  description: All of it as a text for people.
  returned: success
  type: str
  sample: "time\n  state      runs\n  image      mcp/time"
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client.config_info import run
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "config": {"type": "list", "elements": "path", "required": True},
    "settings": {"type": "path"},
    "key_file": {"type": "path", "no_log": False},  # the path of the key, not the key
    "overrides": {"type": "path"},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
