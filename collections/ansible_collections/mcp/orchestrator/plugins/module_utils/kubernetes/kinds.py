# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The kinds of objects that a fleet is made of, and where the API server has them.

They are named here and not looked up: discovery costs several requests, and the settings say how old the cluster is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.scaling import (
    HPA_V2,
    PDB_V1,
    autoscaler,
    disruption_budget,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.target_group_binding import (
    KIND as TARGET_GROUP_BINDING,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.variables import (
    EXTERNAL_SECRETS,
    external_secrets,
    secret,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload


@dataclass(frozen=True)
class Kind:
    """``api_version`` is group and version, the version alone in the core group; ``plural`` is its name in paths.
    ``in_namespace`` is whether its objects are in one, rather than the cluster's."""

    api_version: str
    kind: str
    plural: str
    in_namespace: bool = True

    @property
    def group(self) -> str:
        """The API group, empty for the core group."""
        return self.api_version.rpartition("/")[0]

    @property
    def key(self) -> tuple[str, str]:
        """Group and kind, by which objects are known whatever their version."""
        return self.group, self.kind

    @property
    def text(self) -> str:
        """Group and kind as kubectl writes them: ``Deployment.apps``."""
        return f"{self.kind}.{self.group}" if self.group else self.kind

    def path(self, namespace: str, name: str = "") -> str:
        """Returns where the API server has all of them in a namespace, or one of them."""
        root = "apis" if self.group else "api"
        place = f"/namespaces/{namespace}" if self.in_namespace else ""
        return f"/{root}/{self.api_version}{place}/{self.plural}" + (f"/{name}" if name else "")


SERVICE_ACCOUNT = Kind("v1", "ServiceAccount", "serviceaccounts")
SECRET = Kind("v1", "Secret", "secrets")
SERVICE = Kind("v1", "Service", "services")
CONFIG_MAP = Kind("v1", "ConfigMap", "configmaps")
POD = Kind("v1", "Pod", "pods")
EVENT = Kind("v1", "Event", "events")
POD_METRICS = Kind("metrics.k8s.io/v1beta1", "PodMetrics", "pods")
NAMESPACE = Kind("v1", "Namespace", "namespaces", in_namespace=False)
RESOURCE_QUOTA = Kind("v1", "ResourceQuota", "resourcequotas")
ROLE = Kind("rbac.authorization.k8s.io/v1", "Role", "roles")
ROLE_BINDING = Kind("rbac.authorization.k8s.io/v1", "RoleBinding", "rolebindings")
DEPLOYMENT = Kind("apps/v1", "Deployment", "deployments")
REPLICA_SET = Kind("apps/v1", "ReplicaSet", "replicasets")
NETWORK_POLICY = Kind("networking.k8s.io/v1", "NetworkPolicy", "networkpolicies")
INGRESS = Kind("networking.k8s.io/v1", "Ingress", "ingresses")
EXTERNAL_SECRET = Kind(EXTERNAL_SECRETS, "ExternalSecret", "externalsecrets")


def fleet_kinds(settings: Settings) -> tuple[Kind, ...]:
    """Returns every kind of which a fleet may have objects, in the order in which they are made."""
    version = settings.kubernetes.version_number
    return (
        SERVICE_ACCOUNT,
        SECRET,
        EXTERNAL_SECRET,
        NETWORK_POLICY,
        DEPLOYMENT,
        SERVICE,
        Kind(f"policy/{'v1' if version >= PDB_V1 else 'v1beta1'}", "PodDisruptionBudget", "poddisruptionbudgets"),
        Kind(
            f"autoscaling/{'v2' if version >= HPA_V2 else 'v2beta2'}",
            "HorizontalPodAutoscaler",
            "horizontalpodautoscalers",
        ),
        INGRESS,
        binding_kind(settings),
    )


def binding_kind(settings: Settings) -> Kind:
    """Returns the kind of the objects by which a load balancer's controller registers pods."""
    return Kind(settings.kubernetes.target_group_binding, TARGET_GROUP_BINDING, "targetgroupbindings")


def desired_kinds(workloads: Iterable[Workload], kinds: Iterable[Kind]) -> frozenset[Kind]:
    """Returns the kinds of which the objects of these servers are, before those are made."""
    found = {"ServiceAccount", "NetworkPolicy", "Deployment", "Service"}
    for each in workloads:
        found |= set() if each.settings.aws.is_named else {"Ingress"}
        made = [*secret(each), *external_secrets(each), *disruption_budget(each), *autoscaler(each)]
        found |= {one["kind"] for one in made}
    return frozenset(kind for kind in kinds if kind.kind in found)


def removal_by_hand(settings: Settings) -> str:
    """Returns the command by which a person removes everything that a fleet has in the cluster.

    kubectl refuses all where it does not know one kind, so those are left out that the settings do not ask for.
    """
    asked = {
        "ExternalSecret": bool(settings.kubernetes.ssm_store or settings.kubernetes.secretsmanager_store),
        "TargetGroupBinding": settings.aws.is_named,
    }
    kinds = [each for each in (*fleet_kinds(settings)[::-1], CONFIG_MAP) if asked.get(each.kind, True)]
    named = ",".join(f"{each.plural}.{each.group}" if each.group else each.plural for each in kinds)
    return f"kubectl -n {settings.kubernetes.namespace} delete {named} -l {labels.FLEET}={settings.service.fleet}"


def kind_of(each: Object, kinds: Iterable[Kind]) -> Kind:
    """Returns the kind of an object. Raises KeyError where it is none of these."""
    for kind in kinds:
        if kind.api_version == each["apiVersion"] and kind.kind == each["kind"]:
            return kind
    raise KeyError(f"{each['kind']} in {each['apiVersion']}")
