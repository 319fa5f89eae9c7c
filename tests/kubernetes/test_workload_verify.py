"""mcp_workload where new pods have to pass before they take over: a real server, asked through the API server."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.support.ports import free_port
from tests.kubernetes.cluster import Cluster
from tests.kubernetes.marks import takes_long
from tests.kubernetes.one_run import kill_a_run
from tests.kubernetes.programs import FOLDER
from tests.kubernetes.verify_scene import VerifyScene, entry
from tests.kubernetes.workload_scene import SECRET, http
from tests.unit.verify.servers import served, shop

LOOK = """
import subprocess, sys
kubectl, kubeconfig, namespace, told = sys.argv[1:5]
words = [kubectl, "--kubeconfig", kubeconfig, "-n", namespace, "get", "endpoints,pods,networkpolicies", "-o", "json"]
open(told, "wb").write(subprocess.run(words, capture_output=True, check=True).stdout)
"""


@pytest.fixture(scope="module")
def right() -> Iterator[str]:
    with served(shop()) as url:
        yield url


@pytest.fixture(scope="module")
def wrong() -> Iterator[str]:
    with served(shop(refuses=True)) as url:
        yield url


@pytest.fixture
def scene(cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> VerifyScene:
    return VerifyScene(cluster, namespace, tmp_path, monkeypatch)


def test_a_new_pod_that_passes_takes_over_and_one_that_does_not_never_serves(
    scene: VerifyScene, right: str, wrong: str
) -> None:
    scene.good_run({"shop": entry(1, right)})
    scene.good_run({"shop": entry(2, right), "orders": http()})
    assert scene.images()["shop"] == ["mcp/shop:2"]
    assert scene.of_verification() == []
    scene.config({"shop": entry(3, wrong), "orders": http("mcp/orders:2")})
    result = scene.run()
    (error,) = result["errors"]
    assert error["server"] == "shop"
    assert "shop.yml: knows the price of tea" in error["message"]
    assert "keeps serving" in error["message"]
    assert SECRET not in str(result)
    assert scene.images() == {"shop": ["mcp/shop:2"], "orders": ["mcp/orders:2"]}
    assert scene.of_verification() == []
    (endpoint,) = [each for each in result["endpoints"] if each["name"] == "shop"]
    assert endpoint["workload"]["image"] == "mcp/shop:2"
    again = scene.run()
    assert [each["server"] for each in again["errors"]] == ["shop"]
    assert scene.run()["postponed"][0]["count"] == 2, "the third try waits"
    scene.good_run({"shop": entry(4, right), "orders": http("mcp/orders:2")})
    assert scene.images()["shop"] == ["mcp/shop:4"]


def test_nobody_is_led_to_a_pod_while_it_is_verified_and_it_has_its_walls(scene: VerifyScene, right: str) -> None:
    scene.good_run({"shop": entry(1, right)})
    told = scene.folder / "there.json"
    reach = [str(FOLDER / "kubectl"), str(scene.cluster.kubeconfig), scene.namespace, str(told)]
    scene.command = [sys.executable, "-c", LOOK, *reach]
    scene.good_run({"shop": entry(2, right)})
    there: dict[str, list[dict]] = {}
    for each in json.loads(told.read_text())["items"]:
        there.setdefault(each["kind"], []).append(each)
    (new,) = [each for each in there["Pod"] if each["spec"]["containers"][0]["image"] == "mcp/shop:2"]
    led_to = [
        address["targetRef"]["name"]
        for each in there["Endpoints"]
        for subset in each.get("subsets", [])
        for key in ("addresses", "notReadyAddresses")
        for address in subset.get(key, [])
    ]
    assert len(led_to) == 1
    assert new["metadata"]["name"] not in led_to
    walls = [
        each["spec"]
        for each in there["NetworkPolicy"]
        if each["spec"]["podSelector"]["matchLabels"].items() <= new["metadata"]["labels"].items()
    ]
    assert [each.get("ingress", []) for each in walls] == [[]]
    assert walls[0]["policyTypes"] == ["Ingress", "Egress"]


def test_what_a_killed_run_had_not_verified_the_next_one_does(scene: VerifyScene, right: str, wrong: str) -> None:
    scene.good_run({"shop": entry(1, right)})
    for version, url in ((2, right), (3, wrong)):
        scene.config({"shop": entry(version, url)})
        kill_a_run(scene, 0, lambda: bool(scene.of_verification()))
        assert scene.of_verification()
        assert scene.images()["shop"] == [f"mcp/shop:{version - 1}"]
        assert bool(scene.run().get("failed")) == (url == wrong)
        assert scene.of_verification() == []
    assert scene.images()["shop"] == ["mcp/shop:2"]
    kill_a_run(scene, 0, lambda: bool(scene.of_verification()))
    scene.good_run({"shop": entry(2, right)})
    assert scene.of_verification() == [], "also where nothing is to be verified any more"


@takes_long
def test_a_new_pod_that_does_not_answer_is_told_with_its_reason(scene: VerifyScene, right: str) -> None:
    scene.settings(timeout=10)
    scene.good_run({"shop": entry(1, right)})
    crashing = entry(1, right)
    crashing["args"][-1] = "mcp/shop:crash-loop"
    for broken, said in (
        (crashing, ["CrashLoopBackOff", "error: TOKEN is not set"]),
        (entry(2, f"http://127.0.0.1:{free_port()}/mcp"), ["its node says", "Connection refused"]),
    ):
        scene.config({"shop": broken})
        message = scene.run()["msg"]
        assert [each for each in [*said, "keeps serving"] if each not in message] == [], message
        assert SECRET not in message
        assert scene.of_verification() == []
    assert scene.images()["shop"] == ["mcp/shop:1"]


def test_a_check_verifies_nothing_and_tells_what_would_come(scene: VerifyScene, right: str, wrong: str) -> None:
    scene.good_run({"shop": entry(1, right)})
    before = scene.objects()
    scene.config({"shop": entry(2, wrong)})
    told = scene.run(check_mode=True)
    assert [each["action"] for each in told["actions"]] == ["apply"]
    assert scene.objects() == before


def test_a_server_that_no_second_pod_can_be_beside_is_an_error_before_anything_is_made(
    scene: VerifyScene, right: str
) -> None:
    alone = entry(1, right)
    alone["args"][1:1] = ["-v", "data:/data"]
    scene.config({"shop": alone, "orders": http()})
    result = scene.run()
    assert [each["server"] for each in result["errors"]] == ["shop"]
    assert "mount the claim read-only, or leave verify out" in result["msg"]
    assert scene.images() == {"orders": ["mcp/orders:1"]}
