# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many pods a server has, how they are replaced, and how many may be taken away at once."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.isolation import keeps_sessions
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload, cores

HPA_V2 = (1, 23)
PDB_V1 = (1, 21)
_CALM = 300
_DEADLINE = 600


def deployment(workload: Workload, template: Object, findings: Findings, *, alone: bool) -> Object:
    """Returns the Deployment of a server; ``alone``: two pods of it may not be there at once.

    Where the number of pods follows the load it names none: whoever scales them writes it.
    """
    _check(workload, findings)
    fixed = {} if autoscaler(workload) else {"replicas": workload.spec.replicas if workload.spec.runs else 0}
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}
    return workload.object(
        "apps/v1",
        "Deployment",
        spec={
            **fixed,
            "revisionHistoryLimit": 3,
            "progressDeadlineSeconds": _DEADLINE,
            "selector": {"matchLabels": workload.selector},
            "strategy": {"type": "Recreate"} if alone else rolling,
            "template": template,
        },
    )


def autoscaler(workload: Workload) -> list[Object]:
    """Returns the HorizontalPodAutoscaler of a server, none where its number of pods is fixed or nothing is to run.

    The target is a share of what a pod may use, not of what is reserved for it.
    """
    asked = workload.spec.autoscaling
    if not asked or not workload.spec.runs:
        return []
    average = cores(workload.spec.cpus * asked["cpu"] / 100)
    metric = {"name": "cpu", "target": {"type": "AverageValue", "averageValue": average}}
    version = "v2" if workload.cluster.version_number >= HPA_V2 else "v2beta2"
    spec = {
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": workload.name},
        "minReplicas": workload.spec.replicas,
        "maxReplicas": asked["max"],
        "metrics": [{"type": "Resource", "resource": metric}],
        "behavior": {"scaleDown": {"stabilizationWindowSeconds": _CALM}},
    }
    return [workload.object(f"autoscaling/{version}", "HorizontalPodAutoscaler", spec=spec)]


def disruption_budget(workload: Workload) -> list[Object]:
    """Returns the PodDisruptionBudget of a server that may have several pods; one alone would keep its node from being
    drained."""
    if workload.most_replicas < 2:
        return []
    version = "v1" if workload.cluster.version_number >= PDB_V1 else "v1beta1"
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": workload.selector}}
    return [workload.object(f"policy/{version}", "PodDisruptionBudget", spec=spec)]


def _check(workload: Workload, findings: Findings) -> None:
    spec = workload.spec
    if workload.most_replicas < 2:
        return
    if keeps_sessions(spec):
        findings.error(
            "orchestrator.replicas",
            f"'{workload.most_replicas}' pods cannot serve it: with isolation per_session a client's session is in one"
            " of them, and nothing leads the client there; write isolation pooled or shared, or replicas 1",
        )
    elif spec.transport == "sse":
        findings.error(
            "orchestrator.replicas",
            f"'{workload.most_replicas}' pods cannot serve it: an sse client's messages have to come to the pod that"
            " has its stream; write replicas 1",
        )
    elif spec.transport == "http":
        findings.note("orchestrator.replicas", "works where the server keeps no session, or clients keep cookies")
