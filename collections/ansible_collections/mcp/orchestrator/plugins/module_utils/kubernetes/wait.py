# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waits until the pods of all servers are as desired, and finds out what keeps those that do not get so."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster import CONNECTIONS, Cluster
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import DEPLOYMENT, EVENT, POD
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import VERIFIES
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.observe import selector_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import server_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.rollout import (
    Rollout,
    Trouble,
    rollout_of,
    trouble_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

PATIENCE = 10.0
"""Seconds for which a pod may be in a state that hardly gets better."""
EVENTS = 3
LOG_LINES = 5
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 2.0


@dataclass(frozen=True)
class Failed:
    """Why a server's pods are not as desired. ``trouble`` is the pod that says most, None where there is none."""

    reason: str
    trouble: Trouble | None = None


@dataclass
class Waited:
    """The Deployments as they are after waiting, by name, and those that failed."""

    deployments: dict[str, Object] = field(default_factory=dict)
    failed: dict[str, Failed] = field(default_factory=dict)


@dataclass(frozen=True)
class Clock:
    """``now`` is in seconds since the epoch."""

    now: Callable[[], float] = time.time
    pause: Callable[[float], object] = time.sleep


def wait(
    cluster: Cluster,
    fleet: str,
    known: Mapping[str, Object],
    begun: Sequence[str],
    timeout: float,
    clock: Clock,
) -> Waited:
    """Waits for the Deployments of ``known``, in one loop for all. Raises ClusterError.

    Those of ``begun`` have ``timeout`` seconds from now, as has what another run, which was killed, began a moment ago;
    others from when something last went on with them, so that what has been failing for long keeps nobody waiting.
    """
    start, pause = clock.now(), _FIRST_PAUSE
    result = Waited(dict(known))
    stuck: dict[str, float] = {}
    look_again = bool(begun)
    while True:
        if look_again:
            listed = cluster.objects(DEPLOYMENT, selector_of(fleet)) or ()
            result.deployments = {each["metadata"]["name"]: each for each in listed}
        pending = {
            name: rollout
            for name, each in result.deployments.items()
            if name in known and name not in result.failed and not (rollout := rollout_of(each)).complete
        }
        if not pending:
            return result
        pods = _pods_by_owner(cluster, fleet)
        for name, rollout in pending.items():
            trouble = trouble_of(pods.get(_owner(result.deployments[name]), ()))
            since = start if name in begun or rollout.since is None else rollout.since
            failed = _verdict(name, rollout, trouble, clock.now(), since + timeout, stuck)
            if failed is not None:
                result.failed[name] = failed
        if len(result.failed.keys() & pending.keys()) == len(pending):
            return result
        clock.pause(pause)
        pause, look_again = min(pause * 2, _LONGEST_PAUSE), True


def explain(cluster: Cluster, failed: Failed) -> str:
    """Returns why a server's pods are not as desired, with the last events and lines of the log; raises nothing."""
    told, trouble = [failed.reason], failed.trouble
    if trouble is None:
        return failed.reason
    try:
        events = cluster.objects(EVENT, fields=f"involvedObject.name={trouble.pod}") or []
        events.sort(key=lambda each: str(each.get("lastTimestamp") or each.get("eventTime") or ""))
        said = dict.fromkeys(f"{each.get('reason')}: {_line(each.get('message'))}" for each in events)
        told += [f"events: {' | '.join(list(said)[-EVENTS:])}"] if said else []
        lines = last_lines(cluster, trouble.pod, trouble.container, previous=bool(trouble.restarts))
        told += [f"log: {' | '.join(lines)}"] if lines else []
    except ClusterError as error:
        told.append(str(error))
    return "; ".join(told)


def explain_all(cluster: Cluster, failed: Mapping[str, Failed]) -> dict[str, str]:
    """Returns ``explain`` of several, by name."""
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        return dict(zip(failed, pool.map(lambda each: explain(cluster, each), failed.values()), strict=True))


def last_lines(cluster: Cluster, pod: str, container: str, *, previous: bool = False) -> list[str]:
    """Returns what a container wrote last, of its former process with ``previous``; raises nothing."""
    try:
        text = cluster.log(pod, container, LOG_LINES, previous=previous)
    except ClusterError:  # a container that never ran has none
        return []
    return [line for each in text.splitlines() if (line := _line(each))]


def _verdict(
    name: str, rollout: Rollout, trouble: Trouble | None, now: float, deadline: float, stuck: dict[str, float]
) -> Failed | None:
    """Why a server has failed, None where it may still come."""
    if rollout.failure or (trouble is not None and trouble.is_hopeless):
        is_long = now - stuck.setdefault(name, now) >= PATIENCE or now >= deadline
    else:
        stuck.pop(name, None)
        is_long = now >= deadline
    if not is_long:
        return None
    what = [str(trouble) if trouble is not None else "", rollout.failure]
    told = "; ".join(filter(None, what)) or "no pod got ready in time"
    return Failed(f"{rollout.ready} of {rollout.desired} pods are ready; {told}", trouble)


def _pods_by_owner(cluster: Cluster, fleet: str) -> dict[str, list[Object]]:
    found: dict[str, list[Object]] = {}
    for each in cluster.objects(POD, selector_of(fleet)) or ():
        found.setdefault(_owner(each), []).append(each)
    return found


def _owner(each: Object) -> str:
    """What a Deployment and its pods have in common: the server, or what is verified of it."""
    return str(each["metadata"]["labels"].get(VERIFIES) or server_of(each))


def _line(text: object) -> str:
    return " ".join(str(text or "").split())
