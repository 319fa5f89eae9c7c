"""What an administrator gives to a fleet in a cluster: a namespace, and rights for runs and watcher, just enough."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import access_module

from tests.e2e.support.waiting import until
from tests.kubernetes.api import ApiError
from tests.kubernetes.cluster import PATIENCE, Cluster
from tests.kubernetes.marks import takes_long
from tests.kubernetes.verify_scene import VerifyScene, entry
from tests.kubernetes.watched import watched
from tests.kubernetes.workload_scene import WorkloadScene, http, stdio
from tests.unit.verify.servers import served, shop

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/mcp/0123456789abcdef/fedcba9876543210"
MORE = f"""
ssm_store = parameters
[aws]
listener_arn = {ARN}
target_type = ip
"""
ACCOUNT, WATCHER = "mcp.deployer", "mcp.watcher"


@pytest.fixture
def scene(cluster: Cluster, namespace: str, tmp_path: Path) -> WorkloadScene:
    return WorkloadScene(cluster, namespace, tmp_path)


def access(scene: WorkloadScene, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """The result of mcp_kubernetes_access, as an administrator runs it."""
    arguments = {
        "settings": str(scene.settings_file),
        "kubeconfig": str(scene.cluster.kubeconfig),
        "context": None,
        "path": str(scene.folder / "kubeconfig"),
        "watcher_path": str(scene.folder / "watcher" / "kubeconfig"),
        "quota": {"pods": "50"},
        "state": "present",
        **options,
    }
    return result_of(access_module.run, arguments, check_mode)


def used(scene: WorkloadScene, account: str = ACCOUNT) -> set[tuple[str, str]]:
    """Verb and resource of all that the account has asked for."""
    user = f"system:serviceaccount:{scene.namespace}:{account}"
    calls = scene.cluster.audit.calls(user)
    assert not [each for each in calls if each.status == 403]
    return {(each.verb, each.resource) for each in calls}


def given(scene: WorkloadScene, account: str = ACCOUNT) -> set[tuple[str, str]]:
    """Verb and resource of all that its Role allows."""
    role = scene.cluster.api.read("Role", account, scene.namespace)
    return {(verb, resource) for rule in role["rules"] for verb in rule["verbs"] for resource in rule["resources"]}


def test_it_is_made_once_and_goes_again_without_the_namespace(scene: WorkloadScene) -> None:
    foretold = access(scene, check_mode=True)
    assert not (scene.folder / "kubeconfig").exists()
    made = access(scene)
    assert made["changed"], made
    assert set(foretold["changes"]) <= set(made["changes"])
    tokens = set()
    for path in (scene.folder / "kubeconfig", scene.folder / "watcher" / "kubeconfig"):
        assert path.stat().st_mode & 0o777 == 0o600
        tokens.add(json.loads(path.read_text())["users"][0]["user"]["token"])
        scene.cluster.kubectl("get", "pods", user=path)
    assert len(tokens) == 2
    assert not [each for each in tokens if each in json.dumps(made)]
    labels = scene.cluster.api.read("Namespace", scene.namespace)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert not access(scene)["changed"]
    assert access(scene, state="absent")["changed"]
    assert not access(scene, state="absent")["changed"]
    assert scene.cluster.api.read("Namespace", scene.namespace)


def test_a_role_of_somebody_else_stays_and_is_an_error(scene: WorkloadScene) -> None:
    body = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": ACCOUNT}, "rules": []}
    scene.cluster.api.create(body, scene.namespace)
    assert f"Role {ACCOUNT} in {scene.namespace} is somebody else's" in access(scene)["msg"]
    access(scene, state="absent")
    assert not scene.cluster.api.read("Role", ACCOUNT, scene.namespace)["rules"]


def test_a_run_needs_all_that_it_may_do_and_may_do_no_more(
    cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = VerifyScene(cluster, namespace, tmp_path, monkeypatch)
    assert "failed" not in access(scene)
    scene.through(scene.folder / "kubeconfig")
    scene.cluster.audit.mark()
    with served(shop()) as url:
        for version in (1, 2):
            fleet = {"time": stdio(), "orders": http(replicas={"min": 2, "max": 3, "cpu": 70})}
            scene.good_run({**fleet, "shop": entry(version, url)})
    scene.config({"time": stdio("mcp/time:crash-loop"), "orders": http(replicas={"min": 2, "max": 3, "cpu": 70})})
    assert scene.run()["failed"]
    scene.good_run({})
    needed = given(scene) - {
        (verb, kind) for verb, kind in given(scene) if kind in ("externalsecrets", "targetgroupbindings")
    }
    # A list of what the fleet has no more is asked for where nothing is written down of it.
    assert used(scene) - {("list", "externalsecrets"), ("list", "targetgroupbindings")} == {
        # the API server asks for it where an apply makes something
        each
        for each in needed
        if each[0] != "create"
    }
    until(lambda: not scene.images(), "all is gone", PATIENCE)


def test_the_watcher_needs_all_that_it_may_do_and_sees_no_secret(scene: WorkloadScene) -> None:
    scene.cluster.audit.mark()
    with watched(scene) as fleet:
        scene.config({"time": stdio(), "orders": http(replicas={"min": 2, "max": 3, "cpu": 70})})
        fleet.run()
        fleet.start()
        fleet.until_text("time", "the server listens")
        needed = given(scene, WATCHER)
        # A watch is in the audit when it ends.
        fleet.stop()
        until(lambda: used(scene, WATCHER) == needed, lambda: str(used(scene, WATCHER) ^ needed), PATIENCE)
    assert {verb for verb, _ in needed} == {"get", "list", "watch"}
    assert [resource for verb, resource in needed if verb == "get"] == ["pods/log"]
    assert "secrets" not in {resource for _, resource in needed}


@takes_long
def test_a_role_of_an_earlier_release_is_told_with_the_way_out(
    cluster: Cluster, namespace: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = VerifyScene(cluster, namespace, tmp_path, monkeypatch)
    access(scene)
    rules = cluster.api.read("Role", ACCOUNT, namespace)["rules"]
    known = [each for each in rules if each["resources"] != ["pods/portforward"]]
    cluster.api.patch("Role", ACCOUNT, {"rules": known}, namespace)
    scene.through(scene.folder / "kubeconfig")
    with served(shop()) as url:
        scene.good_run({"shop": entry(1, url)})
        scene.config({"shop": entry(2, url)})
        told = scene.run()["msg"]
    assert "pods/portforward" in told
    assert "make bootstrap-kubernetes gives the rights that are needed" in told
    assert scene.images() == {"shop": ["mcp/shop:1"]}


def test_bindings_of_target_groups_and_external_secrets_may_be_made_where_the_settings_have_them(
    scene: WorkloadScene,
) -> None:
    access(scene)
    assert ("patch", "targetgroupbindings") not in given(scene)
    scene.settings_file.write_text(scene.settings_file.read_text() + MORE)
    assert ("watch", "targetgroupbindings") not in given(scene, WATCHER)
    assert access(scene)["changed"]
    assert {("watch", "targetgroupbindings"), ("list", "externalsecrets")} <= given(scene, WATCHER)
    assert {("patch", "targetgroupbindings"), ("create", "externalsecrets")} <= given(scene)


def test_an_account_sees_and_makes_nothing_elsewhere(scene: WorkloadScene) -> None:
    access(scene)
    scene.through(scene.folder / "kubeconfig")
    scene.settings_file.write_text(
        scene.settings_file.read_text().replace(f"namespace = {scene.namespace}", "namespace = default")
    )
    scene.config({"time": stdio()})
    told = scene.run()
    assert told["failed"]
    assert "make bootstrap-kubernetes gives the rights that are needed" in told["msg"]
    with pytest.raises(ApiError):
        scene.cluster.api.read("Deployment", "mcp-time", "default")
