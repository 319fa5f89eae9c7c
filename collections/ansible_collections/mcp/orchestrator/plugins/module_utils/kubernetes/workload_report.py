# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run on a cluster reports: for people, for the routes and for the state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import host_header
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Image
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.converge import Outcome
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.difference import GONE
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import object_name
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import Action
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.pod import CONTAINER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.rollout import generation_of, rollout_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.secret_values import masked
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.text import document
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

_MOST_REASONS = 5


def actions_of(outcome: Outcome, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """Returns what was done to each server, an entry for each verb. ``names`` are the servers by label."""
    by_server: dict[tuple[str, str], list[Action]] = {}
    for action in outcome.actions:
        by_server.setdefault((names.get(action.server, action.server), action.verb), []).append(action)
    made = [
        {
            "server": server or None,
            "action": verb,
            "reason": _reason(actions),
            "objects": [f"{each.key[1]} {each.key[2]}" for each in actions],
        }
        for (server, verb), actions in by_server.items()
    ]
    return made + [
        {
            "server": server,
            "action": "roll_back",
            "reason": f"its new pods failed, and generation {generation} served before",
            "objects": [],
        }
        for server, generation in outcome.rollbacks.items()
    ]


def diffs_of(actions: Iterable[Action]) -> list[dict[str, str]]:
    """Returns each object that is changed, before and after: whole where it comes or goes, else the fields."""
    return [_diff(each) for each in actions]


def endpoints_of(
    specs: Sequence[Spec], images: Mapping[str, Image], outcome: Outcome, fleet: str, namespace: str
) -> list[dict[str, Any]]:
    """Returns where each of these servers is, as mcp_container does, with ``workload``: what runs it. ``images`` are
    what their images bring, by reference."""
    result = []
    for spec in specs:
        name = object_name(fleet, spec.name)
        there = outcome.deployments.get(name)
        told = Endpoint.of(spec, "", None, None, _state(spec, there, outcome)).to_dict()
        generation = generation_of(there) if there else spec.generation
        host = host_header(spec, images.get(spec.image))
        more = {"generation": generation, "host_header": host, "workload": _workload(there, spec, name, namespace)}
        result.append({**told, **more})
    return result


def routes_of(endpoints: Sequence[Mapping[str, Any]], public_url: str) -> list[dict[str, Any]]:
    """Returns where clients speak MCP with each server behind an Ingress, as mcp_route does; nothing where nobody has
    said where that is."""
    if not public_url:
        return []
    return [
        {
            "name": each["name"],
            "path": each["path"],
            "url": f"{public_url}{each['path']}",
            "mcp_url": f"{public_url}{each['path']}{each['mcp_path']}",
        }
        for each in endpoints
    ]


def probes_of(endpoints: Sequence[Mapping[str, Any]], routes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Returns where each of them is asked whether it answers; one that is stopped is meant not to."""
    stopped = {each["name"] for each in endpoints if each["state"] == "stopped"}
    return [{"name": each["name"], "url": each["mcp_url"]} for each in routes if each["name"] not in stopped]


def readiness_of(endpoints: Sequence[Mapping[str, Any]], now: datetime) -> list[dict[str, Any]]:
    """Returns a report, in the form of a probe's, of each server with a ready pod: its kubelet asks it all the time."""
    return [
        {
            "name": each["name"],
            "state": "ok",
            "checked": now.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "reason": "its pods are ready; nobody has asked them for their tools",
        }
        for each in endpoints
        if each["state"] == "running"
    ]


def _state(spec: Spec, deployment: Object | None, outcome: Outcome) -> str:
    if deployment is None:
        planned = any(each.verb == "create" for each in outcome.planned.actions)
        return "failed" if spec.name in outcome.errors or not planned else "planned"
    if spec.stopped is not None:
        return "stopped"
    return "running" if rollout_of(deployment).ready else "failed"


def _workload(deployment: Object | None, spec: Spec, name: str, namespace: str) -> dict[str, Any]:
    """The Deployment, also where it is still to come: who routes has to know that pods serve the server."""
    rollout = None if deployment is None else rollout_of(deployment)
    containers = () if deployment is None else deployment["spec"]["template"]["spec"].get("containers") or ()
    return {
        "kind": "Deployment",
        "name": name,
        "namespace": namespace,
        "image": next((each.get("image") for each in containers if each.get("name") == CONTAINER), None),
        "desired": spec.replicas if rollout is None else rollout.desired,
        "ready": 0 if rollout is None else rollout.ready,
        "logs": f"kubectl -n {namespace} logs deployment/{name}",
    }


def _reason(actions: Sequence[Action]) -> str:
    if actions[0].verb == "create":
        return f"{', '.join(each.key[1] for each in actions)} {'is' if len(actions) == 1 else 'are'} missing"
    # What only goes is said last: after a rollback that are the defaults which came with the former template.
    told = sorted((reason for each in actions for reason in each.reasons), key=lambda each: each.endswith(GONE))
    more = len(told) - _MOST_REASONS
    return "; ".join([*told[:_MOST_REASONS], *([f"and {more} more"] if more > 0 else [])])


def _diff(action: Action) -> dict[str, str]:
    name = f"{action.key[1]} {action.key[2]}"
    if action.verb == "create":
        before, after = "", document([], [masked(action.object)])
    elif action.verb == "remove":
        before, after = f"{name}\n", ""
    else:
        told = [each.removeprefix(f"{name}: ") for each in action.reasons]
        before, after = "", "".join(f"{each}\n" for each in told)
    return {"before_header": name, "after_header": name, "before": before, "after": after}
