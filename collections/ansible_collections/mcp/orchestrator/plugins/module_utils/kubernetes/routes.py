# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How requests come to a server's pods: a Service, and what leads to it.

With a listener of AWS the fleet's rules and target groups stay as they are, and a TargetGroupBinding registers the pods
(https://kubernetes-sigs.github.io/aws-load-balancer-controller/latest/guide/targetgroupbinding/targetgroupbinding/); a
run makes it when there is the target group. Otherwise an Ingress has the same paths.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import host_header
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.target_group_binding import (
    PORT_NAME,
    TAKES_NAMES,
    named_binding,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload

OPEN = "none"


def service(workload: Workload) -> Object:
    """Returns the Service of a server, on the port on which its container listens."""
    port = {"name": PORT_NAME, "port": workload.port or 1, "targetPort": "http", "protocol": "TCP"}
    return workload.object("v1", "Service", spec={"selector": workload.selector, "ports": [port]})


def route(workload: Workload, findings: Findings) -> list[Object]:
    """Returns the Ingress of a server, or for files its TargetGroupBinding."""
    if not workload.settings.aws.is_named:
        return [_ingress(workload, findings)]
    if not workload.is_for_files:
        return []
    if workload.cluster.target_group_binding != TAKES_NAMES:
        findings.error(
            "[kubernetes] target_group_binding",
            f"{workload.cluster.target_group_binding} takes a target group by its ARN alone, which only a run knows;"
            " let runs keep the cluster (runtime = kubernetes), or install the AWS Load Balancer Controller and write"
            f" {TAKES_NAMES}",
        )
    return [named_binding(workload)]


def _ingress(workload: Workload, findings: Findings) -> Object:
    spec, settings = workload.spec, workload.settings
    auth = spec.auth or settings.routes.auth
    if auth != OPEN:
        findings.error("orchestrator.auth", f"'{auth}' is a load balancer's of AWS; an Ingress lets everybody pass")
    if spec.conditions:
        findings.error("orchestrator.conditions", "cannot be said in an Ingress; remove them")
    annotations = dict(settings.ingress_annotations)
    path, path_type = spec.path, "Prefix"
    if spec.strip_prefix:
        annotations |= settings.ingress_strip_annotations
        if not settings.ingress_strip_annotations:
            findings.error(
                "orchestrator.strip_prefix",
                f"an Ingress has no way to remove {spec.path} from paths; write what your controller wants for that"
                " into [ingress_strip_annotations] of settings.conf, or false where the server knows its prefix",
            )
        if workload.cluster.ingress_strip_path:
            path, path_type = workload.cluster.ingress_strip_path.replace("{path}", spec.path), "ImplementationSpecific"
    made = workload.object("networking.k8s.io/v1", "Ingress", spec={})
    filled = _filled(annotations, spec.path, host_header(spec, workload.image))
    if filled:
        made["metadata"].setdefault("annotations", {}).update(filled)
    backend = {"service": {"name": workload.name, "port": {"name": PORT_NAME}}}
    rule = {"http": {"paths": [{"path": path, "pathType": path_type, "backend": backend}]}}
    hosts = settings.routes.host_header
    made["spec"] = {
        **({"ingressClassName": workload.cluster.ingress_class} if workload.cluster.ingress_class else {}),
        "rules": [{"host": host, **rule} for host in hosts] or [rule],
    }
    return made


def _filled(annotations: Mapping[str, str], path: str, host: str | None) -> dict[str, str]:
    return {
        name: text.replace("{path}", path).replace("{host}", host or "")
        for name, text in sorted(annotations.items())
        if host is not None or "{host}" not in text
    }
