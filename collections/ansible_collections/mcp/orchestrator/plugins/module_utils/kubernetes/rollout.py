# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How far a Deployment has come, why a pod does not get ready, and which template served before.

What the fields of a Deployment's status mean is told in
https://kubernetes.io/docs/concepts/workloads/controllers/deployment/#deployment-status.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import names
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.pod import CONTAINER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

HOPELESS = frozenset(
    {"CrashLoopBackOff", "CreateContainerError", "ErrImageNeverPull", "ImageInspectError", "ImagePullBackOff"}
    | {"InvalidImageName", "RunContainerError"}
)
"""What a container waits for that hardly gets better by waiting. CreateContainerConfigError is none: a Secret that
External Secrets makes comes a little later."""
_REVISION = "deployment.kubernetes.io/revision"
_HASH = "pod-template-hash"


@dataclass(frozen=True)
class Rollout:
    """``desired`` pods of which ``ready`` answer, ``updated`` ones are as the template has them now; ``failure`` is why
    the controller has given up, empty where it has not; ``since`` is when something last went on, or pods were lost, in
    seconds since the epoch, 0 where that is not known and None where the controller has not seen yet what is desired.
    ``has_served`` is whether all pods of this template were ready once."""

    desired: int
    ready: int
    updated: int
    complete: bool
    failure: str = ""
    since: float | None = 0.0
    has_served: bool = False


@dataclass(frozen=True)
class Trouble:
    """Why a pod is not ready. ``reason`` is a word of Kubernetes; ``restarts`` is how often its container ended."""

    pod: str
    container: str
    reason: str
    message: str
    restarts: int = 0

    @property
    def is_hopeless(self) -> bool:
        """Whether waiting hardly helps."""
        return self.reason in HOPELESS

    def __str__(self) -> str:
        """For people."""
        told = f"pod {self.pod}: {self.reason}"
        told += f" ({self.message})" if self.message else ""
        return f"{told}, {self.restarts} restart{'' if self.restarts == 1 else 's'}" if self.restarts else told


def rollout_of(deployment: Object) -> Rollout:
    """Returns how far a Deployment has come."""
    status = deployment.get("status") or {}
    desired = int(deployment["spec"].get("replicas", 1))
    total, updated, ready, available = (
        int(status.get(key) or 0) for key in ("replicas", "updatedReplicas", "readyReplicas", "availableReplicas")
    )
    is_seen = int(status.get("observedGeneration") or 0) >= int(deployment["metadata"].get("generation") or 0)
    complete = is_seen and updated >= desired and total <= updated and available >= desired
    failure, since, has_served = "", 0.0, False
    for each in status.get("conditions") or ():
        if each.get("type") == "Progressing":
            since = max(since, seconds(each.get("lastUpdateTime")))
            has_served = is_seen and each.get("reason") == "NewReplicaSetAvailable"
            if is_seen and each.get("reason") == "ProgressDeadlineExceeded":
                failure = str(each.get("message") or "it makes no progress")
        if each.get("type") == "Available" and each.get("status") == "False":
            since = max(since, seconds(each.get("lastTransitionTime")))
        if is_seen and each.get("type") == "ReplicaFailure" and each.get("status") == "True" and not complete:
            failure = f"{each.get('reason')}: {each.get('message')}"
    return Rollout(desired, ready, updated, complete, failure, since if is_seen else None, has_served)


def trouble_of(pods: Iterable[Object]) -> Trouble | None:
    """Returns why pods of a server are not ready, by the newest of them that says something; None where none does."""
    waiting = [each for each in pods if not is_ready(each) and not each["metadata"].get("deletionTimestamp")]
    waiting.sort(key=lambda each: str(each["metadata"].get("creationTimestamp", "")), reverse=True)
    found = [trouble for each in waiting for trouble in _troubles(each)]
    return next((each for each in found if each.is_hopeless), found[0] if found else None)


def is_ready(pod: Object) -> bool:
    """Returns whether a pod answers."""
    conditions = (pod.get("status") or {}).get("conditions") or ()
    return any(each.get("type") == "Ready" and each.get("status") == "True" for each in conditions)


def template_digest(deployment: Object) -> str:
    """Returns by what a desired template is known among others."""
    return names.digest(json.dumps(deployment["spec"]["template"], sort_keys=True, separators=(",", ":")))


def generation_of(deployment: Object) -> str:
    """Returns the generation of which a Deployment's template is."""
    annotations = deployment["spec"]["template"].get("metadata", {}).get("annotations") or {}
    return str(annotations.get(names.GENERATION, ""))


def last_good(deployment: Object, replica_sets: Sequence[Object]) -> Object | None:
    """Returns the template that served before the one that a Deployment has now, None where there is none.

    It is the newest with ready pods; without one, where the former pods have to go first, the one before the newest.
    """
    uid = deployment["metadata"].get("uid")
    own = [
        each
        for each in replica_sets
        if any(ref.get("uid") == uid for ref in each["metadata"].get("ownerReferences") or ())
    ]
    newest = (deployment["metadata"].get("annotations") or {}).get(_REVISION)
    former = sorted((each for each in own if _revision(each) != _number(newest)), key=_revision, reverse=True)
    serving = [each for each in former if int((each.get("status") or {}).get("readyReplicas") or 0) > 0]
    goes_first = (deployment["spec"].get("strategy") or {}).get("type") == "Recreate"
    chosen = next(iter([*serving, *(former if goes_first else ())]), None)
    if chosen is None:
        return None
    template: Object = json.loads(json.dumps(chosen["spec"]["template"]))
    template["metadata"].get("labels", {}).pop(_HASH, None)
    template["metadata"].pop("creationTimestamp", None)
    return template


def seconds(moment: Any) -> float:
    """Returns a time of Kubernetes, which is RFC 3339, as seconds since the epoch; 0 where it is none."""
    try:
        return datetime.fromisoformat(str(moment)).timestamp()
    except ValueError:
        return 0.0


def _troubles(pod: Object) -> Iterable[Trouble]:
    name, status = str(pod["metadata"]["name"]), pod.get("status") or {}
    for each in (*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())):
        state, restarts = each.get("state") or {}, int(each.get("restartCount") or 0)
        ended = state.get("terminated") or (each.get("lastState") or {}).get("terminated") or {}
        code = f"exit code {ended['exitCode']}" if ended.get("exitCode") else ""
        waiting = state.get("waiting") or {}
        if waiting.get("reason") not in (None, "PodInitializing", "ContainerCreating"):
            message = ", ".join(filter(None, (str(waiting.get("message") or ""), code)))
            yield Trouble(name, str(each["name"]), str(waiting["reason"]), message, restarts)
        elif code:
            yield Trouble(name, str(each["name"]), str(ended.get("reason") or "Error"), code, restarts)
        elif "running" in state and not each.get("ready"):
            yield Trouble(name, str(each["name"]), "NotReady", "it runs and does not answer its probe", restarts)
    if status.get("reason"):
        yield Trouble(name, CONTAINER, str(status["reason"]), str(status.get("message") or ""))
    for each in status.get("conditions") or ():
        if each.get("type") == "PodScheduled" and each.get("status") == "False":
            yield Trouble(name, CONTAINER, str(each.get("reason") or "Unschedulable"), str(each.get("message") or ""))


def _revision(replica_set: Object) -> int:
    return _number((replica_set["metadata"].get("annotations") or {}).get(_REVISION))


def _number(text: Any) -> int:
    return int(text) if str(text or "").isdecimal() else 0
