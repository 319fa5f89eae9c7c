# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster as the converging code asks for it, with a controller that is done at once, and pods that fail by their
image's tag."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import Kind
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import key_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.port_forward import Forward
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.simulated_cluster import (
    Cluster,
    Live,
)


@dataclass
class FakeCluster:
    """``refused`` are the names of objects that no apply may change; ``revisions`` the templates that each Deployment
    had, the newest last; ``served`` those that were ready; ``bad`` the tag of images that fail; ``forwarded`` the pods
    and ports to which one was led."""

    store: Cluster = field(default_factory=Cluster)
    namespace: str = "mcp"
    refused: set[str] = field(default_factory=set)
    calls: Counter[str] = field(default_factory=Counter)
    revisions: dict[str, list[Object]] = field(default_factory=dict)
    served: list[Object] = field(default_factory=list)
    bad: str = "bad"
    forwarded: list[tuple[str, int]] = field(default_factory=list)

    def get(self, kind: Kind, name: str) -> Object | None:
        self.calls["get"] += 1
        live = self.store.live.get((*kind.key, name))
        return None if live is None else self._shown(live)

    def objects(
        self, kind: Kind, selector: str = "", *, fields: str = "", names_alone: bool = False
    ) -> list[Object] | None:
        self.calls["list"] += 1
        if kind.kind == "ReplicaSet":
            return self._replica_sets()
        if kind.kind == "Pod":
            pods = [self._pod(name) for name in self.revisions]
            return [each for each in pods if _wanted(selector).items() <= each["metadata"]["labels"].items()]
        if kind.kind == "Event":
            return [{"reason": "Failed", "message": "it is bad", "lastTimestamp": "1"}]
        found = [self._shown(each) for key, each in self.store.live.items() if key[:2] == kind.key]
        found = [each for each in found if _wanted(selector).items() <= (each["metadata"].get("labels") or {}).items()]
        keep = ("apiVersion", "kind", "metadata") if names_alone else tuple({key for each in found for key in each})
        return [{key: value for key, value in each.items() if key in keep} for each in found]

    def apply(self, kind: Kind, each: Object, manager: str, *, force: bool) -> Object:
        self.calls["apply"] += 1
        name = each["metadata"]["name"]
        if name in self.refused:
            raise ClusterError(f"cannot apply {kind.kind} {name}: it is refused", 422)
        applied = copy.deepcopy(each)
        applied["metadata"].pop("uid", None)
        live = self.store.apply(applied, manager)
        made = self._shown(live)
        if kind.kind == "Deployment":
            history = self.revisions.setdefault(name, [])
            template = made["spec"]["template"]
            if template in history:
                history.remove(template)
            history.append(template)
        return self._shown(live)

    def give(self, kind: Kind, each: Object, managed_fields: Sequence[Object]) -> None:
        raise NotImplementedError("the simulated API server takes two items of the same name")

    def remove(self, kind: Kind, name: str, uid: str) -> None:
        self.calls["remove"] += 1
        self.store.live.pop((*kind.key, name), None)
        self.revisions.pop(name, None)

    def log(self, pod: str, container: str, lines: int, *, previous: bool = False) -> str:
        self.calls["log"] += 1
        return "its last word\n"

    @contextmanager
    def forward(self, pod: str, port: int) -> Iterator[Forward]:
        self.calls["forward"] += 1
        self.forwarded.append((pod, port))
        yield Forward(40000)

    def _is_bad(self, name: str) -> bool:
        return str(self.revisions[name][-1]["spec"]["containers"][0]["image"]).endswith(self.bad)

    def _shown(self, live: Live) -> Object:
        made = live.object()
        made["metadata"]["uid"] = "-".join(key_of(made))
        if made["kind"] != "Deployment" or made["metadata"]["name"] not in self.revisions:
            return made
        name, desired = made["metadata"]["name"], made["spec"]["replicas"]
        bad = self._is_bad(name)
        updated = 1 if bad else desired
        ready = (desired if len(self.revisions[name]) > 1 else 0) if bad else desired
        total = desired + (1 if bad else 0)
        if not bad:
            self.served.append(self.revisions[name][-1])
        has_served = self.revisions[name][-1] in self.served
        reason = "NewReplicaSetAvailable" if has_served else "ReplicaSetUpdated"
        made["metadata"]["annotations"] = {
            **made["metadata"].get("annotations", {}),
            "deployment.kubernetes.io/revision": str(len(self.revisions[name])),
        }
        made["status"] = {
            "replicas": total,
            "updatedReplicas": updated,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "conditions": [{"type": "Progressing", "status": "True", "reason": reason}],
        }
        return made

    def _replica_sets(self) -> list[Object]:
        return [
            {
                "metadata": {
                    "name": f"{name}-{number}",
                    "ownerReferences": [{"uid": f"apps-Deployment-{name}"}],
                    "annotations": {"deployment.kubernetes.io/revision": str(number)},
                },
                "spec": {"template": _hashed(template)},
                "status": {"readyReplicas": 0 if number == len(history) else 1},
            }
            for name, history in self.revisions.items()
            for number, template in enumerate(history, 1)
        ]

    def _pod(self, name: str) -> Object:
        made = {"metadata": {"name": f"{name}-x", "labels": self.revisions[name][-1]["metadata"]["labels"]}}
        if not self._is_bad(name):
            return {**made, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
        waiting = {"waiting": {"reason": "ImagePullBackOff", "message": "no such image"}}
        status = {"containerStatuses": [{"name": "server", "state": waiting, "restartCount": 0}]}
        return {**made, "status": status}


def _wanted(selector: str) -> dict[str, str]:
    return dict(each.split("=") for each in selector.split(",") if each)


def _hashed(template: Object) -> Object:
    made = copy.deepcopy(template)
    made["metadata"]["labels"]["pod-template-hash"] = "abc"
    return made
