"""A whole site whose servers a cluster runs."""

from __future__ import annotations

from pathlib import Path

from tests.e2e.support.site import FLEET, Site, settings
from tests.kubernetes.cluster import Cluster

_SETTINGS = """
runtime = {runtime}
[kubernetes]
kubeconfig = {kubeconfig}
namespace = {namespace}
version = 1.20
bridge_image = registry.example.com/bridge:1
router_namespace = ingress-nginx
public_url =
rollout_timeout = 60
"""
KINDS = ("Deployment", "Service", "ServiceAccount", "Secret", "NetworkPolicy", "Ingress", "ConfigMap")


class ClusterSite(Site):
    """A site, and the namespace where its servers run. ``watcher``: it has one, which starts runs."""

    def __init__(self, root: Path, cluster: Cluster, namespace: str, *, watcher: bool = False) -> None:
        super().__init__(root)
        self.cluster, self.namespace, self._watcher = cluster, namespace, watcher

    def run_on(self, runtime: str) -> None:
        """Writes the settings; the account's kubeconfig is where the bootstrap puts it."""
        more = _SETTINGS.format(runtime=runtime, kubeconfig=self.etc / "kubeconfig", namespace=self.namespace)
        (self.etc / "settings.conf").write_text(settings(watcher=self._watcher) + more)

    def objects(self) -> list[str]:
        """Kind and name of all that bears the fleet's label."""
        asked = {"labelSelector": f"mcp_fleet={FLEET}"}
        api = self.cluster.api
        return [
            f"{kind} {each['metadata']['name']}" for kind in KINDS for each in api.list(kind, self.namespace, **asked)
        ]
