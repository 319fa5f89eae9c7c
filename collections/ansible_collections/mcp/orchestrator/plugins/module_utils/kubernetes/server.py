# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All objects of one server. Pure: the export writes them, and whoever applies them applies the same."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import is_label_key, is_label_value
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.network_policy import network_policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.pod import pod
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.routes import route, service
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.scaling import (
    autoscaler,
    deployment,
    disruption_budget,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.variables import external_secrets, secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload


def render(workload: Workload) -> tuple[list[Object], Findings]:
    """Returns the objects of a server, in the order in which they are to be made, and what there is to say.

    Where there are errors, the objects are not what the server needs.
    """
    findings = Findings()
    template, alone = pod(workload, findings)
    objects = [
        workload.object("v1", "ServiceAccount", automountServiceAccountToken=False),
        *secret(workload),
        *external_secrets(workload),
        network_policy(workload, findings),
        deployment(workload, template, findings, alone=alone),
        service(workload),
        *disruption_budget(workload),
        *autoscaler(workload),
        *route(workload, findings),
    ]
    _note_the_rest(workload, findings)
    return objects, findings


def _note_the_rest(workload: Workload, findings: Findings) -> None:
    """What the spec says and no object of Kubernetes can."""
    spec = workload.spec
    if spec.pids != workload.settings.defaults.pids:
        findings.note("pids", f"'{spec.pids}' has no effect: the kubelet has one limit for all pods (podPidsLimit)")
    if spec.restart not in (None, "always", "unless-stopped"):
        findings.note(
            "orchestrator.restart", f"'{spec.restart}' has no effect: a Deployment's pods are always restarted"
        )
    for key in ("hosts", "labels"):
        if (spec.placement or {}).get(key):
            findings.note(f"orchestrator.placement.{key}", "is for hosts, and has no effect on where pods run")
    if spec.requires:
        findings.error(
            "orchestrator.requires",
            "runs containers beside the server, which is not exported; have the cluster run them, let the server's env"
            " name them there, and leave requires out for the export",
        )
    for key, text in sorted(spec.labels.items()):
        if not is_label_key(key) or not is_label_value(text):
            findings.note(f"orchestrator.labels.{key}", "is left out: Kubernetes takes no label like it")
