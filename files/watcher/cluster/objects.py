"""The fleet's objects, as far as somebody else's hand shows on them, and Deployments that do not serve. Pure.

Whoever changes a field of ours takes it away from those that we own, which the API server notes
(https://kubernetes.io/docs/reference/using-api/server-side-apply/#field-management). So what others own beside ours,
and what controllers write into a status, shows nothing here.
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from watcher.engine.model import FLEET_LABEL, SERVER_LABEL

Object = dict[str, Any]
MANAGER = "mcp-orchestrator"
SERVER_ANNOTATION = "mcp_server"
# For so long a Deployment has to lack pods before that is more than one pod that is replaced.
PATIENCE_SECONDS = 10.0
DEPLOYMENTS = "deployments"
# As a config may have it (module_utils/config/read/keys.py).
_SERVER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


@dataclass(frozen=True, slots=True)
class ClusterObject:
    """``id`` is kind and name, as a run's report has that of a Deployment. ``mine``: a digest of the fields of which we
    are the owner. ``lacking``: since when it has been without pods that it should have, in seconds of any one clock,
    None where it is not; ``leaves`` whether it is on its way out."""

    id: str
    name: str
    kind: str
    uid: str
    server: str
    mine: int
    leaves: bool = False
    lacking: float | None = None
    is_late: bool = False
    """Whether it has been lacking for so long that it calls for a run."""

    @property
    def trouble(self) -> str:
        """What it shows by itself."""
        return "is not ready" if self.is_late else ""

    @property
    def serves(self) -> bool:
        """Whether it is a Deployment with all its pods."""
        return self.kind == "Deployment" and self.lacking is None

    @property
    def lasts(self) -> bool:
        """Whether no run removes it as long as its server is to run."""
        return self.kind in _OF_EVERY_SERVER

    def troubles_since(self, now: ClusterObject | None) -> Iterator[str]:
        """Yields what has been done to it until now; None: it is gone."""
        if self.leaves:
            return
        if now is None or now.uid != self.uid:
            yield f"had its {self.kind} removed"
        elif now.mine != self.mine and not now.leaves:
            yield f"had its {self.kind} changed"
        elif self.is_late and now.lacking is None:
            yield "is ready again"


def cluster_object(plural: str, each: Object, before: ClusterObject | None, at: float) -> ClusterObject:
    """Returns what is to be known of an object of a collection at a time; ``before`` is what was known of it."""
    metadata = each["metadata"]
    name, uid = str(metadata["name"]), str(metadata.get("uid", ""))
    lacking = None
    if plural == DEPLOYMENTS and _lacks(each):
        same = before is not None and before.uid == uid and before.lacking is not None
        lacking = before.lacking if before is not None and same else at
    return ClusterObject(
        id=f"{_singular(plural)}/{name}",
        name=name,
        kind=_KINDS.get(plural, _singular(plural)),
        uid=uid,
        server=server_of(metadata),
        mine=_mine(each),
        leaves=bool(metadata.get("deletionTimestamp")),
        lacking=lacking,
    )


def server_of(metadata: Mapping[str, Any]) -> str:
    """Returns the server of an object or a pod; an annotation has the name that cannot stand in a label."""
    labels, annotations = metadata.get("labels") or {}, metadata.get("annotations") or {}
    found = str(annotations.get(SERVER_ANNOTATION) or labels.get(SERVER_LABEL, ""))
    # Anybody in the namespace may write it, and it becomes the name of a directory.
    return found if _SERVER.fullmatch(found) else ""


def selector_of(fleet: str) -> str:
    """Returns how the API server is asked for the fleet's: not for what a run has for a while to verify a new pod."""
    return f"{FLEET_LABEL}={fleet},!mcp_verifies"


def is_of(fleet: str, metadata: Mapping[str, Any]) -> bool:
    """Returns whether the fleet's label is on it."""
    return bool((metadata.get("labels") or {}).get(FLEET_LABEL) == fleet)


def _mine(each: Object) -> int:
    """A digest of the fields that we own. Before 1.22 nobody notes who scales a Deployment: its number counts too."""
    owned = sorted(
        json.dumps(entry.get("fieldsV1") or {}, sort_keys=True)
        for entry in each["metadata"].get("managedFields") or ()
        if entry.get("manager") == MANAGER and entry.get("subresource") != "status"
    )
    scaled = (each.get("spec") or {}).get("replicas") if any('"f:replicas"' in text for text in owned) else None
    return zlib.crc32("\n".join([*owned, str(scaled)]).encode())


def _lacks(deployment: Object) -> bool:
    """Whether fewer pods than desired are available, or it has given up replacing them."""
    spec, status = deployment.get("spec") or {}, deployment.get("status") or {}
    return int(status.get("availableReplicas") or 0) < int(spec.get("replicas", 1))


_OF_EVERY_SERVER = frozenset({"ServiceAccount", "NetworkPolicy", "Deployment", "Service"})
_KINDS = {
    "serviceaccounts": "ServiceAccount",
    "externalsecrets": "ExternalSecret",
    "networkpolicies": "NetworkPolicy",
    "deployments": "Deployment",
    "services": "Service",
    "poddisruptionbudgets": "PodDisruptionBudget",
    "horizontalpodautoscalers": "HorizontalPodAutoscaler",
    "ingresses": "Ingress",
    "targetgroupbindings": "TargetGroupBinding",
}


def _singular(plural: str) -> str:
    return _KINDS.get(plural, plural).lower()
