# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Verifies a pod of each server whose pods are to be replaced, before they are."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.verification import Verify
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster import CONNECTIONS, Cluster
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import (
    DEPLOYMENT,
    NETWORK_POLICY,
    POD,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import MANAGER, VERIFIES
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.pod import CONTAINER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.rollout import is_ready
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.verification_objects import (
    Question,
    verification_objects,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.wait import (
    Clock,
    explain_all,
    last_lines,
    wait,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

_KINDS = {kind.kind: kind for kind in (NETWORK_POLICY, DEPLOYMENT)}
_AFTER = "orchestrator.verify holds the rollout back until it passes"


@dataclass(frozen=True)
class Candidate:
    """A server by its name, and its Deployment and NetworkPolicy as they are desired."""

    server: str
    deployment: Object
    policy: Object
    question: Question

    @property
    def deployment_name(self) -> str:
        """The name of its Deployment."""
        return str(self.deployment["metadata"]["name"])


def verify_all(
    cluster: Cluster, fleet: str, candidates: Sequence[Candidate], verify: Verify, timeout: float, clock: Clock
) -> dict[str, str]:
    """Returns why servers have not passed, by the name of their Deployment; those that passed are not in it.

    The pods have ``timeout`` seconds to get ready, in one loop for all. Raises ClusterError.
    """
    made: list[Object] = []
    failed: dict[str, str] = {}

    def make(each: Candidate) -> Object | None:
        deployment = None
        try:
            for one in verification_objects(each.deployment, each.policy):
                deployment = cluster.apply(_KINDS[one["kind"]], one, MANAGER, force=False)
                made.append({**deployment, "kind": one["kind"]})
        except ClusterError as error:
            failed[each.deployment_name] = f"it cannot be verified: {error}; {_AFTER}"
            return None
        return deployment

    def ask(each: Candidate, deployment: Object) -> None:
        try:
            failure = _asked(cluster, fleet, each, deployment["metadata"]["labels"][VERIFIES], verify)
        except ClusterError as error:
            failure = f"it cannot be verified: {error}; {_AFTER}"
        if failure is not None:
            failed[each.deployment_name] = failure

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        try:
            started = {each["metadata"]["name"]: each for each in pool.map(make, candidates) if each is not None}
            owners = dict(
                zip(started, (each for each in candidates if each.deployment_name not in failed), strict=True)
            )
            waited = wait(cluster, fleet, started, list(started), timeout, clock)
            for name, reason in explain_all(cluster, waited.failed).items():
                failed[owners[name].deployment_name] = f"{reason}; {_AFTER}"
            ready = [(each, started[name]) for name, each in owners.items() if name not in waited.failed]
            list(pool.map(lambda pair: ask(*pair), ready))
        finally:
            list(pool.map(lambda each: _remove(cluster, each), reversed(made)))
    return failed


def _asked(cluster: Cluster, fleet: str, each: Candidate, mark: str, verify: Verify) -> str | None:
    """Why a server's pod does not pass, None where it does. Raises ClusterError."""
    pods = cluster.objects(POD, f"{labels.FLEET}={fleet},{VERIFIES}={mark}") or ()
    pod = next((one["metadata"]["name"] for one in pods if is_ready(one)), None)
    if pod is None:
        return f"it cannot be verified: its pod is gone; {_AFTER}"
    question = each.question
    with cluster.forward(pod, question.port) as forwarded:
        url = f"http://127.0.0.1:{forwarded.port}{question.path}"
        failure = verify(each.server, url, question.transport, question.host_header)
    if failure is None:
        return None
    lines = last_lines(cluster, pod, CONTAINER)
    return "; ".join(filter(None, [failure, forwarded.problem, f"log: {' | '.join(lines)}" if lines else ""]))


def _remove(cluster: Cluster, each: Object) -> None:
    # What stays here, the next run takes for what it is: no longer desired.
    with suppress(ClusterError):
        cluster.remove(_KINDS[each["kind"]], each["metadata"]["name"], str(each["metadata"].get("uid", "")))
