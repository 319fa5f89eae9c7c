#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Longer than 400 lines: Ansible reads a module's documentation of all options and results from its own file.

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_container
short_description: Keep the containers of a fleet of MCP servers in their desired state
version_added: 0.1.0
author:
  - MCP Orchestrator contributors (@mcp-orchestrator)
description:
  - Takes all servers of a fleet in one call, inspects the Docker engine once, plans, and applies the plan.
  - A changed server gets a new container beside the old one. The old one is removed only by a second
    call, with O(retire=true), after the routes have moved, so that no request is lost.
  - Only containers with the label C(mcp_fleet) and the fleet's name are ever changed.
  - Containers drop all capabilities, cannot gain privileges, have limits of memory, CPU and processes, a read-only root
    with a C(/tmp) in memory, an init process, rotated logs, and publish one port on one address.
  - Rules of the host's packet filter, in a chain C(MCP-<fleet>) of iptables and ip6tables, keep every server from the
    metadata of its instance, from this host's own ports and from other servers, and other containers from the servers.
    The same rules confine a server whose C(network) is C(none), C(fleet) or a list of hosts. Where no rules can be
    written, as on a remote or rootless engine and with podman, such a server fails with a reason; the others run, and
    RV(unprotected) says what is open.
  - A container that was stopped is started again. One that an operator takes out of the engine's restart policy before
    (C(docker update --restart=no), then C(docker stop)) stays stopped until somebody starts it.
  - A server that keeps failing with the same spec and image is tried less and less often, after five failures once an
    hour or less. A volume C(<fleet>-<server>.failures) records that; after it is removed the next run tries again.
  - A server that fails is listed in RV(errors) and makes the module fail at the end; all others are brought up.
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
    description:
      - Names of servers whose config entry is wrong. With O(retire=true) their containers are left as they are,
        so that a mistake in the config removes no server.
    type: list
    elements: str
    default: []
  fleet:
    description:
      - The fleet's name, in labels and in the names of containers, networks and volumes.
    type: str
    default: mcp
  config:
    description:
      - Paths of the config files on the host. The values of C(env) are read from them when a container is
        created. Required where a server has C(env).
    type: list
    elements: path
    default: []
  settings:
    description:
      - Path of C(settings.conf) on the host.
    type: path
  key_file:
    description:
      - Path of the fleet's key on the host, with which the digests in C(env) were made.
    type: path
  session_key_file:
    description:
      - Path of a file on the host whose first line signs the ids of sessions where one process serves many clients;
        those signed with any line are accepted, by all containers of the server on hosts with the same file. Another
        file replaces no container. Without one, sessions end with their container.
    type: path
  bridge:
    description:
      - Directory of the bridge's runtime on the engine's host, or a link to it; the directory's name is its digest.
        Required where a server uses the transport stdio.
    type: path
  seccomp:
    description:
      - The seccomp profile of containers whose entry names none, a file of the host in Docker's form. An engine
        with its own default profile keeps that.
    type: path
  host_path_roots:
    description:
      - The directories of the host in which paths that servers mount may lie, once their links are followed. A path
        that leads elsewhere, is missing, is a socket or a device, or lies where another server may write, is that
        server's error. With an engine on another host none can be checked, which RV(endpoints[].exceptions) says.
    type: list
    elements: str
    default: [/data, /mnt, /srv]
  allow_host_paths:
    description: Whether servers may mount any path of the host.
    type: bool
    default: false
  allow_docker_socket:
    description: Whether servers may mount the engine's socket.
    type: bool
    default: false
  port_range_start:
    description:
      - First host port that containers may publish.
    type: int
    default: 20000
  port_range_end:
    description:
      - Last host port that containers may publish.
    type: int
    default: 29999
  publish_address:
    description:
      - The one address of the host on which containers publish their port.
    type: str
    default: 127.0.0.1
  host_ports:
    description:
      - Ports of this host, beside those of the range, that no container may reach, such as the monitor's.
    type: list
    elements: int
    default: []
  rules_directory:
    description:
      - Where the rules of the packet filter are saved as C(<fleet>.v4) and C(<fleet>.v6), for a unit that restores them
        before the engine starts at boot. Without it they are not saved.
    type: path
  health_timeout:
    description:
      - Seconds that a new container has to answer its health check.
      - Where more than four for each processor start at once they get more in proportion, up to 300.
    type: int
    default: 60
  verify:
    description:
      - The command that verifies a server, with its first arguments; C(--name) and C(--url) follow.
      - A server with C(verify) whose container is to be replaced is held back while it fails. The new container is
        removed, and the old one keeps serving.
    type: list
    elements: str
    default: []
  allowed_origins:
    description:
      - Origins of web pages that may call the servers from a browser through the bridge, such as
        C(https://app.example.com). A change replaces the containers of servers with the transport stdio.
    type: list
    elements: str
    default: []
  log_level:
    description:
      - How much the bridges of servers that speak over their standard input and output log. A change replaces their
        containers.
    type: str
    choices: [debug, info, warning, error]
    default: info
  call_record:
    description:
      - Whether the bridges of servers that speak over their standard input and output write a line for each call to
        their container's log, with its time, session, method, tool, outcome and duration, and nothing of what it
        carries. A change replaces their containers.
    type: bool
    default: true
  traces:
    description:
      - Whether such a line also says to which trace the call belongs, with the ids of its request and prompt, as spans
        need it. A change replaces their containers.
    type: bool
    default: false
  retire:
    description:
      - Remove what is superseded instead of bringing up the desired containers. Removes older generations whose
        successor answers, and containers of servers that are no longer in O(servers); stops disabled servers.
    type: bool
    default: false
  draining:
    description:
      - With O(retire=true), what RV(mcp.orchestrator.mcp_route#module:draining) says. Of these ports, a container stays
        while its bridge has sessions, which RV(draining) tells, at most three of one replica.
    type: dict
    default: {}
  prune_images:
    description:
      - With O(retire=true), also remove the images whose last container of the fleet is removed, unless a container of
        somebody else, or another name, still needs them.
    type: bool
    default: false
  run_token:
    description:
      - With O(retire=true), the RV(run_token) that the converging call of the same run returned. When another run has
        converged since, nothing is done, because that run has a newer config and retires by itself.
    type: str
  host:
    description:
      - The name of this host among O(hosts).
    type: str
  hosts:
    description:
      - All hosts of the fleet by name, each with its labels, the same on every host. With them a server runs on those
        that its C(placement) chooses. Without them this host runs every server.
    type: dict
    default: {}
requirements:
  - paramiko, only where O(docker_host) is an C(ssh://) address, which the SDK reaches through the user's own ssh
seealso:
  - module: mcp.orchestrator.mcp_config_info
  - module: mcp.orchestrator.mcp_container_info
"""

EXAMPLES = r"""
- name: Bring up the desired containers
  mcp.orchestrator.mcp_container:
    servers: "{{ config.servers }}"
    config: [/etc/mcp-orchestrator/mcp.config.json]
    settings: /etc/mcp-orchestrator/settings.conf
    key_file: /etc/mcp-orchestrator/fleet.key
    session_key_file: /etc/mcp-orchestrator/session.key
    bridge: /opt/mcp-orchestrator/bridge/3f9a0c1d2e4b
  register: containers

- name: Remove what is superseded, after the routes have moved
  mcp.orchestrator.mcp_container:
    servers: "{{ config.servers }}"
    protected: "{{ config.errors | map(attribute='server') | select | list }}"
    retire: true
"""

RETURN = r"""
actions:
  description: What was done, or in check mode what would be done, in order.
  returned: always
  type: list
  elements: dict
  contains:
    server:
      description: >-
        The server, C(SERVER.NAME) for what it requires (C(orchestrator.requires)), or null for a step of the whole
        fleet.
      type: str
    action:
      description: >-
        One of C(write_rules), C(create_network), C(pull), C(create), C(recreate), C(run), C(start), C(restart),
        C(unpause), C(update), C(stop), C(remove), C(rename), C(remove_image), C(remove_rules), C(remove_network).
      type: str
    reason:
      description: The reason, in words.
      type: str
    target:
      description: Name of the container, image or network.
      type: str
    container:
      description: Id of the container that is acted upon.
      type: str
    port:
      description: Host port of that container.
      type: int
    before:
      description: Facts before.
      type: dict
    after:
      description: Facts afterwards.
      type: dict
  sample:
    - server: time
      action: recreate
      reason: image mcp/time:latest is now sha256:9c1f0a0b7d11 (was sha256:41fa90c2e6aa)
      target: mcp-time-0f3a77c1d2e4
      container:
      port: 20017
      before: {}
      after: {}
endpoints:
  description: One for each enabled server; where it answers on this host.
  returned: when the engine answered
  type: list
  elements: dict
  contains:
    name:
      description: The server.
      type: str
    generation:
      description: Generation of the container that serves.
      type: str
    container:
      description: Its id, or null.
      type: str
    container_name:
      description: Its name as this run leaves it, or nothing. Retiring may rename it.
      type: str
    address:
      description: The address on which this host reaches it.
      type: str
    port:
      description: Its host port, or null when there is no container.
      type: int
    ports:
      description: The host ports of all its replicas.
      type: list
      elements: int
    path:
      description: The server's public prefix.
      type: str
    mcp_path:
      description: Where MCP answers below O(ignore:path).
      type: str
    health_path:
      description: What a health check requests.
      type: str
    health_matcher:
      description: The statuses that count as healthy.
      type: str
    strip_prefix:
      description: Whether the load balancer removes the prefix.
      type: bool
    host_header:
      description: What the load balancer sends to it as Host, or null for what the client sends.
      type: str
    priority:
      description: The desired priority of its rule, or null for any.
      type: int
    conditions:
      description: What its entry asks of a request beside the path, as M(mcp.orchestrator.mcp_alb_route) takes it.
      type: list
      elements: dict
    auth:
      description: Who has to prove themselves first, or null for what C([routes] auth) says.
      type: str
    url:
      description: Where MCP answers on this host, without any load balancer; null without a container.
      type: str
      sample: http://127.0.0.1:20417/mcp/time/mcp
    state:
      description: V(running), V(failed), V(stopped) by an operator, or in check mode V(planned).
      type: str
    requires:
      description: What the server requires beside itself (C(orchestrator.requires)), in the order in which it starts.
      type: list
      elements: dict
      contains:
        name:
          description: Its name in the entry.
          type: str
        image:
          description: Its image.
          type: str
        condition:
          description: V(started), V(healthy) or V(completed), what has to be before the next one starts.
          type: str
        state:
          description: >-
            V(running), V(healthy), V(completed), V(failed), V(waiting) for one before it, or in check mode V(planned).
          type: str
        container:
          description: The id of its container, null without one.
          type: str
        container_name:
          description: The name of its container, null without one.
          type: str
    exceptions:
      description: What its container is allowed beyond the defaults, such as volumes or a writable root.
      type: list
      elements: str
kept:
  description: >-
    Networks of the fleet that nothing of the fleet uses any more and that stay, because containers that are not of the
    fleet are connected to them. A sentence each, with the commands that remove the network.
  returned: when the engine answered
  type: list
  elements: str
unprotected:
  description: >-
    Why no rules keep the fleet's servers from their instance's metadata and the host's ports; empty when rules do.
  returned: when the engine answered
  type: str
draining:
  description: Replaced containers that stay until their sessions have ended.
  returned: when the engine answered
  type: list
  elements: dict
  contains:
    server:
      description: The server.
      type: str
    container:
      description: The container's name.
      type: str
    sessions:
      description: How many sessions its bridge has; 1 where it does not say.
      type: int
postponed:
  description: The servers that have failed so often that another try has to wait.
  returned: when the engine answered
  type: list
  elements: dict
  contains:
    server:
      description: The server.
      type: str
    count:
      description: How often it failed in a row.
      type: int
    quarantined:
      description: Whether it failed so often that it is tried once an hour or less.
      type: bool
    next_try:
      description: When the next try is due, as RFC 3339 in UTC.
      type: str
retire_needed:
  description: Whether a call with O(retire=true) would find anything to do.
  returned: when the engine answered
  type: bool
run_token:
  description: Identifies this run to its retiring call. Null in check mode and from a retiring call.
  returned: when the engine answered
  type: str
superseded_by_newer_run:
  description: Whether nothing was done, because another run has converged since O(run_token) was issued.
  returned: when the engine answered
  type: bool
on_other_hosts:
  description: The servers that other hosts run.
  returned: when the engine answered
  type: list
  elements: str
hosts_by_server:
  description: The names of the hosts of O(hosts) that run each server, by its name. Empty without O(hosts).
  returned: when the engine answered
  type: dict
unschedulable:
  description: The servers that no host can run. Their containers are left as they are.
  returned: when the engine answered
  type: list
  elements: str
errors:
  description: One for each server that is not in the desired state. The module fails when there are any.
  returned: always
  type: list
  elements: dict
  contains:
    server:
      description: The server, or null for the whole fleet.
      type: str
    message:
      description: What is wrong and what to do.
      type: str
"""

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.host_path import DEFAULT_ROOTS
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.module import run

ARGUMENT_SPEC: dict[str, dict[str, Any]] = {
    "servers": {"type": "list", "elements": "dict", "required": True},
    "protected": {"type": "list", "elements": "str", "default": []},
    "fleet": {"type": "str", "default": "mcp"},
    "config": {"type": "list", "elements": "path", "default": []},
    "settings": {"type": "path"},
    "key_file": {"type": "path", "no_log": False},
    "session_key_file": {"type": "path", "no_log": False},
    "bridge": {"type": "path"},
    "port_range_start": {"type": "int", "default": 20000},
    "port_range_end": {"type": "int", "default": 29999},
    "publish_address": {"type": "str", "default": "127.0.0.1"},
    "seccomp": {"type": "path"},
    "host_ports": {"type": "list", "elements": "int", "default": []},
    "rules_directory": {"type": "path"},
    "host_path_roots": {"type": "list", "elements": "str", "default": list(DEFAULT_ROOTS)},
    "allow_host_paths": {"type": "bool", "default": False},
    "allow_docker_socket": {"type": "bool", "default": False},
    "health_timeout": {"type": "int", "default": 60},
    "verify": {"type": "list", "elements": "str", "default": []},
    "allowed_origins": {"type": "list", "elements": "str", "default": []},
    "log_level": {"type": "str", "choices": ["debug", "info", "warning", "error"], "default": "info"},
    "call_record": {"type": "bool", "default": True},
    "traces": {"type": "bool", "default": False},
    "retire": {"type": "bool", "default": False},
    "draining": {"type": "dict", "default": {}},
    "prune_images": {"type": "bool", "default": False},
    "run_token": {"type": "str", "no_log": False},  # no secret: it only tells runs apart
    "host": {"type": "str"},
    "hosts": {"type": "dict", "default": {}},
    "docker_host": {"type": "str"},
}


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
