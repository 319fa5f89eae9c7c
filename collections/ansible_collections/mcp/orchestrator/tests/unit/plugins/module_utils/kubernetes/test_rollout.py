# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Deployment and its pods say of themselves, as the API server has it."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.rollout import (
    last_good,
    rollout_of,
    seconds,
    trouble_of,
)


def deployment(desired: int = 2, **status: Any) -> dict[str, Any]:
    return {
        "metadata": {
            "name": "d",
            "uid": "u",
            "generation": 3,
            "annotations": {"deployment.kubernetes.io/revision": "3"},
        },
        "spec": {"replicas": desired, "strategy": {"type": "RollingUpdate"}},
        "status": {"observedGeneration": 3, **status},
    }


def counts(total: int, updated: int, ready: int) -> dict[str, int]:
    return {"replicas": total, "updatedReplicas": updated, "readyReplicas": ready, "availableReplicas": ready}


@pytest.mark.parametrize(
    ("status", "complete"),
    [
        (counts(2, 2, 2), True),
        (counts(3, 2, 3), False),  # an old one is still there
        (counts(2, 1, 2), False),
        (counts(2, 2, 1), False),
        ({**counts(2, 2, 2), "observedGeneration": 2}, False),  # of what was desired before
        ({}, False),
    ],
)
def test_a_rollout_is_complete_when_all_pods_are_new_and_ready(status: dict[str, Any], complete: bool) -> None:
    assert rollout_of(deployment(**status)).complete is complete


def test_a_server_that_is_to_have_no_pods_is_complete_without_any() -> None:
    assert rollout_of(deployment(0)).complete


@pytest.mark.parametrize(
    ("condition", "failure"),
    [
        (
            {"type": "Progressing", "reason": "ProgressDeadlineExceeded", "message": "it has timed out"},
            "it has timed out",
        ),
        ({"type": "Progressing", "reason": "ReplicaSetUpdated", "message": "it goes on"}, ""),
        (
            {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"},
            "FailedCreate: exceeded quota",
        ),
    ],
)
def test_why_a_controller_has_given_up_is_told(condition: dict[str, Any], failure: str) -> None:
    assert rollout_of(deployment(conditions=[condition])).failure == failure


def test_something_went_on_with_a_server_when_it_lost_pods() -> None:
    since = {"type": "Progressing", "lastUpdateTime": "2026-11-29T12:00:00Z", "reason": "NewReplicaSetAvailable"}
    lost = {"type": "Available", "status": "False", "lastTransitionTime": "2026-11-29T14:00:00Z"}
    assert rollout_of(deployment(conditions=[lost, since])).since == seconds("2026-11-29T14:00:00Z")
    assert rollout_of(deployment(conditions=[{**lost, "status": "True"}, since])).since == seconds(
        "2026-11-29T12:00:00Z"
    )


def pod(name: str, made: str = "2026-11-29T14:00:00Z", *, init: Any = None, server: Any = None, **status: Any) -> Any:
    containers = {"containerStatuses": [{"name": "server", "restartCount": 0, **server}]} if server else {}
    first = {"initContainerStatuses": [{"name": "bridge", "restartCount": 0, **init}]} if init else {}
    return {"metadata": {"name": name, "creationTimestamp": made}, "status": {**first, **containers, **status}}


READY = pod("ready", conditions=[{"type": "Ready", "status": "True"}])
CRASHING = {
    "restartCount": 4,
    "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
    "lastState": {"terminated": {"exitCode": 3, "reason": "Error"}},
}


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (pod("p", server=CRASHING), "pod p: CrashLoopBackOff (back-off, exit code 3), 4 restarts"),
        (pod("p", init={"state": {"waiting": {"reason": "ErrImagePull", "message": ""}}}), "pod p: ErrImagePull"),
        (
            pod("p", server={"state": {"running": {}}, "ready": False}),
            "pod p: NotReady (it runs and does not answer its probe)",
        ),
        (pod("p", reason="Evicted", message="low on memory"), "pod p: Evicted (low on memory)"),
        (
            pod(
                "p",
                conditions=[
                    {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "no node"}
                ],
            ),
            "pod p: Unschedulable (no node)",
        ),
    ],
)
def test_why_a_pod_is_not_ready_is_told_in_the_kubelet_s_words(found: Any, told: str) -> None:
    assert str(trouble_of([READY, found])) == told


def test_the_newest_pod_tells_and_one_that_is_hopeless_before_all() -> None:
    slow = pod("slow", "2026-11-29T15:00:00Z", server={"state": {"running": {}}, "ready": False})
    trouble = trouble_of([pod("old", server=CRASHING), slow])
    assert trouble is not None
    assert (trouble.pod, trouble.is_hopeless) == ("old", True)
    assert trouble_of([READY]) is None


def replica_set(revision: int, ready: int, uid: str = "u") -> dict[str, Any]:
    return {
        "metadata": {
            "ownerReferences": [{"uid": uid}],
            "annotations": {"deployment.kubernetes.io/revision": str(revision)},
        },
        "spec": {"template": {"metadata": {"labels": {"a": str(revision), "pod-template-hash": "x"}}}},
        "status": {"readyReplicas": ready},
    }


def test_what_served_before_is_the_newest_former_template_with_ready_pods() -> None:
    sets = [replica_set(3, 1), replica_set(2, 0), replica_set(1, 2), replica_set(2, 9, uid="another")]
    assert last_good(deployment(), sets) == {"metadata": {"labels": {"a": "1"}}}


def test_where_the_former_pods_go_first_the_last_template_is_taken_for_good() -> None:
    there = deployment()
    sets = [replica_set(3, 0), replica_set(2, 0), replica_set(1, 0)]
    assert last_good(there, sets) is None
    there["spec"]["strategy"]["type"] = "Recreate"
    assert last_good(there, sets) == {"metadata": {"labels": {"a": "2"}}}


def test_a_time_that_is_none_is_none() -> None:
    assert (seconds("1970-01-01T00:01:00Z"), seconds(None), seconds("soon")) == (60.0, 0.0, 0.0)
