"""Pods and nodes that fail as a test asks, and what the API server's own controllers make of it."""

from __future__ import annotations

import pytest

from tests.e2e.support.waiting import until
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import PATIENCE, Cluster, is_true
from tests.kubernetes.marks import takes_long


def deployment(name: str, image: str = "mcp/time:1", replicas: int = 1) -> Object:
    """One whose pods leave a lost node at once."""
    away = {
        "key": "node.kubernetes.io/unreachable",
        "operator": "Exists",
        "effect": "NoExecute",
        "tolerationSeconds": 0,
    }
    pod = {"containers": [{"name": "server", "image": image}], "tolerations": [away]}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": name}},
            "template": {"metadata": {"labels": {"app": name}}, "spec": pod},
        },
    }


def seen(cluster: Cluster, namespace: str) -> tuple[str, ...]:
    """Phase of the only pod there is, why its container waits, and whether it is ready."""
    pods = cluster.api.list("Pod", namespace)
    if len(pods) != 1:
        return ()
    status = pods[0]["status"]
    states = [each["state"].get("waiting", {}).get("reason", "") for each in status.get("containerStatuses", ())]
    unplaced = [each.get("reason", "") for each in status.get("conditions", ()) if each["type"] == "PodScheduled"]
    return (status["phase"], *states, *(each for each in unplaced if each), str(is_true(pods[0], "Ready")))


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        ("1", ("Running", "", "True")),
        ("never-ready", ("Running", "", "False")),
        ("crash-loop", ("Running", "CrashLoopBackOff", "False")),
        ("image-pull-error", ("Pending", "ImagePullBackOff", "False")),
        ("unschedulable", ("Pending", "Unschedulable", "False")),
    ],
)
def test_a_pod_fails_as_the_tag_of_its_image_says(
    cluster: Cluster, namespace: str, fault: str, state: tuple[str, ...]
) -> None:
    cluster.api.create(deployment("tried", f"mcp/time:{fault}"), namespace)
    until(lambda: seen(cluster, namespace) == state, f"the pod is {state}", PATIENCE)
    until(lambda: bool(cluster.api.list("Event", namespace)), "there are events", PATIENCE)
    if state[0] == "Running":
        pod = cluster.api.list("Pod", namespace)[0]["metadata"]["name"]
        until(lambda: log_of(cluster, namespace, pod).startswith("the server starts\n"), "it has a log", PATIENCE)


def log_of(cluster: Cluster, namespace: str, pod: str) -> str:
    """The log of a pod, empty where it has not begun."""
    try:
        return cluster.kubectl("-n", namespace, "logs", pod, "--tail=9")
    except AssertionError:
        return ""


def test_a_pod_that_is_evicted_gets_a_successor(cluster: Cluster, namespace: str) -> None:
    cluster.api.create(deployment("tried"), namespace)
    until(lambda: seen(cluster, namespace) == ("Running", "", "True"), "the pod runs", PATIENCE)
    pod = cluster.api.list("Pod", namespace)[0]["metadata"]["name"]
    cluster.kubectl("-n", namespace, "annotate", "pod", pod, "fault=evicted")

    def replaced() -> bool:
        phases = {each["metadata"]["name"]: each["status"]["phase"] for each in cluster.api.list("Pod", namespace)}
        return phases.pop(pod, "") == "Failed" and list(phases.values()) == ["Running"]

    until(replaced, "another pod runs", PATIENCE)


def test_pods_of_a_lost_node_are_replaced_elsewhere(cluster: Cluster, namespace: str) -> None:
    cluster.api.create(deployment("tried", replicas=3), namespace)

    def nodes() -> list[str]:
        there = [each for each in cluster.api.list("Pod", namespace) if not each["metadata"].get("deletionTimestamp")]
        return [each["spec"]["nodeName"] for each in there if is_true(each, "Ready")]

    until(lambda: len(nodes()) == 3, "all pods run", PATIENCE)
    lost = nodes()[0]
    cluster.kubectl("annotate", "node", lost, "fault=lost")
    try:
        until(lambda: len(nodes()) == 3 and lost not in nodes(), "all run elsewhere", PATIENCE)
        assert [each["metadata"]["name"] for each in cluster.api.list("Node") if not is_true(each, "Ready")] == [lost]
    finally:
        cluster.kubectl("annotate", "node", lost, "fault-")
    until(lambda: all(is_true(each, "Ready") for each in cluster.api.list("Node")), "the node is back", PATIENCE)


@takes_long
def test_what_was_there_survives_the_end_of_the_api_server(cluster: Cluster, namespace: str) -> None:
    cluster.api.create(deployment("tried"), namespace)
    until(lambda: seen(cluster, namespace) == ("Running", "", "True"), "the pod runs", PATIENCE)
    cluster.stop_api_server()
    cluster.start_api_server()
    cluster.kubectl("-n", namespace, "set", "image", "deployment/tried", "server=mcp/time:2")

    def updated() -> bool:
        pods = cluster.api.list("Pod", namespace)
        return [each["spec"]["containers"][0]["image"] for each in pods if is_true(each, "Ready")] == ["mcp/time:2"]

    until(updated, "the new pod runs alone", PATIENCE)


def test_what_somebody_asked_is_known(cluster: Cluster, namespace: str) -> None:
    cluster.audit.mark()
    cluster.api.list("Pod", namespace)
    assert [(each.verb, each.resource, each.status) for each in cluster.audit.calls("admin")] == [("list", "pods", 200)]
