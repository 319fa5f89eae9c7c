"""The way to pods: an Ingress, or a TargetGroupBinding onto the very target group that the ALB's code makes."""

from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.backend import desired_routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import ControlPlane
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Installation, hops_to

from tests.kubernetes.cluster import Cluster
from tests.kubernetes.workload_scene import WorkloadScene, http, stdio

ARN = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/mcp/0123456789abcdef/fedcba9876543210"
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


def test_a_listener_in_the_settings_takes_the_place_of_ingresses_and_they_of_it(scene: WorkloadScene) -> None:
    scene.good_run(FLEET)
    assert routes_of(scene) == ["Ingress mcp-orders", "Ingress mcp-stripped", "Ingress mcp-time"]
    without = scene.settings_file.read_text()
    scene.settings_file.write_text(without + BEHIND_ALB)
    moved = scene.good_run()
    assert {each.split()[0] for action in moved["actions"] for each in action["objects"]} == {
        "Ingress",
        "TargetGroupBinding",
    }
    assert scene.good_run()["actions"] == []
    scene.settings_file.write_text(without)
    scene.good_run()
    assert routes_of(scene) == ["Ingress mcp-orders", "Ingress mcp-stripped", "Ingress mcp-time"]
    assert scene.good_run()["actions"] == []


def test_a_binding_names_the_target_group_that_the_run_s_own_routes_have(scene: WorkloadScene) -> None:
    scene.settings_file.write_text(scene.settings_file.read_text() + BEHIND_ALB)
    result = scene.good_run(FLEET)
    settings = read_settings(str(scene.settings_file))
    endpoints = [Endpoint.from_dict(each) for each in result["endpoints"]]
    (hop,) = hops_to(settings, endpoints, Installation(1, NOBODY, NOBODY, 2, "/"))
    desired = desired_routes(hop, settings, ARN, "10.0.0.7")
    bound = {
        each["spec"]["serviceRef"]["name"].removeprefix("mcp-"): each["spec"]["targetGroupName"]
        for each in scene.cluster.api.list("TargetGroupBinding", scene.namespace)
    }
    assert bound == {name: desired.group_names[name] for name in FLEET}
    assert all(route.elsewhere and not route.ports for route in desired.routes if route.name in FLEET)
