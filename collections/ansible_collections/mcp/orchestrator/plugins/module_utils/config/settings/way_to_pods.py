# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of the settings keeps requests from the pods of a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings

_INGRESS_HOST = re.compile(r"(\*\.)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def way_to_pods_errors(settings: Settings) -> Iterator[tuple[str, str]]:
    """Yields what of the settings keeps requests from all pods: the key, and why with the way out."""
    cluster, aws, routes = settings.kubernetes, settings.aws, settings.routes
    if not cluster.router_networks and not cluster.router_namespace:
        where = "the networks of the load balancer's subnets" if aws.is_named else "the Ingress controller's networks"
        yield (
            "[kubernetes] router_networks",
            f"is empty, as router_namespace is, so that nobody could reach a pod; write {where}, or in router_namespace"
            " the namespace of the Ingress controller",
        )
    if routes.topology != "direct" and (aws.is_named or settings.service.runtime == "kubernetes"):
        yield "[routes] topology", f"'{routes.topology}' has no target group for each server; write direct"
    if aws.is_named:
        if not aws.listener_arn:
            yield "[aws] listener_arn", "is needed for the names of the target groups; write it in place of alb_name"
        if aws.target_type != "ip":
            yield "[aws] target_type", "'instance' cannot have pods as targets; write ip"
        return
    for host in routes.host_header:
        if not _INGRESS_HOST.fullmatch(host):
            yield (
                "[routes] host_header",
                f"'{host}' cannot be the host of an Ingress; write a name, or *. and the rest of one",
            )
    if routes.source_ip:
        yield (
            "[routes] source_ip",
            "cannot be said in an Ingress; leave it out, and write the annotation of your controller into"
            " [ingress_annotations]",
        )
