#!/usr/bin/python
# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: mcp_alb_route
short_description: Route the paths of MCP servers on a listener of an Application Load Balancer
version_added: 0.1.0
author: MCP Orchestrator contributors (@mcp-orchestrator)
description:
  - Brings the rules and target groups of a whole fleet on one listener to the desired state, in one call.
  - Each server gets one target group, one rule for its path and everything below it, and its registered targets.
  - Only rules and target groups whose tags C(mcp_fleet) and C(mcp_listener) name this fleet and this listener are ever
    changed or deleted. Rules of others keep their priorities; where one of them takes requests of a routed path, or the
    other way round, a warning names both.
  - Routes that are no longer in O(routes) are removed, unless other hosts still serve through them. An empty list
    removes everything of this host.
  - Nothing that serves is removed before its replacement is healthy. A route that cannot be brought to its desired
    state does not stop the others; it is listed in RV(errors), and the module fails at the end.
  - When nothing has to be done, the module makes four calls, however many routes there are.
notes:
  - >-
    The IAM actions that the module needs: C(elasticloadbalancing:Describe*) for listeners, load balancers, rules,
    target groups, target group attributes, target health, tags and account limits; CreateTargetGroup, CreateRule,
    AddTags, RemoveTags, ModifyRule, SetRulePriorities, DeleteRule, ModifyTargetGroup,
    ModifyTargetGroupAttributes, RegisterTargets, DeregisterTargets, DeleteTargetGroup.
  - >-
    Rules and target groups are given their tags in the call that creates them, and nothing is changed, tagged or moved
    that does not have the tag C(mcp_fleet) with this fleet's name, so that a policy with C(aws:RequestTag) and
    C(aws:ResourceTag) can limit the role to what is the fleet's. The project's C(docs/iam-policy.json) is one.
  - >-
    Tags are the memory. C(mcp_port_<target_id>) on a target group says which ports of a host are registered in it,
    C(mcp_attributes) which attributes were set, and C(mcp_seal_<target_id>), on the first of the groups, that the
    host's last run was complete.
extends_documentation_fragment:
  - mcp.orchestrator.attributes
  - mcp.orchestrator.elbv2
options:
  settings:
    description:
      - >-
        A settings.conf on the host. C([aws]) names the listener and this host, C([routes]) says how the load balancer
        treats the routes, C([oidc]) and C([jwt]) who vouches for clients, C([tags]) further tags, C([service] fleet)
        the fleet's name, which begins the names of the target groups and is the value of the tag C(mcp_fleet).
      - All of them are in the project's C(files/settings.conf), with their defaults.
      - The client secret is read from it, so that it is in no argument.
    type: path
    required: true
  routes:
    description:
      - The whole list of routes. Whatever this fleet has beyond it is removed.
    type: list
    elements: dict
    required: true
    suboptions:
      name:
        description:
          - Name of the server.
        type: str
        required: true
      path:
        description:
          - The path that is routed, with everything below it. It begins with a slash and does not end with one.
        type: str
        required: true
      port:
        description:
          - The port of this host where the server answers.
          - Without O(routes[].port) and O(routes[].ports) the rule and the target group stay, with no target of this
            host.
        type: int
      ports:
        description:
          - The ports of this host where replicas of the server answer, instead of O(routes[].port).
        type: list
        elements: int
        default: []
      strip_prefix:
        description:
          - Whether the load balancer removes O(routes[].path) from the requests.
        type: bool
        default: false
      host_header:
        description:
          - What the targets get as Host, such as V(localhost:8000), instead of what the client sends. The health checks
            of an Application Load Balancer cannot be given a Host.
        type: str
      health_path:
        description:
          - Where the load balancer asks a target whether it is healthy. A changed path gets a new target group, so that
            old and new targets do not have to agree about it.
        type: str
        default: /
      health_matcher:
        description:
          - Which HTTP codes mean healthy, such as V(200), V(200,202) or V(200-299), between 200 and 499.
        type: str
        default: '200'
      protocol:
        description:
          - How the load balancer speaks to the targets. It does not check their certificates. Another protocol gets a
            new target group.
        type: str
        choices: [http, https]
        default: http
      priority:
        description:
          - The rule's priority. By default one is chosen from the range and kept.
        type: int
      conditions:
        description:
          - What else a request has to meet. A rule takes five values in all, two of which are the path's.
        type: list
        elements: dict
        default: []
        suboptions: &condition
          field:
            description:
              - What is looked at.
            type: str
            required: true
            choices: [host-header, http-header, http-request-method, query-string, source-ip]
          values:
            description:
              - What it may be. A query string is written C(key=value) or C(value), a source as a CIDR block.
            type: list
            elements: str
            required: true
          header_name:
            description:
              - The header's name, for V(http-header).
            type: str
      auth:
        description:
          - Who has to prove themselves before a request is forwarded. By default what C([routes] auth) says.
        type: str
        choices: [none, oidc, jwt]
  protected:
    description:
      - Names of servers that are not in O(routes) and whose rules and target groups stay all the same, because what is
        desired of them is not known. A server whose entry in the config is wrong is one.
    type: list
    elements: str
    default: []
  on_other_hosts:
    description:
      - Names of servers that other hosts of the fleet are to run. Their rules and target groups stay, for these are the
        other hosts' to make and to remove. This host's targets leave them, but not before another host's are healthy.
    type: list
    elements: str
    default: []
  verify:
    description:
      - V(fast) trusts the tags for registered targets, their group's attributes and the tags of the rules, as long as
        the last run of this host was complete and desired the same; it still compares every rule's conditions, actions
        and transforms and every health check.
      - V(full) checks everything.
    type: str
    choices: [fast, full]
    default: fast
  run_token:
    description:
      - What M(mcp.orchestrator.mcp_container) gave the run as RV(mcp.orchestrator.mcp_container#module:run_token). When
        another run has converged the fleet's containers on this host since, nothing is done, for that run knows newer
        desired state and routes to what it has made. No other run converges them meanwhile.
    type: str
seealso:
  - module: mcp.orchestrator.mcp_route
"""

EXAMPLES = r"""
- name: Say which listener, and who this host is to it
  ansible.builtin.copy:
    dest: /etc/mcp-orchestrator/settings.conf
    mode: "0600"
    content: |
      [aws]
      region = eu-west-1
      alb_name = shared
      listener_port = 443
      [routes]
      host_header = mcp.example.com
      health_interval = 15

- name: Route two servers of this instance, which no other part of the collection needs to know
  mcp.orchestrator.mcp_alb_route:
    settings: /etc/mcp-orchestrator/settings.conf
    routes:
      - name: time
        path: /mcp/time
        port: 20417
        health_path: /mcp/time/health
      - name: web
        path: /mcp/web
        port: 20981
        strip_prefix: true
        health_path: /mcp
        health_matcher: 200-499

- name: Look at everything, not only at what four calls show
  mcp.orchestrator.mcp_alb_route:
    settings: /etc/mcp-orchestrator/settings.conf
    verify: full
    routes: "{{ routes }}"

- name: Take away every route of this host
  mcp.orchestrator.mcp_alb_route:
    settings: /etc/mcp-orchestrator/settings.conf
    routes: []
"""

RETURN = r"""
actions:
  description: What was done, or in check mode would be done, in order.
  type: list
  elements: dict
  returned: always
  contains:
    server:
      description: The server whose route it is, empty for what concerns all routes.
      type: str
      sample: time
    action:
      description: What is done.
      type: str
      sample: create_rule
    reason:
      description: Why.
      type: str
      sample: no rule of ours leads to this path
    before:
      description: What was there, as far as it changes.
      type: raw
    after:
      description: What is there afterwards.
      type: raw
routes:
  description: The routes as they are now.
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
      description: Where the route answers, by the load balancer's own name; null where that is not known.
      type: str
      sample: https://shared-123.eu-west-1.elb.amazonaws.com/mcp/time
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
superseded_by_newer_run:
  description: Whether nothing was done because another run has converged since O(run_token).
  type: bool
  returned: always
errors:
  description: What could not be done. The module fails if there is any; everything else was done nevertheless.
  type: list
  elements: dict
  returned: always
  contains:
    server:
      description: The server whose route it is, null for all routes.
      type: str
      sample: time
    message:
      description: What is wrong, and the way out.
      type: str
"""

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.backend import AlbBackend
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import BOTO3_ERROR
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import fleet_error, require, run_module
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.lock import FleetBusy
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import ControlPlane, aws_balancer
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.reconcile import reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.report import SUPERSEDED, report
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.route_options import routes_from_options
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Hop

CONDITION_FIELDS = ["host-header", "http-header", "http-request-method", "query-string", "source-ip"]
CONDITIONS_SPEC: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "field": {"type": "str", "required": True, "choices": CONDITION_FIELDS},
        "values": {"type": "list", "elements": "str", "required": True},
        "header_name": {"type": "str"},
    },
    "required_if": [("field", "http-header", ["header_name"])],
}
ROUTE_SPEC: dict[str, Any] = {
    "name": {"type": "str", "required": True},
    "path": {"type": "str", "required": True},
    "port": {"type": "int"},
    "ports": {"type": "list", "elements": "int", "default": []},
    "strip_prefix": {"type": "bool", "default": False},
    "host_header": {"type": "str"},
    "health_path": {"type": "str", "default": "/"},
    "health_matcher": {"type": "str", "default": "200"},
    "protocol": {"type": "str", "choices": ["http", "https"], "default": "http"},
    "priority": {"type": "int"},
    "conditions": CONDITIONS_SPEC,
    "auth": {"type": "str", "choices": ["none", "oidc", "jwt"]},
}
ARGUMENT_SPEC: dict[str, Any] = {
    "settings": {"type": "path", "required": True},
    "routes": {"type": "list", "elements": "dict", "required": True, "options": ROUTE_SPEC},
    "protected": {"type": "list", "elements": "str", "default": []},
    "on_other_hosts": {"type": "list", "elements": "str", "default": []},
    "verify": {"type": "str", "choices": ["fast", "full"], "default": "fast"},
    "run_token": {"type": "str", "no_log": False},  # no secret: it only tells runs apart
    "endpoint_url": {"type": "str"},
    "credentials_file": {"type": "path"},
}


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the module's result. Raises ModuleError."""
    require("boto3", BOTO3_ERROR)
    path = arguments["settings"]
    try:
        settings = read_settings(path)
        if not settings.aws.is_named:
            raise fleet_error(f"{path} names no load balancer; set listener_arn or alb_name under [aws]", routes=[])
        hop = Hop(
            aws_balancer(settings, ControlPlane(arguments["endpoint_url"], arguments["credentials_file"])),
            routes_from_options(arguments["routes"], settings.routes),
            frozenset(arguments["on_other_hosts"]),
            frozenset(arguments["protected"]),
        )
        backend = AlbBackend(settings, Options(arguments["verify"] == "full", check_mode, settings.routes.wait_timeout))
        run_token = None if check_mode else arguments["run_token"]
        results = reconcile([hop], backend, settings.service.fleet, run_token)
    except (ConfigFileError, FleetBusy) as error:
        raise fleet_error(str(error), routes=[]) from error
    return SUPERSEDED if results is None else report([hop], results)


def main() -> None:
    """Runs the module."""
    run_module(run, ARGUMENT_SPEC)


if __name__ == "__main__":
    main()
