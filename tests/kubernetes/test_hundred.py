"""A hundred servers in a cluster where nodes are lost and emptied, runs are killed and the API server fails."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.e2e.support.waiting import until
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import NODES, PATIENCE, Cluster, is_true
from tests.kubernetes.front import front
from tests.kubernetes.marks import takes_long
from tests.kubernetes.one_run import kill_a_run, peak_of_runs
from tests.kubernetes.workload_scene import WorkloadScene, http

pytestmark = takes_long
SERVERS = 100
# What 100 pods take to leave a node: their toleration, and others' starts on a busy machine.
LONG = 240.0
MOST_MEGABYTES = 160
Fleet = dict[str, dict[str, Any]]


def fleet_of(count: int, release: int = 1) -> Fleet:
    return {f"s{number:03}": http(f"mcp/orders:{release}") for number in range(count)}


@pytest.fixture(scope="module")
def hundred(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[WorkloadScene]:
    """A namespace with strangers, for a fleet of 100 servers."""
    name = "hundred"
    cluster.api.create({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    for each in strangers():
        cluster.api.create(each, name)
    scene = WorkloadScene(cluster, name, tmp_path_factory.mktemp(name))
    scene.settings(timeout=int(LONG))
    scene.good_run(fleet_of(SERVERS))
    yield scene
    cluster.api.delete("Namespace", name)


@pytest.fixture
def scene(hundred: WorkloadScene) -> WorkloadScene:
    """The same with all of them serving."""
    hundred.settings(timeout=int(LONG))
    hundred.good_run(fleet_of(SERVERS))
    return hundred


def strangers() -> list[Object]:
    """What somebody else has in the namespace, some of it as if it were one of ours."""
    named = {"metadata": {"name": "mcp-strange", "labels": {"app": "strange"}}}
    return [
        {"apiVersion": "v1", "kind": "ConfigMap", **named, "data": {"a": "b"}},
        {"apiVersion": "v1", "kind": "Secret", **named, "stringData": {"a": "b"}},
        {
            "apiVersion": "v1",
            "kind": "Service",
            **named,
            "spec": {"selector": {"app": "strange"}, "ports": [{"port": 80, "protocol": "TCP"}]},
        },
        {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            **named,
            "spec": {"podSelector": {"matchLabels": {"app": "strange"}}},
        },
    ]


def of_strangers(scene: WorkloadScene) -> list[Object]:
    """The strangers' objects, to the last byte."""
    return [scene.cluster.api.read(each["kind"], each["metadata"]["name"], scene.namespace) for each in strangers()]


def pods(scene: WorkloadScene) -> list[Object]:
    """All pods of the fleet that are not on their way out."""
    found = scene.cluster.api.list("Pod", scene.namespace, labelSelector="mcp_fleet=mcp")
    return [each for each in found if not each["metadata"].get("deletionTimestamp")]


def places(scene: WorkloadScene) -> dict[str, list[str]]:
    """The nodes of the ready pods of each server."""
    found: dict[str, list[str]] = {}
    for each in pods(scene):
        if is_true(each, "Ready"):
            found.setdefault(each["metadata"]["labels"]["mcp_service"], []).append(each["spec"]["nodeName"])
    return found


def serve_apart_from(scene: WorkloadScene, node: str, count: int = SERVERS) -> bool:
    found = places(scene)
    return len(found) == count and all(node not in each for each in found.values())


def assert_whole(scene: WorkloadScene, wanted: Fleet) -> None:
    """The fleet has the objects and the pods of these servers, and nothing else."""
    names = {f"mcp-{name}" for name in wanted}
    kinds = ("ServiceAccount", "NetworkPolicy", "Deployment", "Service", "Ingress")
    for kind in kinds:
        there = scene.cluster.api.list(kind, scene.namespace, labelSelector="mcp_fleet=mcp")
        assert {each["metadata"]["name"] for each in there} == names, kind
    images = {name: [each["args"][-1]] for name, each in wanted.items()}
    assert scene.images() == images
    until(lambda: len(pods(scene)) == len(wanted), "no pod is left over", PATIENCE)
    again = scene.good_run()
    assert (again["changed"], again["actions"]) == (False, [])


@contextmanager
def lost(cluster: Cluster, node: str) -> Iterator[None]:
    """A node that does not answer until the block ends."""
    cluster.kubectl("annotate", "node", node, "fault=lost")
    try:
        yield
    finally:
        cluster.kubectl("annotate", "node", node, "fault-")
        until(lambda: all(is_true(each, "Ready") for each in cluster.api.list("Node")), "the node is back", PATIENCE)


@contextmanager
def running(scene: WorkloadScene) -> Iterator[Callable[[], dict[str, Any]]]:
    """A run beside the test; what it yields waits for its result."""
    results: list[dict[str, Any]] = []
    thread = threading.Thread(target=lambda: results.append(scene.run()))
    thread.start()

    def result() -> dict[str, Any]:
        thread.join(LONG)
        assert results, "the run has not ended"
        return results[0]

    try:
        yield result
    finally:
        thread.join(LONG)


def applied(scene: WorkloadScene, count: int) -> Callable[[], bool]:
    """Whether a run has applied so many Deployments since the last mark."""

    def has() -> bool:
        calls = scene.cluster.audit.calls("admin")
        return sum(each.verb == "patch" and each.resource == "deployments" for each in calls) >= count

    return has


def test_all_serve_again_when_a_node_was_lost_between_two_runs_and_a_run_says_so(scene: WorkloadScene) -> None:
    node = NODES[0]
    assert any(node in each for each in places(scene).values())
    with lost(scene.cluster, node):
        until(lambda: serve_apart_from(scene, node), "all serve elsewhere", LONG)
        assert_whole(scene, fleet_of(SERVERS))
    until(lambda: len(pods(scene)) == SERVERS, "those of the lost node are gone", PATIENCE)


def test_a_run_waits_for_the_servers_of_a_node_that_has_just_been_lost(scene: WorkloadScene) -> None:
    node = NODES[1]
    with lost(scene.cluster, node):
        until(lambda: len(places(scene)) < SERVERS, "some do not serve", PATIENCE)
        result = scene.good_run()
        assert result["actions"] == []
        assert serve_apart_from(scene, node)


def test_a_run_in_which_a_node_is_lost_ends_with_all_servers_elsewhere(scene: WorkloadScene) -> None:
    node, new = NODES[2], fleet_of(SERVERS, release=2)
    scene.config(new)
    scene.cluster.audit.mark()
    with running(scene) as result:
        until(applied(scene, SERVERS // 3), "a third is applied", PATIENCE)
        with lost(scene.cluster, node):
            said = result()
            assert not said.get("failed"), said["msg"]
            assert serve_apart_from(scene, node)
            assert_whole(scene, new)


def test_ten_killed_runs_lose_nothing_and_leave_nothing_behind(scene: WorkloadScene) -> None:
    before, chance, wanted = of_strangers(scene), random.Random(19), fleet_of(SERVERS)
    for attempt in range(10):
        for name in chance.sample(sorted(wanted), 5):
            del wanted[name]
        for name in chance.sample(sorted(wanted), 30):
            wanted[name] = http(f"mcp/orders:{attempt + 10}")
        wanted |= {f"new{attempt}-{number}": http() for number in range(5)}
        served = set(places(scene)) & set(wanted)
        scene.config(wanted)
        kill_a_run(scene, chance.uniform(0, 4))
        assert served <= set(places(scene)), "what served before serves on"
        scene.good_run()
        assert_whole(scene, wanted)
        assert of_strangers(scene) == before


def test_an_api_server_that_is_killed_and_then_throttles_keeps_no_run_from_its_end(scene: WorkloadScene) -> None:
    before, chance, new = of_strangers(scene), random.Random(4), fleet_of(SERVERS, release=3)
    with front(scene.cluster) as between:
        between.fault = lambda _method, _path: "throttle" if chance.random() < 0.1 else ""
        scene.through(between.kubeconfig)
        scene.settings(timeout=int(LONG))
        scene.config(new)
        scene.cluster.audit.mark()
        with running(scene) as result:
            until(applied(scene, SERVERS // 4), "a quarter is applied", PATIENCE)
            scene.cluster.stop_api_server()
            scene.cluster.start_api_server()
            said = result()
            assert not said.get("failed"), said["msg"]
        assert between.throttled
    scene.through(scene.cluster.kubeconfig)
    assert_whole(scene, new)
    assert of_strangers(scene) == before


def test_a_node_is_emptied_without_a_server_of_several_pods_going_away(scene: WorkloadScene) -> None:
    node, chosen = NODES[0], [f"s{number:03}" for number in range(10)]
    scene.good_run({**fleet_of(SERVERS), **{name: http(replicas=3) for name in chosen}})
    least = dict.fromkeys(chosen, 3)
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.2):
            there = places(scene)
            for name in chosen:
                least[name] = min(least[name], len(there.get(name, ())))

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        # It evicts, as budgets allow; nobody minds what pods have in memory.
        scene.cluster.kubectl("drain", node, "--delete-emptydir-data", "--pod-selector=mcp_fleet=mcp")
        until(lambda: serve_apart_from(scene, node), "all serve elsewhere", LONG)
        until(lambda: sum(map(len, places(scene).values())) == SERVERS + 20, "all pods are there again", LONG)
        assert scene.good_run()["actions"] == []
    finally:
        done.set()
        watching.join()
        scene.cluster.kubectl("uncordon", node)
    assert min(least.values()) >= 2, least


def test_a_run_takes_little_memory_and_no_more_when_it_is_one_of_many(scene: WorkloadScene) -> None:
    once, often = peak_of_runs(scene, 1), peak_of_runs(scene, 8)
    assert once < MOST_MEGABYTES
    assert often < once * 1.25, "what a run took is given back"
