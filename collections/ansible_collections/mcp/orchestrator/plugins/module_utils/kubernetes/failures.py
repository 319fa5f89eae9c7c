# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What of a server has failed on Kubernetes, and when it is worth another try: an annotation of its Deployment.

It belongs to a field manager of its own, so that an apply of the Deployment leaves it.
"""

from __future__ import annotations

import json

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.failure import Failure
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster import Cluster
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import DEPLOYMENT
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

ANNOTATION = "mcp_failures"
MANAGER = "mcp-orchestrator-failures"


def remembers(deployment: Object) -> bool:
    """Returns whether a Deployment remembers any failure."""
    return ANNOTATION in (deployment["metadata"].get("annotations") or {})


def failure_of(deployment: Object, server: str) -> Failure:
    """Returns what a Deployment remembers; nothing where that cannot be read."""
    said = (deployment["metadata"].get("annotations") or {}).get(ANNOTATION)
    try:
        found = json.loads(said or "{}")
        return Failure(server, str(found.get("attempt", "")), int(found.get("count", 0)), float(found.get("at", 0)))
    except (AttributeError, TypeError, ValueError):
        return Failure(server, "")


def remember(cluster: Cluster, deployment: Object, failure: Failure) -> None:
    """Writes a failure down. Raises ClusterError."""
    text = json.dumps({"attempt": failure.attempt, "count": failure.count, "at": int(failure.at)})
    _annotate(cluster, deployment, {ANNOTATION: text})


def forget(cluster: Cluster, deployment: Object) -> None:
    """Removes what is remembered. Raises ClusterError."""
    _annotate(cluster, deployment, {})


def forgetting(cluster: Cluster, deployment: str) -> str:
    """Returns the command by which people do that."""
    return f"kubectl -n {cluster.namespace} annotate deployment/{deployment} {ANNOTATION}-"


def _annotate(cluster: Cluster, deployment: Object, annotations: dict[str, str]) -> None:
    # With its uid nothing is made where the Deployment is gone by now.
    metadata = {key: deployment["metadata"][key] for key in ("name", "namespace", "uid")}
    made = {
        "apiVersion": DEPLOYMENT.api_version,
        "kind": DEPLOYMENT.kind,
        "metadata": {**metadata, "annotations": annotations},
    }
    cluster.apply(DEPLOYMENT, made, MANAGER, force=True)
