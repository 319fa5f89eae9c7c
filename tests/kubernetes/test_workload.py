"""mcp_workload at a real API server: what it makes, sees, repairs and removes, and what it leaves alone."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.waiting import until
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import PATIENCE, Cluster
from tests.kubernetes.workload_scene import SECRET, WorkloadScene, http, stdio

FLEET: dict[str, dict[str, Any]] = {
    "time": stdio(),
    "orders": http(replicas=2),
    "scaled": http("mcp/scaled:1", replicas={"min": 2, "max": 4, "cpu": 70}),
}
PLAIN_KINDS = {"serviceaccounts", "networkpolicies", "deployments", "services", "ingresses"}


@pytest.fixture
def scene(cluster: Cluster, namespace: str, tmp_path: Path) -> WorkloadScene:
    return WorkloadScene(cluster, namespace, tmp_path)


def lists(cluster: Cluster) -> list[str]:
    """The kinds that the administrator has listed since the last mark."""
    return sorted(each.resource for each in cluster.audit.calls("admin") if each.verb == "list")


def still(objects: dict[str, Object]) -> dict[str, Object]:
    """Objects without what controllers say of them."""
    found = copy.deepcopy(objects)
    for each in found.values():
        for name in ("status", "secrets"):
            each.pop(name, None)
        for name in ("managedFields", "resourceVersion"):
            each["metadata"].pop(name, None)
        each["metadata"].get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    return found


def test_a_fleet_runs_and_a_second_run_changes_nothing(scene: WorkloadScene) -> None:
    made = scene.good_run(FLEET)
    assert made["changed"]
    ready = {each["name"]: each["workload"]["ready"] for each in made["endpoints"]}
    assert (ready["time"], ready["orders"]) == (1, 2)
    until(lambda: len(scene.images()["scaled"]) == 2, "the autoscaler has made the second pod", PATIENCE)
    before = still(scene.objects())
    scene.cluster.audit.mark()
    again = scene.good_run()
    assert (again["changed"], again["actions"], again["diff"]) == (False, [], [])
    assert still(scene.objects()) == before
    asked = {each.verb for each in scene.cluster.audit.calls("admin")} - {"list"}
    assert asked == {"get"}
    kinds = PLAIN_KINDS | {"secrets", "poddisruptionbudgets", "horizontalpodautoscalers"}
    assert set(lists(scene.cluster)) >= kinds


@pytest.mark.parametrize("count", [1, 7])
def test_a_run_that_changes_nothing_lists_each_kind_once_whatever_the_number_of_servers(
    scene: WorkloadScene, count: int
) -> None:
    scene.good_run({f"s{number}": http() for number in range(count)})
    scene.cluster.audit.mark()
    assert scene.good_run()["actions"] == []
    assert lists(scene.cluster) == sorted(PLAIN_KINDS)


def test_check_mode_foretells_what_a_run_does_and_changes_nothing(scene: WorkloadScene) -> None:
    scene.config(FLEET)
    scene.cluster.audit.mark()
    told = scene.run(check_mode=True)
    assert {each.verb for each in scene.cluster.audit.calls("admin")} <= {"get", "list"}
    done = scene.good_run()
    assert [(each["server"], each["action"], sorted(each["objects"])) for each in told["actions"]] == [
        (each["server"], each["action"], sorted(each["objects"])) for each in done["actions"]
    ]
    assert SECRET not in str(told)
    assert SECRET not in str(done)


def test_what_others_have_changed_is_told_with_who_did_it_and_changed_back(scene: WorkloadScene) -> None:
    scene.good_run({"time": stdio()})
    before = still(scene.objects())
    kubectl = lambda *words: scene.cluster.kubectl("-n", scene.namespace, *words)  # noqa: E731
    kubectl("set", "image", "deployment/mcp-time", "server=evil:1")
    kubectl(
        "patch",
        "service",
        "mcp-time",
        "--type=json",
        '-p=[{"op":"replace","path":"/spec/ports/0/targetPort","value":99}]',
    )
    kubectl("patch", "networkpolicy", "mcp-time", "--type=merge", '-p={"spec":{"ingress":[{}]}}')
    kubectl("patch", "secret", "mcp-time-env", "--type=merge", '-p={"stringData":{"TOKEN":"changed"}}')
    kubectl("label", "deployment", "mcp-time", "team=blue")
    told = scene.run(check_mode=True)
    seen = {name for each in told["actions"] for name in each["objects"]}
    assert seen == {"Deployment mcp-time", "Service mcp-time", "NetworkPolicy mcp-time", "Secret mcp-time-env"}
    reasons = " ".join(each["reason"] for each in told["actions"])
    assert "evil:1" in reasons
    assert "kubectl" in reasons
    assert "changed" not in reasons.replace("unchanged", "").split(" TOKEN ")[-1]
    assert SECRET not in str(told)
    scene.good_run()
    after = still(scene.objects())
    assert after["Deployment mcp-time"]["metadata"]["labels"].pop("team") == "blue"
    for objects in (before, after):
        objects["Deployment mcp-time"]["metadata"].pop("generation")
        objects["NetworkPolicy mcp-time"]["metadata"].pop("generation")
    assert after == before
    assert scene.good_run()["actions"] == []


def test_a_port_that_somebody_has_given_another_number_is_put_right(scene: WorkloadScene) -> None:
    scene.good_run({"orders": http()})
    change = '[{"op":"replace","path":"/spec/ports/0/port","value":99}]'
    scene.cluster.kubectl("-n", scene.namespace, "patch", "service", "mcp-orders", "--type=json", "-p", change)
    result = scene.good_run()
    assert [each["objects"] for each in result["actions"]] == [["Service mcp-orders"]]
    (port,) = scene.cluster.api.read("Service", "mcp-orders", scene.namespace)["spec"]["ports"]
    assert (port["name"], port["port"]) == ("http", 8000)
    assert scene.good_run()["actions"] == []
    another = {**http(), "args": ["run", "--rm", "-p", "9000", "mcp/orders:1"]}
    scene.good_run({"orders": another})
    (port,) = scene.cluster.api.read("Service", "mcp-orders", scene.namespace)["spec"]["ports"]
    assert port["port"] == 9000


def test_without_repair_what_others_have_changed_is_told_and_stays(scene: WorkloadScene) -> None:
    scene.good_run({"time": stdio()})
    scene.settings(repair=False)
    scene.cluster.kubectl("-n", scene.namespace, "set", "image", "deployment/mcp-time", "server=mcp/time:2")
    result = scene.good_run()
    assert not result["changed"]
    assert "mcp/time:2" in " ".join(result["left"])
    until(lambda: scene.images() == {"time": ["mcp/time:2"]}, "their image runs", PATIENCE)


def test_a_server_that_is_gone_from_the_config_goes_and_strangers_stay_as_they_are(scene: WorkloadScene) -> None:
    scene.good_run(FLEET)
    namespace, api = scene.namespace, scene.cluster.api
    stranger = {"metadata": {"name": "stranger", "labels": {"mcp_service": "orders"}}, "data": {"a": "b"}}
    other = {"metadata": {"name": "other", "labels": {"mcp_fleet": "another", "mcp_service": "x"}}, "data": {"a": "b"}}
    for each in (stranger, other):
        api.create({"apiVersion": "v1", "kind": "ConfigMap", **each}, namespace)
    strangers = [api.read("ConfigMap", name, namespace) for name in ("stranger", "other")]
    result = scene.good_run({"time": stdio()})
    assert {each["action"] for each in result["actions"]} == {"remove"}
    left = set(scene.objects())
    assert not [each for each in left if "orders" in each or "scaled" in each]
    assert [api.read("ConfigMap", name, namespace) for name in ("stranger", "other")] == strangers
    until(lambda: set(scene.images()) == {"time"}, "their pods are gone", PATIENCE)


def test_a_stranger_in_the_place_of_an_object_is_an_error_of_that_server_and_stays(scene: WorkloadScene) -> None:
    body = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "mcp-orders"}, "spec": {"ports": [{"port": 1}]}}
    scene.cluster.api.create(body, scene.namespace)
    stranger = scene.cluster.api.read("Service", "mcp-orders", scene.namespace)
    scene.config({"time": stdio(), "orders": http()})
    result = scene.run()
    assert [each["server"] for each in result["errors"]] == ["orders"]
    assert "Service mcp-orders" in result["errors"][0]["message"]
    assert scene.cluster.api.read("Service", "mcp-orders", scene.namespace) == stranger
    assert scene.images()["time"] == ["mcp/time:1"]


def test_another_value_of_a_secret_replaces_the_pods(scene: WorkloadScene) -> None:
    scene.good_run({"time": stdio()})
    before = {each["metadata"]["name"] for each in scene.cluster.api.list("Pod", scene.namespace)}
    result = scene.good_run({"time": {**stdio(), "env": {"TOKEN": "another-8"}}})
    after = {each["metadata"]["name"] for each in scene.cluster.api.list("Pod", scene.namespace)}
    assert not before & after or len(after) > len(before)
    assert "another-8" not in str(result)
    data = scene.cluster.api.read("Secret", "mcp-time-env", scene.namespace)["data"]
    assert data["TOKEN"] == "YW5vdGhlci04"


def test_pods_are_handed_to_an_autoscaler_and_back_without_falling_to_one(scene: WorkloadScene) -> None:
    scene.good_run({"orders": http(replicas=3)})
    counts: list[int] = []

    def count() -> int:
        counts.append(scene.cluster.api.read("Deployment", "mcp-orders", scene.namespace)["spec"].get("replicas", 1))
        return counts[-1]

    scene.good_run({"orders": http(replicas={"min": 2, "max": 5, "cpu": 70})})
    assert count() == 3
    scene.cluster.kubectl("-n", scene.namespace, "scale", "deployment/mcp-orders", "--replicas=4")
    assert scene.good_run()["actions"] == []
    assert count() == 4
    scene.good_run({"orders": http(replicas=2)})
    assert count() == 2
    assert "HorizontalPodAutoscaler mcp-orders" not in scene.objects()


def test_what_hosts_are_to_run_stays_with_its_pods_told_until_a_run_leaves_it_out(scene: WorkloadScene) -> None:
    scene.good_run({"time": stdio(), "orders": http(replicas=2)})
    stays = scene.run(leaving=["orders"])
    assert (stays.get("failed"), stays["actions"]) == (None, [])
    assert [each["name"] for each in stays["endpoints"]] == ["time"]
    pods = scene.cluster.api.list("Pod", scene.namespace, labelSelector="mcp_service=orders")
    assert stays["leaving"] == {"orders": sorted(each["status"]["podIP"] for each in pods)}
    assert len(pods) == 2

    gone = scene.run(leaving=["orders"], returned=["orders"])
    assert {each["server"] for each in gone["actions"]} == {"orders"}
    assert not [each for each in scene.objects() if each.endswith("mcp-orders")]
    assert scene.run(leaving=["orders"])["leaving"] == {}
