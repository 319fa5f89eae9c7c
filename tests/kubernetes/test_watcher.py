"""What the watcher sees of a fleet in a cluster: its logs, what happens to its pods, and other hands on its objects."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support.waiting import until
from tests.kubernetes.cluster import PATIENCE, Cluster
from tests.kubernetes.watched import Watched, watched
from tests.kubernetes.workload_scene import WorkloadScene, http, stdio


@pytest.fixture
def fleet(cluster: Cluster, namespace: str, tmp_path: Path) -> Iterator[Watched]:
    """A fleet of two servers that a run has brought, and no watcher yet."""
    scene = WorkloadScene(cluster, namespace, tmp_path)
    scene.config({"time": stdio(), "orders": http(replicas=2)})
    with watched(scene) as made:
        made.run()
        assert sorted(scene.images()) == ["orders", "time"]
        yield made


def test_what_pods_write_is_kept_and_their_restarts_are_told(fleet: Watched) -> None:
    fleet.start()
    fleet.until_text("time", "the server listens")
    pod = fleet.pod("time")
    fleet.say(pod, "one", "two")
    fleet.until_text("time", "two")
    fleet.annotate(pod, ended="OOMKilled 137")
    until(lambda: fleet.texts("time").count("the server starts") == 2, "the next container is followed", PATIENCE)
    fleet.say(pod, "three")
    fleet.until_text("time", "three")
    begun = ["the server starts", "the server listens"]
    assert fleet.texts("time") == [*begun, "one", "two", *begun, "three"]
    (told,) = fleet.happened("time")
    assert told[0] == "restarted"
    assert "ended with exit code 137 (OOMKilled) and is started again: restart 1" in told[1]
    assert fleet.runs() == ["hand"], "a container that its kubelet starts again calls for no run"


def test_another_hand_on_an_object_starts_a_run_at_once_and_our_own_none(fleet: Watched) -> None:
    api, namespace = fleet.scene.cluster.api, fleet.scene.namespace
    fleet.start()
    fleet.until_text("time", "the server listens")
    api.patch("Service", "mcp-time", {"metadata": {"annotations": {"team": "a"}}}, namespace)
    api.patch("Service", "mcp-time", {"spec": {"ports": [{"name": "http", "port": 1, "protocol": "TCP"}]}}, namespace)
    until(lambda: len(fleet.runs()) == 2, "a run has repaired it", PATIENCE)
    api.delete("NetworkPolicy", "mcp-orders", namespace)
    until(lambda: len(fleet.runs()) == 3, "a run has made it again", PATIENCE)
    fleet.scene.config({"time": stdio("mcp/time:2"), "orders": http(replicas=2)})
    fleet.run()
    assert fleet.runs() == [
        "hand",
        "watcher: time had its Service changed",
        "watcher: orders had its NetworkPolicy removed",
        "hand",
    ]
    assert api.read("Service", "mcp-time", namespace)["spec"]["ports"][0]["port"] != 1
    assert api.read("Service", "mcp-time", namespace)["metadata"]["annotations"]["team"] == "a"
