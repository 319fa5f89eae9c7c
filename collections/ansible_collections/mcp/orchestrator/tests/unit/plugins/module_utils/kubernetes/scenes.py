# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster, and servers of every kind that are to run there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import Reference
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.aws import Aws
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.kubernetes import Kubernetes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Image
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.server import render
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload

LISTENER = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/mcp/0123456789abcdef/fedcba9876543210"
IMAGE = Image("sha256:1", entrypoint=("/bin/server",), command=("--stdio",), user="1000", exposed=(8000,))
CLUSTER = Kubernetes(
    bridge_image="registry.example.com/mcp/bridge:1",
    image_registry="registry.example.com/built",
    router_networks=("10.0.0.0/16",),
    cluster_networks=("10.244.0.0/16", "fd12::/64"),
    ssm_store="ClusterSecretStore/parameters",
)
SETTINGS = Settings(kubernetes=CLUSTER, ingress_strip_annotations={"nginx.ingress.kubernetes.io/rewrite-target": "/$2"})
ON_AWS = replace(SETTINGS, aws=Aws(listener_arn=LISTENER, target_type="ip"))
DIGEST = "0123456789abcdef"


def cluster(**changes: Any) -> Settings:
    """The settings with other ones of [kubernetes]."""
    return replace(SETTINGS, kubernetes=replace(CLUSTER, **changes))


def spec(name: str = "time", **more: Any) -> Spec:
    """A stdio server, or with ``transport`` http one that says where it is healthy."""
    wanted: dict[str, Any] = {"image": "mcp/time:1", "path": f"/mcp/{name}", "health_path": f"/mcp/{name}/health"}
    if more.get("transport", "stdio") != "stdio":
        wanted |= {"port": 8000, "health_path": "/health", "strip_prefix": True}
    return Spec.from_dict({"name": name, **wanted, "tmpfs": ["/tmp"], **more}).with_generation()


def workload(name: str = "time", settings: Settings = SETTINGS, **more: Any) -> Workload:
    """A server whose image is known."""
    addresses = {host: ("192.0.2.7/32", "192.0.2.8/32") for host in more.get("network", ()) if "." in host}
    return Workload(spec(name, **more), settings, IMAGE, addresses, is_for_files=True)


def rendered(name: str = "time", settings: Settings = SETTINGS, **more: Any) -> dict[str, Object]:
    """The objects of a server without errors, by kind."""
    objects, findings = render(workload(name, settings, **more))
    assert not findings.errors
    return {each["kind"]: each for each in objects}


def errors_of(name: str = "time", settings: Settings = SETTINGS, **more: Any) -> list[str]:
    """Why a server cannot run there."""
    _objects, findings = render(workload(name, settings, **more))
    return findings.errors


def pod_of(objects: dict[str, Object]) -> Object:
    """The spec of the pod among the objects of a server."""
    pod: Object = objects["Deployment"]["spec"]["template"]["spec"]
    return pod


def sample_fleet(settings: Settings) -> Iterator[Workload]:
    """A server of every kind, between them with every kind of object and every field that there can be."""
    yield workload(settings=settings)
    yield workload(
        "pooled",
        settings,
        isolation="pooled",
        replicas=2,
        autoscaling={"max": 5, "cpu": 60},
        network=["api.example.com", "10.0.7.0/24"],
        env={"TOKEN": DIGEST},
    )
    yield replace(
        workload("Orders.v2", settings, transport="http", env={"A": DIGEST, "B": DIGEST}, network="fleet", replicas=3),
        references={"A": Reference("ssm", "/mcp/a")},
        values="abc",
    )
    yield workload("closed", settings, network="none", volumes=["closed-data:/data"], bridge={"secret_args": 1})
    yield workload("reader", settings, volumes=["shared-data:/data:ro"], user="1000:2000", platform="linux/arm64")
    yield workload(
        "flags",
        settings,
        transport="http",
        health_matcher="200-499",
        strip_prefix=False,
        entrypoint=["/bin/x"],
        command=["$(HOME)", "1e3", "y"],
        workdir="/srv",
        tmpfs=["/tmp", "/run:size=16m,mode=0700"],
        labels={"team": "billing", "odd label/x/y": "?"},
        host_config={
            "ShmSize": 64 * 1024**2,
            "ExtraHosts": ["db:10.0.7.4"],
            "Dns": ["10.0.0.2"],
            "DnsOptions": ["ndots:2"],
            "DnsSearch": ["example.com"],
            "GroupAdd": ["44"],
            "CapAdd": ["NET_BIND_SERVICE"],
            "Sysctls": {"net.ipv4.tcp_syncookies": "1"},
            "MemoryReservation": 128 * 1024**2,
            "Ulimits": [{"Name": "nofile", "Soft": 5, "Hard": 5}],
        },
        container_config={"Hostname": "flags"},
    )
