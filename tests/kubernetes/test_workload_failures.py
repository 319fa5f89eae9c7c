"""mcp_workload where pods fail and the API server does: what served serves on, and what is said of it."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.e2e.support.waiting import until
from tests.kubernetes.api import ApiError
from tests.kubernetes.cluster import PATIENCE, Cluster
from tests.kubernetes.front import Fault, Front, front
from tests.kubernetes.marks import takes_long
from tests.kubernetes.one_run import kill_a_run
from tests.kubernetes.workload_scene import SECRET, WorkloadScene, http, stdio


@pytest.fixture
def scene(cluster: Cluster, namespace: str, tmp_path: Path) -> WorkloadScene:
    return WorkloadScene(cluster, namespace, tmp_path)


@pytest.fixture
def between(cluster: Cluster) -> Iterator[Front]:
    with front(cluster) as made:
        yield made


@takes_long
@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ("crash-loop", ["CrashLoopBackOff", "3 restarts", "BackOff", "error: TOKEN is not set"]),
        ("image-pull-error", ["ImagePullBackOff", "mcp/orders:image-pull-error", "failed to resolve reference"]),
        ("never-ready", ["NotReady", "Readiness probe failed", "waiting for its database"]),
        ("unschedulable", ["Unschedulable", "Insufficient memory"]),
    ],
)
def test_a_release_that_fails_is_told_and_what_served_serves_again(
    scene: WorkloadScene, fault: str, said: list[str]
) -> None:
    scene.settings(timeout=10)
    good = {"time": stdio(), "orders": http()}
    scene.good_run(good)
    scene.config({**good, "orders": http(f"mcp/orders:{fault}")})
    result = scene.run()
    (error,) = result["errors"]
    assert error["server"] == "orders"
    assert [each for each in said if each not in error["message"]] == [], error["message"]
    assert "serves again" in error["message"]
    assert scene.images() == {"time": ["mcp/time:1"], "orders": ["mcp/orders:1"]}
    until(lambda: len(scene.cluster.api.list("Pod", scene.namespace)) == 2, "the failed pod is gone", PATIENCE)
    again = scene.run()
    assert again["failed"]
    assert [each["server"] for each in again["errors"]] == ["orders"]
    fixed = scene.good_run({**good, "orders": http("mcp/orders:2")})
    assert fixed["changed"]
    assert scene.images() == {"time": ["mcp/time:1"], "orders": ["mcp/orders:2"]}


def test_a_first_release_that_fails_leaves_all_others_running(scene: WorkloadScene) -> None:
    scene.settings(timeout=10)
    scene.config({"time": stdio(), "orders": http("mcp/orders:crash-loop"), "more": http("mcp/more:1")})
    result = scene.run()
    assert [each["server"] for each in result["errors"]] == ["orders"]
    assert scene.images() == {"time": ["mcp/time:1"], "more": ["mcp/more:1"]}
    assert SECRET not in str(result)


@takes_long
def test_an_api_server_that_says_later_is_asked_again(scene: WorkloadScene, between: Front) -> None:
    chance = random.Random(7)
    between.fault = lambda _method, _path: "throttle" if chance.random() < 0.15 else ""
    scene.through(between.kubeconfig)
    scene.good_run({"time": stdio(), "orders": http(replicas=2)})
    assert between.throttled
    assert scene.images() == {"time": ["mcp/time:1"], "orders": ["mcp/orders:1"] * 2}


def test_an_answer_that_is_lost_is_no_loss(scene: WorkloadScene, between: Front) -> None:
    lost: set[str] = set()

    def each_first(method: str, path: str) -> Fault:
        call = f"{method} {path}"
        if call in lost or len(lost) > 20:
            return ""
        lost.add(call)
        return "lose"

    between.fault = each_first
    scene.through(between.kubeconfig)
    scene.good_run({"time": stdio(), "orders": http(replicas=2)})
    assert between.lost
    between.fault = lambda _method, _path: ""
    assert scene.good_run()["actions"] == []


@takes_long
def test_an_api_server_that_starts_anew_meanwhile_is_waited_for(scene: WorkloadScene) -> None:
    scene.config({f"s{number}": http() for number in range(8)})
    result = {}
    running = threading.Thread(target=lambda: result.update(scene.run()))
    running.start()
    until(lambda: len(deployments(scene)) >= 1, "the run has begun", PATIENCE)
    scene.cluster.stop_api_server()
    scene.cluster.start_api_server()
    running.join(PATIENCE)
    assert not running.is_alive()
    assert not result.get("failed"), result.get("msg")
    assert len(scene.images()) == 8
    assert scene.good_run()["actions"] == []


def test_a_run_that_is_killed_at_any_moment_leaves_what_the_next_one_completes(scene: WorkloadScene) -> None:
    fleet = {f"s{number}": http(replicas=2 if number % 3 else 1) for number in range(6)}
    moments = random.Random(3)
    for attempt in range(4):
        scene.config({name: {**each, "env": {"A": str(attempt)}} for name, each in fleet.items()})
        kill_a_run(scene, moments.uniform(0, 0.4))
    scene.good_run()
    assert sorted(scene.images()) == sorted(fleet)
    assert scene.good_run()["actions"] == []
    until(lambda: len(scene.cluster.api.list("Pod", scene.namespace)) == 10, "no pod is left over", PATIENCE)


def deployments(scene: WorkloadScene) -> list[str]:
    try:
        return [each["metadata"]["name"] for each in scene.cluster.api.list("Deployment", scene.namespace)]
    except (ApiError, requests.RequestException):
        return []
