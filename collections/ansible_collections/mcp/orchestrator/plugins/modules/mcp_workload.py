#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_workload
short_description: Keep a fleet of MCP servers on Kubernetes in its desired state
version_added: 0.1.0
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
description:
  - Takes all servers of a fleet in one call, lists each kind of object once, plans, applies on the server's side, and
    waits until the pods of all are ready.
  - Only objects with the label C(mcp_fleet) and the fleet's name are ever changed or removed, and of these none that
    belongs to another object.
  - Fields are owned as C(mcp-orchestrator). What others have changed in them is told with who did it, and changed back
    where C(repair_drift) in C([kubernetes]) of the settings says so. What others own beside them stays.
  - New pods serve before old ones go. Where the new ones do not get ready in C(rollout_timeout), the template that
    served before is applied again, and the new one is tried less and less often, as an annotation C(mcp_failures) of
    the Deployment tells. Secrets, Services and what else belongs to a server do not go back.
  - A server that fails is listed in RV(errors) and makes the module fail at the end; all others are brought up.
  - A request that the API server puts off (429, 5xx), or does not answer, is tried again for a minute.
extends_documentation_fragment:
  - mcp.orchestrator.attributes
  - mcp.orchestrator.engine
options:
  servers:
    description:
      - All servers of the fleet, as RV(mcp.orchestrator.mcp_config_info#module:servers) returns them.
    type: list
    elements: dict
    required: true
  protected:
    description: Names of servers whose config entry is wrong. Their objects are left as they are.
    type: list
    elements: str
    default: []
  config:
    description:
      - Paths of the config files. The values of C(env) are read from them when a Secret is made.
    type: list
    elements: path
    default: []
  settings:
    description: Path of C(settings.conf), whose section C([kubernetes]) names the cluster.
    type: path
  key_file:
    description: Path of the fleet's key, with which the digests in C(env) were made.
    type: path
  session_key_file:
    description:
      - Path of a file whose first line signs the ids of sessions where one process serves many clients; those signed
        with any line are accepted, by all pods of the server.
    type: path
  leaving:
    description:
      - Names of servers that hosts are to run instead. What the cluster has of them stays, and RV(leaving) tells it, so
        that it can go when the hosts serve.
    type: list
    elements: str
    default: []
  returned:
    description: Those of O(leaving) that hosts serve. What the cluster has of them goes.
    type: list
    elements: str
    default: []
  images:
    description:
      - The images of servers whose image is built on hosts, by server, as
        RV(mcp.orchestrator.mcp_image#module:pushed) returns them. Without one it has to be in C(image_registry) of
        C([kubernetes]) under its tag.
    type: dict
    default: {}
  host:
    description: The name of this host.
    type: str
  hosts:
    description:
      - All hosts of the fleet by name. The first of them by name speaks for the fleet to the cluster, since each has a
        key of its own, and would replace the pods of the others. On another host nothing is asked of the cluster.
    type: dict
    default: {}
  verify:
    description:
      - The command that verifies a server, with its first arguments; C(--name) and C(--url) follow.
      - Of a server with C(verify) whose pods are to be replaced, one new pod is started to which nobody is led. While
        it does not pass, the old pods keep serving, and nothing that is meant for the new ones is applied.
    type: list
    elements: str
    default: []
requirements:
  - kubernetes
notes:
  - The engine of this host is asked what images bring, such as the command that the bridge starts. An engine that does
    not answer is a warning, and an error of the servers that need it.
seealso:
  - module: mcp.orchestrator.mcp_config_info
  - module: mcp.orchestrator.mcp_kubernetes_manifest
"""

EXAMPLES = r"""
- name: Bring the fleet to the cluster
  mcp.orchestrator.mcp_workload:
    servers: "{{ config.servers }}"
    protected: "{{ config.errors | map(attribute='server') | select | list }}"
    config: [/etc/mcp-orchestrator/mcp.config.json]
    settings: /etc/mcp-orchestrator/settings.conf
    key_file: /etc/mcp-orchestrator/fleet.key
    session_key_file: /etc/mcp-orchestrator/session.key
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done.
  returned: always
  type: list
  elements: dict
  contains:
    server:
      description: The server, null for an object without one.
      type: str
    action:
      description: V(create), V(apply), V(remove) or V(roll_back).
      type: str
    reason:
      description: The reason, in words. No secret value is in it.
      type: str
    objects:
      description: Kind and name of each object.
      type: list
      elements: str
  sample:
    - server: time
      action: apply
      reason: "Deployment mcp-time: spec.replicas is 1, not 2 (kubectl-scale)"
      objects: [Deployment mcp-time]
endpoints:
  description: >-
    One for each server that is enabled, as RV(mcp.orchestrator.mcp_container#module:endpoints) without an address and
    ports, and with C(workload).
  returned: when the cluster answered
  type: list
  elements: dict
  contains:
    name:
      description: The server.
      type: str
    state:
      description: V(running) where a pod is ready, V(failed), V(stopped) by an operator, or in check mode V(planned).
      type: str
    generation:
      description: The generation of the pods that are desired now, after a rollback the former one.
      type: str
    workload:
      description: The Deployment, be it there yet or not.
      type: dict
      sample:
        kind: Deployment
        name: mcp-time
        namespace: mcp
        image: mcp/time:1
        desired: 2
        ready: 2
        logs: kubectl -n mcp logs deployment/mcp-time
unserved:
  description: Those of RV(endpoints) that have no ready pod.
  returned: when the cluster answered
  type: list
  elements: str
leaving:
  description: The servers of O(leaving) of which the cluster has something, and the addresses of their pods.
  returned: when the cluster answered
  type: dict
  sample:
    time: [10.244.1.7]
on_other_hosts:
  description: On a host that does not speak for the fleet, all servers that the cluster runs.
  returned: when the cluster answered
  type: list
  elements: str
errors:
  description: What went wrong, each with the server, null for the whole fleet.
  returned: always
  type: list
  elements: dict
left:
  description: What others have changed and what stays so, because C(repair_drift) is off.
  returned: when the cluster answered
  type: list
  elements: str
notes:
  description: What of the entries is different on Kubernetes.
  returned: when the cluster answered
  type: list
  elements: dict
needs:
  description: What has to be in the cluster beside the objects.
  returned: when the cluster answered
  type: list
  elements: dict
postponed:
  description: The servers whose new pods have failed so often that another try has to wait.
  returned: when the cluster answered
  type: list
  elements: dict
routes:
  description: >-
    Where clients speak MCP with each server behind an Ingress. Empty with a listener in C([aws]), where
    M(mcp.orchestrator.mcp_route) says it, and where C(public_url) in C([kubernetes]) is.
  returned: when the cluster answered
  type: list
  elements: dict
probes:
  description: The same as O(mcp.orchestrator.mcp_probe_info#module:endpoints) takes it.
  returned: when the cluster answered
  type: list
  elements: dict
readiness:
  description: >-
    What is known of each server with a ready pod, as RV(mcp.orchestrator.mcp_probe_info#module:servers) says it.
  returned: when the cluster answered
  type: list
  elements: dict
requests:
  description: How many requests were sent, by method; C(LIST) for lists.
  returned: when the cluster answered
  type: dict
  sample:
    GET: 1
    LIST: 5
diff:
  description: Each object that is changed; no secret value is in it.
  returned: when the cluster answered
  type: list
  elements: dict
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_module import run

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "servers": {"type": "list", "elements": "dict", "required": True},
    "protected": {"type": "list", "elements": "str", "default": []},
    "config": {"type": "list", "elements": "path", "default": []},
    "settings": {"type": "path"},
    "key_file": {"type": "path", "no_log": False},  # the path of the key, not the key
    "session_key_file": {"type": "path", "no_log": False},
    "docker_host": {"type": "str"},
    "leaving": {"type": "list", "elements": "str", "default": []},
    "returned": {"type": "list", "elements": "str", "default": []},
    "images": {"type": "dict", "default": {}},
    "host": {"type": "str"},
    "hosts": {"type": "dict", "default": {}},
    "verify": {"type": "list", "elements": "str", "default": []},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
