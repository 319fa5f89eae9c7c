"""A pod as its kubelet tells of it, and what has happened to it between two looks. Pure.

https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from watcher.engine.model import FLEET_LABEL, SERVER_LABEL, Container

from .objects import Object, server_of

CONTAINER, BRIDGE = "server", "bridge"
OUT_OF_MEMORY = "OOMKilled"
_GENERATION, _BRIDGE_LABEL = "mcp_generation", "mcp_bridge"
_PULLS = frozenset({"ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError"})
_COMING = frozenset({"", "PodInitializing", "ContainerCreating"})
_LOOPS = "CrashLoopBackOff"
_LONGEST = 1000
_QUANTITY = re.compile(r"([0-9.]+(?:[eE][+-]?[0-9]+)?)(n|u|m|k|K|M|G|T|P|E|Ki|Mi|Gi|Ti|Pi|Ei|)")
_UNITS = {"n": 1e-9, "u": 1e-6, "m": 1e-3, "": 1.0, "k": 1e3, "K": 1e3}
_UNITS |= {unit: 1000.0**power for power, unit in enumerate("MGTPE", 2)}
_UNITS |= {f"{unit}i": 1024.0**power for power, unit in enumerate("KMGTPE", 1)}


@dataclass(frozen=True, slots=True)
class Pod:
    """``id`` is its uid without dashes. ``waiting`` and ``ended`` are why its container does not run, and how it ended
    last, for people; ``reason`` is a word of Kubernetes, also that of the whole pod, as ``Evicted``. The limits: cores
    and bytes, None without one."""

    id: str
    name: str
    server: str
    generation: str
    node: str
    is_running: bool
    is_ready: bool
    leaves: bool
    restarts: int
    reason: str
    message: str
    exit_code: int | None
    end: str
    is_bridged: bool
    cpu_limit: float | None
    memory_limit: int | None

    @property
    def state(self) -> str:
        """How it is, for people."""
        if self.leaves:
            return "ends"
        if self.is_running:
            return "ready" if self.is_ready else "runs, and is not ready"
        if self.reason in _COMING:
            return "is about to start"
        return f"{self.reason}: {self.message}" if self.message else self.reason

    @property
    def container(self) -> Container:
        """What stands for it among the containers of a host."""
        labels = {FLEET_LABEL: "", SERVER_LABEL: self.server, _GENERATION: self.generation}
        if self.is_bridged:
            labels[_BRIDGE_LABEL] = "yes"
        state, health = ("running" if self.is_running else "exited"), ("healthy" if self.is_ready else "")
        return Container(self.id, self.name, state, health, labels, frozenset())


@dataclass(frozen=True, slots=True)
class Happening:
    """``event`` is one word for programs, ``text`` a sentence for people."""

    event: str
    text: str
    details: Mapping[str, Any]


def pod_of(each: Object) -> Pod:
    """Returns what is to be known of a pod."""
    metadata, spec, status = each["metadata"], each.get("spec") or {}, each.get("status") or {}
    own = _named(status.get("containerStatuses"), CONTAINER)
    first: Mapping[str, Any] = next((one for one in status.get("initContainerStatuses") or () if _is_stuck(one)), {})
    state, last = own.get("state") or {}, (own.get("lastState") or {}).get("terminated") or {}
    ended = state.get("terminated") or last
    waiting = (first.get("state") or {}).get("waiting") or state.get("waiting") or {}
    reason, message = str(waiting.get("reason") or ""), str(waiting.get("message") or "")
    if state.get("terminated"):
        reason, message = str(ended.get("reason") or "Error"), f"exit code {ended.get('exitCode')}"
    if status.get("reason"):
        reason, message = str(status["reason"]), str(status.get("message") or "")
    elif not spec.get("nodeName"):
        placed = _named(status.get("conditions"), "PodScheduled", "type")
        reason, message = str(placed.get("reason") or ""), str(placed.get("message") or "")
    limits = (_named(spec.get("containers"), CONTAINER).get("resources") or {}).get("limits") or {}
    memory = quantity(limits.get("memory"))
    return Pod(
        id=str(metadata["uid"]).replace("-", ""),
        name=str(metadata["name"]),
        server=server_of(metadata),
        generation=str((metadata.get("annotations") or {}).get(_GENERATION, "")),
        node=str(spec.get("nodeName") or ""),
        is_running="running" in state and not status.get("reason"),
        is_ready=bool(own.get("ready")),
        leaves=bool(metadata.get("deletionTimestamp")),
        restarts=int(own.get("restartCount") or 0),
        reason=reason,
        message=message[:_LONGEST],
        exit_code=int(ended["exitCode"]) if "exitCode" in ended else None,
        end=str(ended.get("reason") or ""),
        is_bridged=bool(_named(spec.get("initContainers"), BRIDGE)),
        cpu_limit=quantity(limits.get("cpu")),
        memory_limit=None if memory is None else int(memory),
    )


def happened(before: Pod | None, now: Pod) -> Iterator[Happening]:
    """Yields what has happened to a pod that is not on its way out; ``before`` is None where it is new."""
    if now.leaves:
        return
    details: dict[str, Any] = {"pod": now.name, **({"node": now.node} if now.node else {})}
    if now.restarts > (before.restarts if before is not None else 0):
        how = f" ({now.end})" if now.end else ""
        code = "" if now.exit_code is None else f" with exit code {now.exit_code}"
        more = {"restarts": now.restarts, "exit_code": now.exit_code, "reason": now.end}
        text = f"pod {now.name}: its container ended{code}{how} and is started again: restart {now.restarts}"
        yield Happening("restarted", text, {**details, **more})
    event = _event(now)
    if event and (before is None or _event(before) != event):
        said = f"{now.reason}: {now.message}" if now.message else now.reason
        yield Happening(event, f"pod {now.name}: {said}", {**details, "reason": now.reason})


def quantity(text: Any) -> float | None:
    """Returns a quantity of Kubernetes, such as 250m or 64Mi, as a number; None where it is none.

    https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/
    """
    found = _QUANTITY.fullmatch(str(text))
    if found is None:
        return None
    try:
        number = float(found[1]) * _UNITS[found[2]]
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def _event(pod: Pod) -> str:
    """One word for why it does not serve, empty where it comes up or ended in its own way."""
    if pod.is_running or pod.reason in _COMING:
        return ""
    if pod.reason in _PULLS:
        return "image_not_pulled"
    return {
        _LOOPS: "crash_loop",
        "Evicted": "evicted",
        "Preempting": "evicted",
        "Unschedulable": "unschedulable",
        "Completed": "",
        "Error": "",
        OUT_OF_MEMORY: "",
    }.get(pod.reason, "not_started")


def _named(every: Any, name: str, key: str = "name") -> Mapping[str, Any]:
    return next((each for each in every or () if each.get(key) == name), {})


def _is_stuck(status: Mapping[str, Any]) -> bool:
    waiting = (status.get("state") or {}).get("waiting") or {}
    return str(waiting.get("reason") or "") not in _COMING
