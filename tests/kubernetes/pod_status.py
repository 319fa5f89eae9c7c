"""What a kubelet says of a pod, well or in a way that pods fail. Pure.

A fault is chosen by the pod's annotation ``fault``, or by the tag of an image of it: ``mcp/time:crash-loop``.
"""

from __future__ import annotations

from typing import Any

Object = dict[str, Any]
ANNOTATION = "fault"
UNSCHEDULABLE = "unschedulable"
EVICTED = "evicted"
NEVER_READY = "never-ready"
# What a container waits for: reason and message, as the kubelet words them.
WAITING = {
    "crash-loop": ("CrashLoopBackOff", "back-off 40s restarting failed container=server"),
    "image-pull-error": ("ImagePullBackOff", 'Back-off pulling image "{image}"'),
    "missing-secret": ("CreateContainerConfigError", 'secret "{secret}" not found'),
}
NOT_STARTED = ("image-pull-error", "missing-secret", "unschedulable", "evicted", None)
FAULTS = (*WAITING, UNSCHEDULABLE, EVICTED, NEVER_READY)
# The event that tells more of a fault than the status does: its reason and message.
EVENTS = {
    "crash-loop": ("BackOff", "Back-off restarting failed container"),
    "image-pull-error": (
        "Failed",
        'Failed to pull image "{image}": rpc error: code = NotFound desc = failed to resolve reference: not found',
    ),
    "missing-secret": ("Failed", 'Error: secret "{secret}" not found'),
    UNSCHEDULABLE: ("FailedScheduling", "0/3 nodes are available: 3 Insufficient memory."),
    EVICTED: ("Evicted", "The node was low on resource: memory."),
    NEVER_READY: ("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
}
LOGS = {
    "crash-loop": "the server starts\nerror: TOKEN is not set\n",
    NEVER_READY: "the server starts\nwaiting for its database\n",
}
_NOT_READY = {"reason": "ContainersNotReady", "message": "containers with unready status: [server]"}
GOOD_LOG = "the server starts\nthe server listens\n"


def fault_of(pod: Object) -> str:
    """Returns how a pod is to fail, empty where it is well."""
    chosen = (pod["metadata"].get("annotations") or {}).get(ANNOTATION)
    tags = [each["image"].rpartition(":")[2] for each in pod["spec"]["containers"]]
    return next((each for each in (chosen, *tags) if each in FAULTS), "")


def secrets_of(pod: Object) -> set[str]:
    """Returns the names of the Secrets without which no container of a pod starts."""
    found = set()
    for container in (*pod["spec"].get("initContainers", ()), *pod["spec"]["containers"]):
        for variable in container.get("env", ()):
            source = (variable.get("valueFrom") or {}).get("secretKeyRef")
            if source and not source.get("optional"):
                found.add(source["name"])
        for each in container.get("envFrom", ()):
            if each.get("secretRef") and not each["secretRef"].get("optional"):
                found.add(each["secretRef"]["name"])
    return found


def status(pod: Object, fault: str, now: str, address: str, *, secret: str = "") -> Object:
    """Returns the status of a pod that a node has.

    ``now`` is a time as Kubernetes writes it, ``secret`` the name of one that it lacks.
    """
    if fault == EVICTED:
        return {"phase": "Failed", "reason": "Evicted", "message": EVENTS[EVICTED][1], "startTime": now}
    is_well = fault == ""
    conditions = {"Initialized": True, "Ready": is_well, "ContainersReady": is_well, "PodScheduled": True}
    started = fault not in ("image-pull-error", "missing-secret")
    return {
        "phase": "Running" if started else "Pending",
        "hostIP": "127.0.0.1",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": now,
        "conditions": [
            {"type": kind, "status": str(holds), "lastTransitionTime": now, **({} if holds else _NOT_READY)}
            for kind, holds in conditions.items()
        ],
        "initContainerStatuses": [_completed(each, now) for each in pod["spec"].get("initContainers", ())],
        "containerStatuses": [_container(each, fault, now, secret) for each in pod["spec"]["containers"]],
    }


def restarted(status: Object, reason: str, code: int, restarts: int) -> Object:
    """Returns the status of a pod whose server has ended and runs again."""
    containers = []
    for each in status["containerStatuses"]:
        at = each["state"]["running"]["startedAt"]
        ended = {"exitCode": code, "reason": reason, "startedAt": at, "finishedAt": at}
        containers.append({**each, "restartCount": restarts, "lastState": {"terminated": ended}})
    return {**status, "containerStatuses": containers}


def unscheduled(now: str) -> Object:
    """Returns the status of a pod for which there is no node."""
    reason = {"reason": "Unschedulable", "message": EVENTS[UNSCHEDULABLE][1], "lastTransitionTime": now}
    return {"phase": "Pending", "conditions": [{"type": "PodScheduled", "status": "False", **reason}]}


def _container(container: Object, fault: str, now: str, secret: str) -> Object:
    common = {"name": container["name"], "image": container["image"], "imageID": "", "lastState": {}}
    if fault not in WAITING:
        state = {"running": {"startedAt": now}}
        return {**common, "ready": fault == "", "started": True, "restartCount": 0, "state": state}
    reason, message = WAITING[fault]
    said = message.format(image=container["image"], secret=secret)
    waiting = {"waiting": {"reason": reason, "message": said}}
    if fault != "crash-loop":
        return {**common, "ready": False, "started": False, "restartCount": 0, "state": waiting}
    ended = {"exitCode": 1, "reason": "Error", "startedAt": now, "finishedAt": now}
    last = {"lastState": {"terminated": ended}}
    return {**common, **last, "ready": False, "started": False, "restartCount": 3, "state": waiting}


def _completed(container: Object, now: str) -> Object:
    ended = {"exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now}
    common = {"name": container["name"], "image": container["image"], "imageID": "", "lastState": {}}
    return {**common, "ready": True, "restartCount": 0, "state": {"terminated": ended}}
