"""What is told of a pod: how it is, and what has happened to it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from watcher.cluster.pod import Pod, happened, pod_of, quantity

RUNNING = {"running": {"startedAt": "2026-11-29T01:00:00Z"}}
KILLED = {"terminated": {"exitCode": 137, "reason": "OOMKilled"}}
LOOP = {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}


def pod(state: dict[str, Any], *, restarts: int = 0, last: dict[str, Any] | None = None, **status: Any) -> Pod:
    own = {
        "name": "server",
        "ready": "running" in state,
        "restartCount": restarts,
        "state": state,
        "lastState": last or {},
    }
    return pod_of(
        {
            "metadata": {
                "name": "mcp-time-1",
                "uid": "0a1b2c3d-0000-4000-8000-000000000000",
                "labels": {"mcp_fleet": "mcp", "mcp_service": "time"},
                "annotations": {"mcp_generation": "abc"},
            },
            "spec": {
                "nodeName": "node-a",
                "initContainers": [{"name": "bridge"}],
                "containers": [{"name": "server", "resources": {"limits": {"cpu": "500m", "memory": "64Mi"}}}],
            },
            "status": {"phase": "Running", "containerStatuses": [own], **status},
        }
    )


def told(before: Pod | None, now: Pod) -> list[tuple[str, str]]:
    return [(each.event, each.text) for each in happened(before, now)]


def test_a_pod_that_serves_is_known_by_its_uid_its_labels_and_its_limits() -> None:
    found = pod(RUNNING)
    assert (found.id, found.server, found.generation) == ("0a1b2c3d000040008000000000000000", "time", "abc")
    assert (found.state, found.is_bridged, found.cpu_limit, found.memory_limit) == ("ready", True, 0.5, 64 * 1024**2)
    assert told(None, found) == []


def test_a_restart_is_told_with_what_ended_the_container() -> None:
    now = pod(RUNNING, restarts=2, last=KILLED)
    (one,) = told(pod(RUNNING, restarts=1), now)
    assert one[0] == "restarted"
    assert "exit code 137 (OOMKilled)" in one[1]
    assert "restart 2" in one[1]


def test_a_loop_of_crashes_is_told_once_as_long_as_it_lasts() -> None:
    before, now = pod(RUNNING), pod(LOOP, restarts=1, last=KILLED)
    assert [event for event, _ in told(before, now)] == ["restarted", "crash_loop"]
    assert [event for event, _ in told(now, pod(LOOP, restarts=2, last=KILLED))] == ["restarted"]
    assert now.state == "CrashLoopBackOff: back-off 10s"


@pytest.mark.parametrize(
    ("state", "status", "event"),
    [
        ({"waiting": {"reason": "ErrImagePull", "message": "not found"}}, {}, "image_not_pulled"),
        ({"waiting": {"reason": "CreateContainerConfigError", "message": "no secret"}}, {}, "not_started"),
        ({}, {"phase": "Failed", "reason": "Evicted", "message": "low on memory"}, "evicted"),
        ({"waiting": {"reason": "ContainerCreating"}}, {}, ""),
    ],
)
def test_why_a_pod_does_not_come_up_is_told(state: dict[str, Any], status: dict[str, Any], event: str) -> None:
    found = pod(state, **status)
    assert [each for each, _ in told(None, found)] == ([event] if event else [])
    assert told(found, found) == []
    assert not list(happened(None, replace(found, leaves=True)))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("250m", 0.25),
        ("2", 2.0),
        ("12345678n", 0.012345678),
        ("64Mi", 64 * 1024**2),
        ("1.5Gi", 1.5 * 1024**3),
        ("1e3", 1e3),
    ],
)
def test_quantities_are_read(text: str, number: float) -> None:
    assert quantity(text) == pytest.approx(number)


@pytest.mark.parametrize("text", ["", "x", None, "1.2.3", "1e999"])
def test_what_is_no_quantity_is_none(text: Any) -> None:
    assert quantity(text) is None
