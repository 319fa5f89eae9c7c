# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server's new pods are verified by before they take over: one pod like them, to which nobody is led. Pure.

It belongs to a Deployment of its own, which is planned away like all that is no longer desired: so what a killed run
leaves goes with the next one. Its pod has the labels of the server's pods but the one by which the Service and the
Deployment choose theirs.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import host_header
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import (
    DEPLOYMENT,
    EXTERNAL_SECRET,
    NETWORK_POLICY,
    SECRET,
    SERVICE_ACCOUNT,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import VERIFIES
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import Action
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.probes import STOP_SECONDS
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.rollout import template_digest
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload

_ENDING = ".verify"  # a dot is in no name of a server's objects
_OF_A_POD = frozenset(each.kind for each in (SERVICE_ACCOUNT, SECRET, EXTERNAL_SECRET))
# What a pod has for the sake of clients and of its siblings.
_FOR_CLIENTS = ("topologySpreadConstraints",)


@dataclass(frozen=True)
class Question:
    """Where a pod of a server speaks MCP: at ``port``, below ``path``. ``transport`` is http or sse; ``host_header`` is
    what it gets as Host, None for what its client sends."""

    port: int
    path: str
    transport: str
    host_header: str | None

    @classmethod
    def of(cls, workload: Workload) -> Question:
        """Returns how the pods of a server are asked."""
        spec, port = workload.spec, workload.port or 1
        url = Endpoint.of(spec, "", port, None, "running").url or ""
        transport = "sse" if spec.transport == "sse" else "http"
        return cls(port, url.removeprefix(f"http://:{port}"), transport, host_header(spec, workload.image))


def verification_objects(deployment: Object, policy: Object) -> list[Object]:
    """Returns the NetworkPolicy and the Deployment of one pod as ``deployment`` makes them, in the order in which they
    are to be made. It may connect where the server may by ``policy``, and nobody to it."""
    name = f"{deployment['metadata']['name']}{_ENDING}"
    mark = {VERIFIES: template_digest(deployment)}
    selected = {**policy["spec"]["podSelector"]["matchLabels"], **mark}
    selected.pop(labels.SERVICE)
    template = json.loads(json.dumps(deployment["spec"]["template"]))
    template["metadata"]["labels"].pop(labels.SERVICE)
    template["metadata"]["labels"] |= mark
    pod = {key: value for key, value in template["spec"].items() if key not in _FOR_CLIENTS}
    pod["terminationGracePeriodSeconds"] = STOP_SECONDS
    for container in pod["containers"]:
        container.pop("lifecycle", None)
    walls = {key: value for key, value in policy["spec"].items() if key != "ingress"}
    return [
        _renamed(policy, name, mark, {**walls, "podSelector": {"matchLabels": selected}}),
        _renamed(
            deployment,
            name,
            mark,
            {
                "replicas": 1,
                "revisionHistoryLimit": 0,
                "progressDeadlineSeconds": deployment["spec"]["progressDeadlineSeconds"],
                "selector": {"matchLabels": selected},
                "template": {**template, "spec": pod},
            },
        ),
    ]


def is_of_verification(each: Object) -> bool:
    """Returns whether an object of the fleet was made for a verification."""
    return each["kind"] in (DEPLOYMENT.kind, NETWORK_POLICY.kind) and VERIFIES in (each["metadata"].get("labels") or {})


def precedes(action: Action) -> bool:
    """Returns whether something is done before new pods are verified: what they need, and what harms no old pod.

    What is applied to the other objects is meant for the new pods, such as another port in the NetworkPolicy.
    """
    if action.verb == "remove":
        return is_of_verification(action.object)
    return action.verb == "create" or action.object["kind"] in _OF_A_POD


def goes_first(objects: Sequence[Object]) -> bool:
    """Returns whether the old pod of a server ends before its new one begins: none can be verified beside it."""
    return any(each["kind"] == DEPLOYMENT.kind and each["spec"]["strategy"]["type"] == "Recreate" for each in objects)


def _renamed(each: Object, name: str, mark: Object, spec: Object) -> Object:
    metadata = {key: each["metadata"][key] for key in ("namespace", "labels")}
    metadata = {"name": name, **metadata, "labels": {**metadata["labels"], **mark}}
    return {"apiVersion": each["apiVersion"], "kind": each["kind"], "metadata": metadata, "spec": spec}
