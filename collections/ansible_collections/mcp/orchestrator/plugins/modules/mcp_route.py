#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_route
short_description: Route a fleet of MCP servers through every load balancer on the way to it
version_added: 0.1.0
author: MCP Orchestrator contributors (@mcp-orchestrator)
description:
  - Decides from the settings and the endpoints which routes there are and which load balancers they go through, and
    brings each of these to the desired state, in one call.
  - With C([routes] topology = direct) the load balancer that clients call knows every server. With C(node-router) it
    knows one router on this host, and the router knows the servers. The router is converged first, and the load
    balancer in front keeps what it has while the router cannot serve.
  - The load balancer that clients call is the one that C([aws]) names, or else the embedded one.
  - What the module does to each of them is what M(mcp.orchestrator.mcp_alb_route) does to one.
extends_documentation_fragment:
  - mcp.orchestrator.attributes
options:
  settings:
    description:
      - Path of the settings.conf on the host. The client secret for C(auth = oidc) is read from it as well, so that
        it is in no argument.
    type: path
    required: true
  state:
    description:
      - V(absent) removes every route of this host.
    type: str
    choices: [present, absent]
    default: present
  endpoints:
    description:
      - Where the servers answer, as RV(mcp.orchestrator.mcp_container#module:endpoints) says.
    type: list
    elements: dict
    default: []
  workloads:
    description:
      - Where the servers are that a cluster runs, as RV(mcp.orchestrator.mcp_workload#module:endpoints) says. Others
        bring the targets of these; this host's leave when one of those is healthy, unless it is in O(endpoints) too.
    type: list
    elements: dict
    default: []
  leaving:
    description:
      - The servers that hosts are to run in place of a cluster, and the addresses of their pods, as
        RV(mcp.orchestrator.mcp_workload#module:leaving) says.
    type: dict
    default: {}
  on_other_hosts:
    description:
      - Names of servers that other hosts of the fleet are to run, as
        RV(mcp.orchestrator.mcp_container#module:on_other_hosts) says. Behind a load balancer that the hosts share
        their routes stay; this host's targets leave them, but not before another host's are healthy.
    type: list
    elements: str
    default: []
  protected:
    description:
      - Names of servers without an endpoint whose routes stay all the same, because what is desired of them is not
        known. A server whose entry in the config is wrong is one.
    type: list
    elements: str
    default: []
  monitor_port:
    description:
      - Where the monitor listens. It has a route as well.
    type: int
    required: true
  local_alb:
    description:
      - Where the API of the embedded load balancer is.
    type: dict
    required: true
    suboptions: &api
      endpoint_url:
        description: Its address.
        type: str
        required: true
      credentials_file:
        description: The file on the host with its access key, in the form of the AWS CLI's shared credentials.
        type: path
        required: true
  node_router:
    description:
      - Where the API of this host's router is, and where it listens.
    type: dict
    required: true
    suboptions:
      <<: *api
      port:
        description: The port on which the load balancer in front reaches it.
        type: int
        required: true
      health_path:
        description: Where it answers that it is well.
        type: str
        required: true
  verify:
    description:
      - V(fast) trusts the tags as M(mcp.orchestrator.mcp_alb_route) describes, V(full) checks everything.
      - By default one run in so many checks everything, as C([routes] full_verification_every) says.
    type: str
    choices: [fast, full]
  run_token:
    description:
      - What converging the containers gave the run as RV(mcp.orchestrator.mcp_container#module:run_token). When another
        run has converged them on this host since, nothing is done, for that run knows newer desired state and routes to
        what it has made. No other run converges them meanwhile.
    type: str
requirements:
  - boto3 >= 1.40
seealso:
  - module: mcp.orchestrator.mcp_alb_route
  - module: mcp.orchestrator.mcp_container
"""

EXAMPLES = r"""
- name: Converge the containers
  mcp.orchestrator.mcp_container:
    servers: "{{ config.servers }}"
  register: containers

- name: Route to them
  mcp.orchestrator.mcp_route:
    settings: /etc/mcp-orchestrator/settings.conf
    endpoints: "{{ containers.endpoints }}"
    on_other_hosts: "{{ containers.on_other_hosts }}"
    protected: "{{ config.errors | map(attribute='server') | select | list + containers.unschedulable }}"
    run_token: "{{ containers.run_token }}"
    monitor_port: 8482
    local_alb:
      endpoint_url: http://127.0.0.1:8481
      credentials_file: /etc/mcp-orchestrator/local_alb.credentials
    node_router:
      endpoint_url: http://127.0.0.1:8483
      credentials_file: /etc/mcp-orchestrator/node_router.credentials
      port: 8484
      health_path: /router/health
  register: routed

- name: Ask every server for its tools
  mcp.orchestrator.mcp_probe_info:
    endpoints: "{{ routed.probes }}"
"""

RETURN = r"""
actions:
  description:
    - What was done, or in check mode would be done, in order, as M(mcp.orchestrator.mcp_alb_route) describes it.
  type: list
  elements: dict
  returned: always
routes:
  description:
    - The routes as they are now, those next to the servers first. C(_monitor) is the monitor's, C(_login),
      C(_login_metadata) and C(_registry) lead to it as well, and C(_router) is that of this host's router.
  type: list
  elements: dict
  returned: always
  contains:
    name:
      description: Name of the server.
      type: str
      sample: time
    path:
      description: The routed path.
      type: str
      sample: /mcp/time
    rule_arn:
      description: The rule, null where there is none yet.
      type: str
    target_group_arn:
      description: The target group, null where there is none yet.
      type: str
    former_target_group_arns:
      description: The target groups to which requests go until a target of the new one is healthy; mostly empty.
      type: list
      elements: str
    priority:
      description: The rule's priority.
      type: int
      sample: 1000
    url:
      description: Where clients reach the path, by the load balancer's own name; null where that is not known.
      type: str
      sample: https://shared-123.eu-west-1.elb.amazonaws.com/mcp/time
    mcp_url:
      description: Where clients speak MCP with the server; null for what is no server.
      type: str
      sample: https://shared-123.eu-west-1.elb.amazonaws.com/mcp/time/mcp
probes:
  description:
    - Where each server is asked whether it answers, as O(mcp.orchestrator.mcp_probe_info#module:endpoints) takes it.
      That is where its clients call it, or its own address on this host where the load balancer does not let
      everybody pass.
  type: list
  elements: dict
  returned: when no newer run has superseded this one
  contains:
    name:
      description: Name of the server.
      type: str
      sample: time
    url:
      description: Where it answers MCP.
      type: str
public_url:
  description: Where clients reach the load balancer, by its own name; null where that is not known.
  type: str
  returned: always
  sample: https://shared-123.eu-west-1.elb.amazonaws.com
handing_over:
  description:
    - The servers of O(on_other_hosts) that only this host serves as yet. Their containers are still asked; the run that
      finds another host's targets healthy takes this host's away.
  type: list
  elements: str
  returned: always
served_from_cluster:
  description: The servers of O(leaving) that no host serves yet. Their pods are still asked.
  type: list
  elements: str
  returned: always
draining:
  description:
    - The ports of replaced containers that get nothing but the requests of their own sessions, by server. Only the
      embedded load balancer and the node router do that, for as long as C([routes] session_drain) says.
  type: dict
  returned: always
  sample: {"time": [20417]}
notes:
  description: What is to be known of the load balancers although nothing has to be done, a sentence each.
  type: list
  elements: str
  returned: always
shadows:
  description:
    - Those of the notes which say that a rule of others matches a route's path as well, and which of the two gets the
      requests, by the name of the route.
  type: dict
  returned: always
superseded_by_newer_run:
  description: Whether nothing was done because another run has converged since O(run_token).
  type: bool
  returned: always
listeners:
  description:
    - What people are shown of the load balancers, those next to the servers first. files/routes.schema.json describes
      a listener, its rules in order, the health of the fleet's targets as far as this run has asked for it, and the
      quotas. What rules compare headers and queries with is left out. In check mode there are none.
  type: list
  elements: dict
  returned: always
errors:
  description: What could not be done. The module fails if there is any; everything else was done nevertheless.
  type: list
  elements: dict
  returned: always
  contains:
    server:
      description: The server whose route it is, null for all routes of a load balancer.
      type: str
      sample: time
    message:
      description: What is wrong, and the way out.
      type: str
"""

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.backend import AlbBackend
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import BOTO3_ERROR
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import fleet_error, require, run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings, read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.lock import FleetBusy
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import ControlPlane
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.both_sides import joined
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.reconcile import reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.report import SUPERSEDED, fleet_report
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import (
    Hop,
    Installation,
    hops_away,
    hops_to,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.verification import is_full_verification_due

API_SPEC: dict[str, Any] = {
    "endpoint_url": {"type": "str", "required": True},
    "credentials_file": {"type": "path", "required": True},
}
ROUTER_SPEC: dict[str, Any] = {
    **API_SPEC,
    "port": {"type": "int", "required": True},
    "health_path": {"type": "str", "required": True},
}
ARGUMENT_SPEC: dict[str, Any] = {
    "settings": {"type": "path", "required": True},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
    "endpoints": {"type": "list", "elements": "dict", "default": []},
    "workloads": {"type": "list", "elements": "dict", "default": []},
    "leaving": {"type": "dict", "default": {}},
    "on_other_hosts": {"type": "list", "elements": "str", "default": []},
    "protected": {"type": "list", "elements": "str", "default": []},
    "monitor_port": {"type": "int", "required": True},
    "local_alb": {"type": "dict", "required": True, "options": API_SPEC},
    "node_router": {"type": "dict", "required": True, "options": ROUTER_SPEC},
    "verify": {"type": "str", "choices": ["fast", "full"]},
    "run_token": {"type": "str", "no_log": False},  # no secret: it only tells runs apart
}


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the module's result. Raises ModuleError."""
    require("boto3", BOTO3_ERROR)
    try:
        settings = read_settings(arguments["settings"])
        here, in_cluster = _endpoints(arguments["endpoints"]), _endpoints(arguments["workloads"])
        endpoints = joined(here, in_cluster, arguments["protected"])
        hops = _hops(arguments, settings, endpoints)
        backend = AlbBackend(settings, _options(arguments, settings, check_mode))
        run_token = None if check_mode else arguments["run_token"]
        results = reconcile(hops, backend, settings.service.fleet, run_token)
    except (ConfigFileError, FleetBusy) as error:
        raise fleet_error(str(error), routes=[]) from error
    return SUPERSEDED if results is None else fleet_report(hops, results, endpoints, settings.routes)


def _endpoints(given: list[dict[str, Any]]) -> list[Endpoint]:
    try:
        return [Endpoint.from_dict(endpoint) for endpoint in given]
    except TypeError as error:
        raise fleet_error(f"endpoints: {error}; give what mcp_container returned", routes=[]) from error


def _hops(arguments: Mapping[str, Any], settings: Settings, endpoints: list[Endpoint]) -> tuple[Hop, ...]:
    router = arguments["node_router"]
    installation = Installation(
        monitor_port=arguments["monitor_port"],
        local_alb=_control(arguments["local_alb"]),
        router=_control(router),
        router_port=router["port"],
        router_health_path=router["health_path"],
    )
    if arguments["state"] == "absent":
        return hops_away(settings, installation)
    return hops_to(
        settings,
        endpoints,
        installation,
        arguments["on_other_hosts"],
        arguments["protected"],
        arguments["leaving"],
    )


def _control(option: Mapping[str, Any]) -> ControlPlane:
    return ControlPlane(option["endpoint_url"], option["credentials_file"])


def _options(arguments: Mapping[str, Any], settings: Settings, check_mode: bool) -> Options:
    asked = arguments["verify"]
    is_full = is_full_verification_due(settings, time.time()) if asked is None else asked == "full"
    return Options(is_full, check_mode, settings.routes.wait_timeout)


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
