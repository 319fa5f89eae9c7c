"""The way to pods: an Ingress, or a TargetGroupBinding onto the target group that the run's routes have."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.backend import desired_routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import binding_module, module
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import ControlPlane
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Installation, hops_to

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.workload_scene import WorkloadScene, http, stdio

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/mcp/0123456789abcdef/fedcba9876543210"
GROUP = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/mcp"
OTHER = f"{GROUP}-before"
BINDING = "TargetGroupBinding"
AUTO_MODE = "eks.amazonaws.com/v1"
BEHIND_ALB = f"""
[service]
runtime = kubernetes
[aws]
listener_arn = {ARN}
target_type = ip
target_address = 10.0.0.7
"""
NOBODY = ControlPlane("http://127.0.0.1:9", "/none")
FLEET = {"time": stdio(), "orders": http(), "stripped": http(strip_prefix=True, health_path="/health")}


@pytest.fixture
def scene(cluster: Cluster, namespace: str, tmp_path: Path) -> WorkloadScene:
    made = WorkloadScene(cluster, namespace, tmp_path)
    made.settings_file.write_text(
        made.settings_file.read_text() + "[ingress_strip_annotations]\nexample.com/strip = yes\n"
    )
    return made


def routes_of(scene: WorkloadScene) -> list[str]:
    return sorted(each for each in scene.objects() if each.startswith(("Ingress", "TargetGroupBinding")))


def bind(
    scene: WorkloadScene, result: dict[str, Any], group: str = GROUP, *former: str, protected: Sequence[str] = ()
) -> dict[str, Any]:
    """The result of what comes after the routes, when each server has a target group of this name."""
    routes = [
        {
            "name": each["name"],
            "target_group_arn": f"{group}/{each['name']}",
            "former_target_group_arns": [f"{other}/{each['name']}" for other in former],
        }
        for each in result["endpoints"]
    ]
    arguments = {
        "endpoints": result["endpoints"],
        "routes": routes,
        "protected": list(protected),
        "settings": str(scene.settings_file),
    }
    made = result_of(binding_module.run, arguments, False)
    assert not made.get("failed"), made["msg"]
    return made


def bound(scene: WorkloadScene) -> list[str]:
    """The target groups that have pods of the fleet."""
    found = scene.cluster.api.list(BINDING, scene.namespace)
    return sorted(each["spec"]["targetGroupARN"] for each in found)


def test_a_listener_in_the_settings_takes_the_place_of_ingresses_and_they_of_it(scene: WorkloadScene) -> None:
    ingresses = ["Ingress mcp-orders", "Ingress mcp-stripped", "Ingress mcp-time"]
    scene.good_run(FLEET)
    assert routes_of(scene) == ingresses
    without = scene.settings_file.read_text()
    scene.settings_file.write_text(without + BEHIND_ALB)
    moved = scene.good_run()
    assert {each.split()[0] for action in moved["actions"] for each in action["objects"]} == {"Ingress"}
    assert len(bind(scene, moved)["actions"]) == len(FLEET)
    assert bound(scene) == [f"{GROUP}/{name}" for name in sorted(FLEET)]
    again = scene.good_run()
    assert (again["actions"], bind(scene, again)["actions"]) == ([], [])
    scene.settings_file.write_text(without)
    scene.good_run()
    assert routes_of(scene) == ingresses
    assert scene.good_run()["actions"] == []


def test_pods_are_in_both_target_groups_until_the_former_one_is_no_longer_asked(scene: WorkloadScene) -> None:
    scene.settings_file.write_text(scene.settings_file.read_text() + BEHIND_ALB)
    result = scene.good_run({"time": stdio()})
    bind(scene, result, OTHER)
    bind(scene, result, GROUP, OTHER)
    assert bound(scene) == sorted([f"{GROUP}/time", f"{OTHER}/time"])
    assert bind(scene, result, GROUP, OTHER)["actions"] == []
    bind(scene, result, GROUP)
    assert bound(scene) == [f"{GROUP}/time"]


def test_eks_auto_mode_has_bindings_of_its_own(scene: WorkloadScene) -> None:
    text = scene.settings_file.read_text().replace("[kubernetes]", f"[kubernetes]\ntarget_group_binding = {AUTO_MODE}")
    scene.settings_file.write_text(text + BEHIND_ALB)
    result = scene.good_run({"time": stdio()})
    assert [each["action"] for each in bind(scene, result)["actions"]] == ["create"]
    assert bind(scene, result)["actions"] == []
    assert bound(scene) == [], "those are of the AWS Load Balancer Controller"
    scene.good_run({})
    assert [each["action"] for each in bind(scene, result)["actions"]] == ["create"], "they went with the fleet"


def test_the_bindings_of_a_server_go_with_it_and_all_when_the_fleet_leaves(scene: WorkloadScene) -> None:
    scene.settings_file.write_text(scene.settings_file.read_text() + BEHIND_ALB)
    bind(scene, scene.good_run({"time": stdio(), "orders": http()}))
    bind(scene, scene.good_run({"orders": http()}))
    assert bound(scene) == [f"{GROUP}/orders"]
    scene.good_run({})
    assert (bound(scene), routes_of(scene)) == ([], [])


def test_pods_of_a_server_that_leaves_for_hosts_stay_bound_until_those_serve(scene: WorkloadScene) -> None:
    scene.settings_file.write_text(scene.settings_file.read_text() + BEHIND_ALB)
    bind(scene, scene.good_run({"time": stdio(), "orders": http()}))
    stays = scene.run(leaving=["orders"])
    assert (stays["actions"], bind(scene, stays, protected=["orders"])["actions"]) == ([], [])
    assert bound(scene) == [f"{GROUP}/orders", f"{GROUP}/time"]
    gone = scene.run(leaving=["orders"], returned=["orders"])
    assert {each["server"] for each in gone["actions"]} == {"orders"}
    assert bound(scene) == [f"{GROUP}/time"]
    assert not [each for each in scene.objects() if "mcp-orders" in each]


def test_pods_of_a_server_whose_entry_is_wrong_stay_bound(scene: WorkloadScene) -> None:
    scene.settings_file.write_text(scene.settings_file.read_text() + BEHIND_ALB)
    bind(scene, scene.good_run({"time": stdio(), "orders": http()}))
    scene.config({"time": stdio(), "orders": {"command": 1}})
    left = scene.run()
    assert left["actions"] == []
    assert bind(scene, left, protected=["orders"])["actions"] == []


def test_a_file_names_the_target_group_that_the_run_s_own_routes_have(scene: WorkloadScene, tmp_path: Path) -> None:
    scene.settings_file.write_text(scene.settings_file.read_text() + BEHIND_ALB)
    result = scene.good_run(FLEET)
    settings = read_settings(str(scene.settings_file))
    endpoints = [Endpoint.from_dict(each) for each in result["endpoints"]]
    (hop,) = hops_to(settings, endpoints, Installation(1, NOBODY, NOBODY, 2, "/"))
    desired = desired_routes(hop, settings, ARN, "10.0.0.7")
    exported = {key: scene.arguments()[key] for key in ("config", "settings", "key_file", "docker_host")}
    module.run({**exported, "path": str(tmp_path / "k8s"), "format": "objects"}, False)
    written = [one for each in (tmp_path / "k8s").glob("mcp-*") for one in yaml.safe_load_all(each.read_text())]
    named = {
        each["spec"]["serviceRef"]["name"].removeprefix("mcp-"): each["spec"]["targetGroupName"]
        for each in written
        if each["kind"] == BINDING
    }
    assert named == {name: desired.group_names[name] for name in FLEET}
    assert all(route.elsewhere and not route.ports for route in desired.routes if route.name in FLEET)
