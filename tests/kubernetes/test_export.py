"""What the export writes, at a real API server: taken as it is, and kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import module
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.difference import differences
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.fleet import render_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import MANAGER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.text import document
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import (
    ON_AWS,
    SETTINGS,
    sample_fleet,
)

from tests.e2e.support.waiting import until
from tests.kubernetes.api import Object
from tests.kubernetes.cluster import PATIENCE, Cluster, is_true

OLDEST = "1.20"


def render(settings: Settings, namespace: str) -> list[Object]:
    """All objects of a fleet with a server of every kind, for the API of this cluster."""
    of_cluster = replace(settings.kubernetes, namespace=namespace, version=OLDEST)
    settings = replace(settings, kubernetes=of_cluster)
    rendering = render_fleet(list(sample_fleet(settings)), settings)
    assert not rendering.errors
    assert not any(each.errors for each in rendering.findings.values())
    return [each for made in rendering.objects.values() for each in made]


def apply(cluster: Cluster, path: Path, *options: str) -> None:
    cluster.kubectl("apply", "--server-side", f"--field-manager={MANAGER}", "-f", str(path), *options)


def read(cluster: Cluster, objects: Sequence[Object], namespace: str) -> list[Object]:
    return [cluster.api.read(each["kind"], each["metadata"]["name"], namespace) for each in objects]


def content(each: Object) -> Object:
    """An object without what controllers say of it, and when it was last written.

    A resource of another project with defaults is written anew by each apply to this API server, as it is.
    """
    metadata = {
        key: value for key, value in each["metadata"].items() if key not in ("resourceVersion", "managedFields")
    }
    metadata.get("annotations", {}).pop("deployment.kubernetes.io/revision", None)
    return {**{key: value for key, value in each.items() if key != "status"}, "metadata": metadata}


def make_secrets(cluster: Cluster, deployments: Sequence[Object], namespace: str) -> None:
    """The Secrets that somebody has to make, and those that External Secrets would."""
    names = {
        variable["valueFrom"]["secretKeyRef"]["name"]
        for each in deployments
        for variable in each["spec"]["template"]["spec"]["containers"][0].get("env", ())
    }
    for name in sorted(names):
        values = {"A": "1", "B": "2", "TOKEN": "3", "MCP_BRIDGE_SESSION_KEYS": "4"}
        cluster.api.create(
            {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}, namespace
        )


@pytest.mark.parametrize("settings", [SETTINGS, ON_AWS], ids=["ingress", "aws"])
def test_a_server_of_every_kind_is_taken_kept_and_gets_ready(
    cluster: Cluster, namespace: str, tmp_path: Path, settings: Settings
) -> None:
    objects = render(settings, namespace)
    (tmp_path / "all.yaml").write_text(document([], objects))
    apply(cluster, tmp_path / "all.yaml")
    taken = read(cluster, objects, namespace)
    found = [str(each) for one, there in zip(objects, taken, strict=True) for each in differences(one, there, MANAGER)]
    assert found == []

    deployments = [each for each in objects if each["kind"] == "Deployment"]
    make_secrets(cluster, deployments, namespace)
    least = {each["metadata"]["name"]: each["spec"].get("replicas", 2) for each in deployments}

    def ready() -> bool:
        there = cluster.api.list("Deployment", namespace)
        return least == {each["metadata"]["name"]: each["status"].get("readyReplicas", 0) for each in there}

    until(ready, "all pods are ready", PATIENCE)
    before = [content(each) for each in read(cluster, objects, namespace)]
    apply(cluster, tmp_path / "all.yaml")
    assert [content(each) for each in read(cluster, objects, namespace)] == before


def test_a_directory_of_the_export_is_applied_as_the_documentation_says(
    cluster: Cluster, namespace: str, tmp_path: Path
) -> None:
    servers: dict[str, Any] = {
        "time": {"command": "docker", "args": ["run", "-i", "--rm", "--entrypoint", "/bin/time", "mcp/time:1"]},
        "orders": {
            "command": "docker",
            "args": ["run", "-p", "8000", "-e", "TOKEN", "mcp/orders:1"],
            "env": {"TOKEN": "canary"},
            "orchestrator": {"replicas": 2, "strip_prefix": False},
        },
    }
    lines = [
        "[kubernetes]",
        f"namespace = {namespace}",
        f"version = {OLDEST}",
        "bridge_image = registry.example.com/bridge:1",
        "router_namespace = ingress-nginx",
        "cluster_networks = 10.244.0.0/16",
    ]
    (tmp_path / "mcp.config.json").write_text(json.dumps({"mcpServers": servers}))
    (tmp_path / "settings.conf").write_text("\n".join(lines))
    result = module.run(
        {
            "path": str(tmp_path / "k8s"),
            "config": [str(tmp_path / "mcp.config.json")],
            "settings": str(tmp_path / "settings.conf"),
            "key_file": None,
            "docker_host": "unix:///nowhere.sock",
            "format": "objects",
        },
        check_mode=False,
    )
    assert result["servers"] == ["orders", "time"]
    cluster.kubectl("apply", "--server-side", "-k", str(tmp_path / "k8s"))
    cluster.kubectl("-n", namespace, "rollout", "status", "deployment/mcp-time", f"--timeout={PATIENCE:.0f}s")

    until(lambda: waiting_reasons(cluster, namespace) == {"CreateContainerConfigError"}, "a Secret is missed", PATIENCE)
    cluster.kubectl("-n", namespace, "create", "secret", "generic", "mcp-orders-env", "--from-literal=TOKEN=canary")
    cluster.kubectl("-n", namespace, "rollout", "status", "deployment/mcp-orders", f"--timeout={PATIENCE:.0f}s")
    written = list(yaml.safe_load_all((tmp_path / "k8s" / "mcp-orders.yaml").read_text()))
    for each in written:
        there = cluster.api.read(each["kind"], each["metadata"]["name"], namespace)
        assert [str(found) for found in differences(each, there, "kubectl")] == []
    endpoints = cluster.api.read("Endpoints", "mcp-orders", namespace)
    assert [len(each["addresses"]) for each in endpoints["subsets"]] == [2]
    assert all(is_true(each, "Ready") for each in cluster.api.list("Pod", namespace))


def waiting_reasons(cluster: Cluster, namespace: str) -> set[str]:
    """Why containers in a namespace wait."""
    states = [each for pod in cluster.api.list("Pod", namespace) for each in pod["status"].get("containerStatuses", ())]
    return {each["state"]["waiting"]["reason"] for each in states if "waiting" in each["state"]}
