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
  - Brings the rules and target groups of a whole fleet on one listener to what is wished, in one call.
  - Each server gets one target group, one rule for its path and everything below it, and its registered targets.
  - Only rules and target groups whose tags C(mcp_fleet) and C(mcp_listener) name this fleet and this listener are ever
    changed or deleted. Rules of others keep their priorities; where one of them takes requests of a wished path, or the
    other way round, a warning names both.
  - Routes that are no longer in O(routes) are taken away, unless other hosts still serve through them. An empty list
    takes away everything that is this host's.
  - Nothing that serves goes before what replaces it is healthy. A route that cannot be brought to what is wished does
    not keep the others from it; it stands in RV(errors), and the module fails at the end.
  - When nothing has to be done, the module makes four calls, however many routes there are.
notes:
  - >-
    The IAM actions that the module needs: C(elasticloadbalancing:Describe*) for listeners, load balancers, rules,
    target groups, target group attributes, target health, tags and account limits; CreateTargetGroup, CreateRule,
    AddTags, RemoveTags, ModifyRule, SetRulePriorities, DeleteRule, ModifyTargetGroup,
    ModifyTargetGroupAttributes, RegisterTargets, DeregisterTargets, DeleteTargetGroup.
  - >-
    Rules and target groups are given their tags in the call that creates them, and nothing is changed, tagged or moved
    that does not bear C(mcp_fleet) with this fleet's name, so that a policy with C(aws:RequestTag) and
    C(aws:ResourceTag) can limit the role to what is the fleet's. The project's C(docs/iam-policy.json) is one.
  - >-
    Tags are the memory. C(mcp_port_<target_id>) on a target group says which ports of a host are registered in it,
    C(mcp_attributes) which attributes were set, and C(mcp_last_applied_<target_id>), on the first of the groups, that
    the host's last run was complete.
extends_documentation_fragment:
  - mcp.orchestrator.attributes
  - mcp.orchestrator.elbv2
options:
  fleet:
    description:
      - Name of the fleet. It begins the names of the target groups and is the value of the tag C(mcp_fleet).
    type: str
    default: mcp
  listener_arn:
    description:
      - The listener that the rules belong to.
      - Either this or O(load_balancer_name) is needed.
    type: str
  load_balancer_name:
    description:
      - Name of the load balancer whose listener the rules belong to. Finding it costs two calls more.
    type: str
  listener_port:
    description:
      - The port of that load balancer's listener. Without it the load balancer must have only one.
    type: int
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
          - The ports of this host where replicas of the server answer, in the place of O(routes[].port).
        type: list
        elements: int
        default: []
      strip_prefix:
        description:
          - Whether the load balancer removes O(routes[].path) from the requests.
        type: bool
        default: false
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
          - Who has to prove themselves before a request is forwarded. By default what O(auth) says.
        type: str
        choices: [none, oidc, jwt]
  conditions:
    description:
      - What every request has to meet, besides the path and O(routes[].conditions).
    type: list
    elements: dict
    default: []
    suboptions: *condition
  auth:
    description:
      - Who has to prove themselves before a request is forwarded. All but V(none) need an HTTPS listener.
      - V(oidc) lets only users pass who are known to O(authenticate_oidc). Clients that keep no cookies cannot.
      - V(jwt) lets only requests pass that carry a valid JSON web token of O(jwt_validation).
    type: str
    choices: [none, oidc, jwt]
    default: none
  authenticate_oidc:
    description:
      - The OpenID Connect provider of routes whose O(routes[].auth) is V(oidc).
    type: dict
    suboptions:
      issuer:
        description: The provider's issuer identifier.
        type: str
        required: true
      authorization_endpoint:
        description: URL of the provider's authorization endpoint.
        type: str
        required: true
      token_endpoint:
        description: URL of the provider's token endpoint.
        type: str
        required: true
      user_info_endpoint:
        description: URL of the provider's user info endpoint.
        type: str
        required: true
      client_id:
        description: The client's identifier.
        type: str
        required: true
      client_secret:
        description:
          - The client's secret. A slow hash of it in the rule's tags lets a later run see that it changed.
          - Without it, O(settings) is read for it.
        type: str
      scope:
        description: What is asked of the provider.
        type: str
      session_cookie_name:
        description: Name of the cookie.
        type: str
      session_timeout:
        description: Seconds that a session lasts.
        type: int
      on_unauthenticated_request:
        description: What happens to users who are not known.
        type: str
        choices: [deny, allow, authenticate]
  jwt_validation:
    description:
      - Whose tokens routes ask for whose O(routes[].auth) is V(jwt).
    type: dict
    suboptions:
      issuer:
        description: The issuer that the token has to name.
        type: str
        required: true
      jwks_endpoint:
        description: URL of the issuer's public keys.
        type: str
        required: true
      additional_claims:
        description: What else the token has to claim.
        type: list
        elements: dict
        suboptions:
          claim_name:
            description: Name of the claim.
            type: str
            required: true
          claim_format:
            description: How the claim is written.
            type: str
            choices: [single-string, string-array, space-separated-values]
            default: single-string
          claim_values:
            description: What it may be.
            type: list
            elements: str
            required: true
  settings:
    description:
      - A settings.conf whose C([oidc] client_secret) is the client's secret, so that it need not travel.
    type: path
  keep:
    description:
      - Names of servers that are not in O(routes) and whose rules and target groups stay all the same, because what is
        wished of them is not known. A server whose entry in the config is wrong is one.
    type: list
    elements: str
    default: []
  elsewhere:
    description:
      - Names of servers that other hosts of the fleet are to run. Their rules and target groups stay, for these are the
        other hosts' to make and to remove. This host's targets leave them, but not before another host's are healthy.
    type: list
    elements: str
    default: []
  target_id:
    description:
      - This host in the load balancer's eyes, an instance id or (with O(target_type=ip)) an address.
      - Targets with other ids are never registered or deregistered.
      - By default the instance id, or the private address, that the host's metadata service tells.
    type: str
  target_type:
    description:
      - Whether targets are registered by instance id or by address.
    type: str
    choices: [instance, ip]
    default: instance
  vpc_id:
    description:
      - The VPC in which the load balancer is expected to be. By default that of the load balancer is taken as it is.
    type: str
  region:
    description:
      - AWS region. By default that of O(listener_arn), what boto3 finds in the environment, or the one that the
        host's metadata service tells.
    type: str
  verify:
    description:
      - V(fast) trusts the tags for registered targets, their group's attributes and the tags of the rules, as long as
        the last run of this host was complete and wished the same; it still compares every rule's conditions, actions
        and transforms and every health check.
      - V(full) looks at everything.
    type: str
    choices: [fast, full]
    default: fast
  turn:
    description:
      - What M(mcp.orchestrator.mcp_container) gave the run as RV(mcp.orchestrator.mcp_container#module:turn). When
        another run has converged the fleet's containers on this host since, nothing is done, for that run has newer
        wishes and routes to what it has made. No other run converges them meanwhile.
    type: str
  wait_timeout:
    description:
      - How many seconds new targets may take to become healthy.
    type: int
    default: 120
  health_interval:
    description:
      - Seconds between two health checks of a target, 5 to 300.
    type: int
    default: 10
  health_timeout:
    description:
      - Seconds in which a target has to answer a health check, 2 to 120 and less than O(health_interval).
    type: int
    default: 5
  healthy_threshold:
    description:
      - How many successes in a row make an unhealthy target healthy, 2 to 10.
    type: int
    default: 2
  unhealthy_threshold:
    description:
      - How many failures in a row make a target unhealthy, 2 to 10.
    type: int
    default: 2
  deregistration_delay:
    description:
      - How many seconds the open streams of a deregistered target may go on, 0 to 3600.
    type: int
    default: 30
  slow_start:
    description:
      - For how many seconds a new target gets a growing share of the requests, 30 to 900. With 0
        it gets its full share at once.
    type: int
    default: 0
  stickiness:
    description:
      - For how many seconds a client's requests stay with one of several replicas, 1 to 604800, or 0 for not at all.
      - The load balancer recognises a client by a cookie, and by nothing else. A client that keeps no cookies, as many
        MCP clients do, is sent to any replica, and its session may not be known there.
    type: int
    default: 0
  priority_start:
    description:
      - The first priority that may be given to a rule.
    type: int
    default: 1000
  priority_end:
    description:
      - The last priority that may be given to a rule.
    type: int
    default: 1999
  tags:
    description:
      - Further tags for rules and target groups. Tags that others put there are left alone.
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Route two servers of this instance
  mcp.orchestrator.mcp_alb_route:
    listener_arn: "{{ listener_arn }}"
    target_id: i-0123456789abcdef0
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
    listener_arn: "{{ listener_arn }}"
    target_id: i-0123456789abcdef0
    verify: full
    routes: "{{ routes }}"

- name: Take away every route of this host
  mcp.orchestrator.mcp_alb_route:
    listener_arn: "{{ listener_arn }}"
    target_id: i-0123456789abcdef0
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
  description: The routes as they stand.
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
    priority:
      description: The rule's priority.
      type: int
      sample: 1000
    url:
      description: Where the route answers, by the load balancer's own name; null where that is not known.
      type: str
      sample: https://shared-123.eu-west-1.elb.amazonaws.com/mcp/time
lingering:
  description:
    - The servers of O(elsewhere) that only this host serves as yet. Their containers are still asked; the run that
      finds another host's targets healthy takes this host's away.
  type: list
  elements: str
  returned: always
overtaken:
  description: Whether nothing was done because another run has converged since O(turn).
  type: bool
  returned: always
errors:
  description: What could not be done. The module fails if there is any; everything else was done nevertheless.
  type: list
  elements: dict
  returned: always
  contains:
    server:
      description: The server whose route it is, empty for what concerns all routes.
      type: str
      sample: time
    message:
      description: What is wrong, and the way out.
      type: str
"""

import traceback
from typing import Any

from ansible.module_utils.basic import AnsibleModule, missing_required_lib
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.desired_options import desired_from_options
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import BOTO3_ERROR, connect
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.instance import instance_id, private_address
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.listener import find_listener
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.report import report
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.lock import FleetBusy, fleet_lock

AUTHS = ["none", "oidc", "jwt"]
CONDITIONS_SPEC: dict[str, Any] = {
    "type": "list",
    "elements": "dict",
    "default": [],
    "options": {
        "field": {
            "type": "str",
            "required": True,
            "choices": ["host-header", "http-header", "http-request-method", "query-string", "source-ip"],
        },
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
    "health_path": {"type": "str", "default": "/"},
    "health_matcher": {"type": "str", "default": "200"},
    "protocol": {"type": "str", "choices": ["http", "https"], "default": "http"},
    "priority": {"type": "int"},
    "conditions": CONDITIONS_SPEC,
    "auth": {"type": "str", "choices": AUTHS},
}

ARGUMENT_SPEC: dict[str, Any] = {
    "fleet": {"type": "str", "default": "mcp"},
    "listener_arn": {"type": "str"},
    "load_balancer_name": {"type": "str"},
    "listener_port": {"type": "int"},
    "routes": {"type": "list", "elements": "dict", "required": True, "options": ROUTE_SPEC},
    "conditions": CONDITIONS_SPEC,
    "auth": {"type": "str", "choices": AUTHS, "default": "none"},
    "authenticate_oidc": {
        "type": "dict",
        "options": {
            "issuer": {"type": "str", "required": True},
            "authorization_endpoint": {"type": "str", "required": True},
            "token_endpoint": {"type": "str", "required": True, "no_log": False},
            "user_info_endpoint": {"type": "str", "required": True},
            "client_id": {"type": "str", "required": True},
            "client_secret": {"type": "str", "no_log": True},
            "scope": {"type": "str"},
            "session_cookie_name": {"type": "str"},
            "session_timeout": {"type": "int"},
            "on_unauthenticated_request": {"type": "str", "choices": ["deny", "allow", "authenticate"]},
        },
    },
    "jwt_validation": {
        "type": "dict",
        "options": {
            "issuer": {"type": "str", "required": True},
            "jwks_endpoint": {"type": "str", "required": True},
            "additional_claims": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "claim_name": {"type": "str", "required": True},
                    "claim_format": {
                        "type": "str",
                        "choices": ["single-string", "string-array", "space-separated-values"],
                        "default": "single-string",
                    },
                    "claim_values": {"type": "list", "elements": "str", "required": True},
                },
            },
        },
    },
    "settings": {"type": "path"},
    "keep": {"type": "list", "elements": "str", "default": []},
    "elsewhere": {"type": "list", "elements": "str", "default": []},
    "target_id": {"type": "str"},
    "target_type": {"type": "str", "choices": ["instance", "ip"], "default": "instance"},
    "vpc_id": {"type": "str"},
    "region": {"type": "str"},
    "endpoint_url": {"type": "str"},
    "credentials_file": {"type": "path"},
    "verify": {"type": "str", "choices": ["fast", "full"], "default": "fast"},
    "turn": {"type": "str"},
    "wait_timeout": {"type": "int", "default": 120},
    "health_interval": {"type": "int", "default": 10},
    "health_timeout": {"type": "int", "default": 5},
    "healthy_threshold": {"type": "int", "default": 2},
    "unhealthy_threshold": {"type": "int", "default": 2},
    "deregistration_delay": {"type": "int", "default": 30},
    "slow_start": {"type": "int", "default": 0},
    "stickiness": {"type": "int", "default": 0},
    "priority_start": {"type": "int", "default": 1000},
    "priority_end": {"type": "int", "default": 1999},
    "tags": {"type": "dict", "default": {}},
}
# What a run reports that another has overtaken: that one has newer wishes and routes to what it has made.
OVERTAKEN: dict[str, Any] = {
    "changed": False,
    "diff": {"before": "", "after": ""},
    "actions": [],
    "routes": [],
    "errors": [],
    "lingering": [],
    "overtaken": True,
}


def run(module: AnsibleModule) -> dict[str, Any]:
    """The module's result. Raises AlbError, and FleetBusy when other runs hold the fleet for too long."""
    turn = module.params["turn"]
    if turn is None or module.check_mode:
        return _converge(module)
    with fleet_lock(module.params["fleet"]) as whose:
        return _converge(module) if whose.is_current(turn) else OVERTAKEN


def _converge(module: AnsibleModule) -> dict[str, Any]:
    options = module.params
    how = Options(options["verify"] == "full", module.check_mode, options["wait_timeout"])
    region = options["region"] or _region_of(options["listener_arn"])
    api = connect(region, options["endpoint_url"], options["credentials_file"])
    found = {
        "authenticate_oidc": _with_secret(module, options["authenticate_oidc"], options["settings"]),
        "target_id": options["target_id"] or (private_address if options["target_type"] == "ip" else instance_id)(),
        "listener_arn": options["listener_arn"]
        or find_listener(api, options["load_balancer_name"], options["listener_port"]),
    }
    desired = desired_from_options({**options, **found})
    result = reconcile(api, desired, how)
    for note in result.plan.notes:
        module.warn(note)
    return report(desired, result)


def main() -> None:
    """Converge, and say what came of it."""
    module = AnsibleModule(
        argument_spec=ARGUMENT_SPEC,
        required_one_of=[("listener_arn", "load_balancer_name")],
        mutually_exclusive=[("listener_arn", "load_balancer_name")],
        supports_check_mode=True,
    )
    if BOTO3_ERROR is not None:
        module.fail_json(msg=missing_required_lib("boto3"), exception=BOTO3_ERROR)
    try:
        told = run(module)
    except (AlbError, FleetBusy) as error:
        module.fail_json(msg=str(error), actions=[], routes=[], errors=[{"server": "", "message": str(error)}])
    except Exception as error:  # a fault of ours: say so in a sentence, and keep the trace for a report
        module.fail_json(msg=f"unforeseen fault in mcp_alb_route: {error!r}", exception=traceback.format_exc())
    module.exit_json(**told)


def _region_of(listener_arn: str | None) -> str | None:
    return listener_arn.split(":")[3] if listener_arn and listener_arn.count(":") >= 5 else None


def _with_secret(module: AnsibleModule, provider: dict[str, Any] | None, settings: str | None) -> dict[str, Any] | None:
    if not provider or provider["client_secret"] or not settings:
        return provider
    try:
        secret = read_settings(settings).oidc.client_secret.reveal()
    except ConfigFileError as error:
        raise AlbError(str(error)) from error
    if secret:
        # AWS quotes what it refuses, so that an error could tell what no argument of this module has told.
        module.no_log_values.add(secret)
    return {**provider, "client_secret": secret}


if __name__ == "__main__":
    main()
