# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a load balancer's controller is told to register a server's pods in one of the fleet's target groups. Pure.

A run names the group by its ARN. By a name the controller looks it up once, when the binding is made: its webhook
refuses a group that is not there yet, and a group that the name means later is never found
(https://github.com/kubernetes-sigs/aws-load-balancer-controller/issues/4071, webhooks/elbv2 of version 3.0). EKS Auto
Mode takes no name at all (https://github.com/aws/containers-roadmap/issues/2621). Nor does a binding take another ARN
later, so that each group has one of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import digest, own_labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload

KIND = "TargetGroupBinding"
TAKES_NAMES = "elbv2.k8s.aws/v1beta1"
"""The one version whose bindings may name a target group instead of its ARN."""
PORT_NAME = "http"
_MARK = 6


def bindings(
    endpoints: Sequence[Mapping[str, Any]], routes: Sequence[Mapping[str, Any]], settings: Settings
) -> dict[str, list[Object]]:
    """Returns the bindings of each server whose target group is known: of that one, and of the former one for as long
    as requests go there. ``endpoints`` are those of mcp_workload, ``routes`` those of mcp_route."""
    known = {each["name"]: each for each in routes}
    found: dict[str, list[Object]] = {}
    for each in endpoints:
        route, workload = known.get(each["name"]), each.get("workload")
        if workload is None or route is None or not route.get("target_group_arn"):
            continue
        groups = [route["target_group_arn"], *route.get("former_target_group_arns", ())]
        labels = own_labels(settings.service.fleet, each["name"])
        found[each["name"]] = [
            _binding(settings, workload["name"], labels, PORT_NAME, {"targetGroupARN": arn}, arn) for arn in groups
        ]
    return found


def named_binding(workload: Workload) -> Object:
    """Returns a binding for a file: who applies that knows no ARN."""
    spec, settings = workload.spec, workload.settings
    owner = Owner(workload.fleet, settings.aws.listener_arn, "")
    group = owner.group_name(spec.name, ["ip", "HTTP", spec.health_path, spec.strip_prefix])
    return _binding(settings, workload.name, workload.labels, workload.port or 1, {"targetGroupName": group}, group)


def _binding(
    settings: Settings, server: str, labels: Mapping[str, str], port: str | int, group: Mapping[str, str], known_by: str
) -> Object:
    name = f"{server}-{digest(known_by)[:_MARK]}"
    return {
        "apiVersion": settings.kubernetes.target_group_binding,
        "kind": KIND,
        "metadata": {"name": name, "namespace": settings.kubernetes.namespace, "labels": dict(labels)},
        "spec": {
            **group,
            "targetType": "ip",
            "serviceRef": {"name": server, "port": port},
            "multiClusterTargetGroup": True,  # hosts have targets in the same group
        },
    }
