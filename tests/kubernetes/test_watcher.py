"""What the watcher sees of a fleet in a cluster: its logs, what happens to its pods, and other hands on its objects."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.waiting import until
from tests.kubernetes.api import Api, ApiError, Object
from tests.kubernetes.cluster import PATIENCE, Cluster
from tests.kubernetes.marks import takes_long
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
    (begins,) = fleet.remarks("time")
    assert f"the log of {pod} begins here" in begins
    (told,) = fleet.happened("time")
    assert told[0] == "restarted"
    assert "ended with exit code 137 (OOMKilled) and is started again: restart 1" in told[1]
    assert fleet.runs() == ["hand"], "a container that its kubelet starts again calls for no run"


@takes_long
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


@takes_long
def test_an_api_server_that_goes_and_a_watcher_that_is_killed_lose_no_line_and_repeat_none(fleet: Watched) -> None:
    cluster = fleet.scene.cluster
    fleet.start()
    fleet.until_text("time", "the server listens")
    pod, said = fleet.pod("time"), []
    for step in ("api server", "watcher", "both", "end"):
        said += [f"before the {step} {number}" for number in range(50)]
        fleet.say(pod, *said[-50:])
        if step in ("watcher", "both"):
            fleet.stop(kill=True)
        if step in ("api server", "both"):
            cluster.stop_api_server()
            used = fleet.processor_seconds if step == "api server" else 0.0
            time.sleep(3)
            if step == "api server":
                assert fleet.processor_seconds - used < 1.0, "it waits, and does not ask again and again"
            cluster.start_api_server()
        if step in ("watcher", "both"):
            fleet.start()
        fleet.until_text("time", said[-1])
    assert fleet.texts("time")[2:] == said
    cluster.api.delete("Service", "mcp-orders", fleet.scene.namespace)
    until(lambda: fleet.runs()[1:] == ["watcher: orders had its Service removed"], "a run has made it", PATIENCE)


@takes_long
def test_pods_that_do_not_serve_are_told_and_looked_at_until_they_serve_again(fleet: Watched) -> None:
    api, namespace = fleet.scene.cluster.api, fleet.scene.namespace
    fleet.start()
    fleet.until_text("time", "the server listens")
    pod = fleet.pod("time")
    fleet.annotate(pod, fault="crash-loop")
    until(lambda: any("time is not ready" in each for each in fleet.runs()), "a run looks at it", PATIENCE)
    events = [event for event, _ in fleet.happened("time")]
    assert events[:2] == ["restarted", "crash_loop"]
    listed = fleet.recorded("containers.json")["servers"]["time"]
    assert [each["pod"]["state"].split(":")[0] for each in listed] == ["CrashLoopBackOff"]
    api.delete("Pod", pod, namespace)
    until(lambda: any("time is ready again" in each for each in fleet.runs()), "a run looks again", PATIENCE)
    evicted = fleet.pods("orders")[0]["metadata"]["name"]
    fleet.annotate(evicted, fault="evicted")
    until(lambda: "evicted" in [event for event, _ in fleet.happened("orders")], "it is told", PATIENCE)


@takes_long
def test_what_pods_use_is_kept_where_the_cluster_measures_it(fleet: Watched) -> None:
    api, namespace = fleet.scene.cluster.api, fleet.scene.namespace
    fleet.start()

    def now(server: str) -> dict[str, Any]:
        found = fleet.recorded("latest.json")
        return dict(found["servers"].get(server) or {}) if found else {}

    until(lambda: now("orders").get("containers") == 2, "pods are counted without metrics", PATIENCE)
    assert (now("orders")["cpu"], now("orders")["memory"], now("orders")["processes"]) == (None, None, None)
    assert "the cluster has no metrics of pods" in fleet.log.read_text()
    fleet.stop()
    api.create(METRICS)
    try:
        for pod in fleet.pods("orders"):
            name = pod["metadata"]["name"]
            used = [{"name": "server", "usage": {"cpu": "250m", "memory": "64Mi"}}]
            labels = {"mcp_fleet": "mcp", "mcp_service": "orders"}
            body = {"kind": "PodMetrics", "metadata": {"name": name, "labels": labels}, "containers": used}
            place = f"apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
            body = {"apiVersion": "metrics.k8s.io/v1beta1", **body}
            until(partial(_posted, api, place, body), "it is served", PATIENCE)
        fleet.start()
        until(lambda: now("orders").get("memory") == 2 * 64 * 1024**2, "they are measured", PATIENCE)
        assert now("orders")["cpu"] == 0.5
    finally:
        api.delete("CustomResourceDefinition", METRICS["metadata"]["name"])


def _posted(api: Api, place: str, body: Object) -> bool:
    try:
        return bool(api.post(place, body))
    except ApiError as error:
        if error.status == 404:
            return False
        raise


# A stand-in for the metrics server, which serves the same objects.
METRICS: Object = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "pods.metrics.k8s.io", "annotations": {"api-approved.kubernetes.io": "unapproved, a test"}},
    "spec": {
        "group": "metrics.k8s.io",
        "scope": "Namespaced",
        "names": {"kind": "PodMetrics", "plural": "pods"},
        "versions": [
            {
                "name": "v1beta1",
                "served": True,
                "storage": True,
                "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
            }
        ],
    },
}
