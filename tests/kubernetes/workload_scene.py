"""A fleet that mcp_workload keeps in a namespace of the tests' cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client import config_info
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import workload_module

from tests.kubernetes.api import Object
from tests.kubernetes.cluster import Cluster, is_true

SECRET = "swordfish-7"
KINDS = (
    "ServiceAccount",
    "Secret",
    "NetworkPolicy",
    "Deployment",
    "Service",
    "PodDisruptionBudget",
    "HorizontalPodAutoscaler",
    "Ingress",
    "TargetGroupBinding",
    "ConfigMap",
)
_SETTINGS = """
[kubernetes]
namespace = {namespace}
version = 1.20
kubeconfig = {kubeconfig}
bridge_image = registry.example.com/bridge:1
router_namespace = ingress-nginx
cluster_networks = 10.244.0.0/16
rollout_timeout = {timeout}
repair_drift = {repair}
"""


def stdio(image: str = "mcp/time:1", **extension: Any) -> dict[str, Any]:
    """The entry of a server that speaks stdio and has a secret."""
    return {
        "command": "docker",
        "args": ["run", "-i", "--rm", "-e", "TOKEN", "--entrypoint", "/bin/time", image],
        "env": {"TOKEN": SECRET},
        **({"orchestrator": extension} if extension else {}),
    }


def http(image: str = "mcp/orders:1", **extension: Any) -> dict[str, Any]:
    """The entry of a server that speaks HTTP."""
    return {
        "command": "docker",
        "args": ["run", "--rm", "-p", "8000", image],
        "orchestrator": {"strip_prefix": False, **extension},
    }


class WorkloadScene:
    """A config and settings in a folder. ``kubeconfig`` is how runs reach the cluster."""

    def __init__(self, cluster: Cluster, namespace: str, folder: Path) -> None:
        self.cluster, self.namespace, self.folder = cluster, namespace, folder
        self.config_file, self.settings_file = folder / "mcp.config.json", folder / "settings.conf"
        self.kubeconfig = cluster.kubeconfig
        (folder / "fleet.key").write_bytes(b"k" * 32)
        (folder / "session.key").write_text("s" * 64 + "\n")
        for name in ("fleet.key", "session.key"):
            (folder / name).chmod(0o600)
        self.settings()

    def settings(self, *, timeout: int = 60, repair: bool = True) -> None:
        """Writes the settings."""
        text = _SETTINGS.format(
            namespace=self.namespace, kubeconfig=self.kubeconfig, timeout=timeout, repair=str(repair).lower()
        )
        self.settings_file.write_text(text)

    def through(self, kubeconfig: Path) -> None:
        """Leads all runs through another kubeconfig."""
        self.kubeconfig = kubeconfig
        self.settings()

    def config(self, servers: Mapping[str, Mapping[str, Any]]) -> None:
        """Writes the config."""
        self.config_file.write_text(json.dumps({"mcpServers": servers}))

    def arguments(self) -> dict[str, Any]:
        """Returns the arguments of mcp_workload for the config as it is now."""
        files = {
            "config": [str(self.config_file)],
            "settings": str(self.settings_file),
            "key_file": str(self.folder / "fleet.key"),
        }
        read = result_of(config_info.run, {**files, "overrides": None}, False)
        return {
            **files,
            "servers": read["servers"],
            "protected": [each["server"] for each in read["errors"] if each["server"]],
            "session_key_file": str(self.folder / "session.key"),
            "verify": [],
            "docker_host": "unix:///nowhere.sock",
        }

    def run(self, *, check_mode: bool = False, **options: Any) -> dict[str, Any]:
        """Returns the result of a run, failed or not."""
        return result_of(workload_module.run, {**self.arguments(), **options}, check_mode)

    def good_run(self, servers: Mapping[str, Mapping[str, Any]] | None = None) -> dict[str, Any]:
        """Returns the result of a run without an error, of this config if one is given."""
        if servers is not None:
            self.config(servers)
        result = self.run()
        assert not result.get("failed"), result["msg"]
        return result

    def objects(self) -> dict[str, Object]:
        """Returns all objects in the namespace of the kinds that a fleet may have, by kind and name, without the tokens
        that this version's controllers make."""
        return {
            f"{kind} {each['metadata']['name']}": each
            for kind in KINDS
            for each in self.cluster.api.list(kind, self.namespace)
            if each.get("type") != "kubernetes.io/service-account-token"
        }

    def images(self) -> dict[str, list[str]]:
        """Returns the images of the ready pods to which each Service leads."""
        found: dict[str | None, list[str]] = {}
        for pod in self.cluster.api.list("Pod", self.namespace):
            if is_true(pod, "Ready") and not pod["metadata"].get("deletionTimestamp"):
                server = pod["metadata"]["labels"].get("mcp_service")
                found.setdefault(server, []).append(pod["spec"]["containers"][0]["image"])
        return {server: sorted(images) for server, images in found.items() if server is not None}
