# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A cluster that applies objects as the API server does, and notes who owns which field.

Which lists are merged by which keys, and what is replaced as a whole, is as in Kubernetes' own OpenAPI document.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import MANAGER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import Key, Plan, key_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

LIST_KEYS = {
    "containers": ("name",),
    "env": ("name",),
    "hostAliases": ("ip",),
    "initContainers": ("name",),
    "topologySpreadConstraints": ("topologyKey", "whenUnsatisfiable"),
    "volumeMounts": ("mountPath",),
    "volumes": ("name",),
}
WHOLE = {"labelSelector", "nodeSelector", "podSelector", "selector"}
Path = tuple[str, ...]


class Live:
    """One object: the value of each leaf by its path, and the paths that each manager owns."""

    def __init__(self) -> None:
        self.leaves: dict[Path, Any] = {}
        self.owned: dict[str, set[Path]] = {}
        self.owner_references: list[Any] = []

    def apply(self, desired: Object, manager: str) -> None:
        """A server-side apply with force."""
        wanted = dict(_leaves(desired, ()))
        others = {path for name, paths in self.owned.items() if name != manager for path in paths}
        for path in self.owned.get(manager, set()) - set(wanted) - others:
            self.leaves.pop(path, None)
        for path, value in wanted.items():
            if path not in self.leaves or self.leaves[path] != value:
                self.change(path, value, manager)
        self.owned[manager] = set(wanted)
        if desired["kind"] == "Deployment":
            self.leaves.setdefault(("f:spec", "f:replicas"), 1)
            self.leaves.setdefault(("f:spec", "f:template", "f:spec", "f:dnsPolicy"), "ClusterFirst")

    def change(self, path: Path, value: Any, manager: str) -> None:
        """An update of one field, as kubectl edit makes it."""
        for paths in self.owned.values():
            paths.discard(path)
        self.owned.setdefault(manager, set()).add(path)
        self.leaves[path] = copy.deepcopy(value)

    def drop(self, path: Path) -> None:
        """An update that removes a field."""
        for paths in self.owned.values():
            paths.discard(path)
        self.leaves.pop(path)

    def object(self) -> Object:
        """As the API server shows it."""
        made: Object = {}
        for path, value in self.leaves.items():
            _put(made, path, copy.deepcopy(value))
        fields = [
            {"manager": name, "operation": "Apply", "fieldsType": "FieldsV1", "fieldsV1": _tree(paths)}
            for name, paths in self.owned.items()
        ]
        made["metadata"] |= {"managedFields": fields, "uid": "1", "resourceVersion": "7"}
        if self.owner_references:
            made["metadata"]["ownerReferences"] = self.owner_references
        return made


class Cluster:
    """Objects of one namespace."""

    def __init__(self) -> None:
        self.live: dict[Key, Live] = {}

    def apply(self, each: Object, manager: str = MANAGER) -> Live:
        live = self.live.setdefault(key_of(each), Live())
        live.apply(each, manager)
        return live

    def observed(self) -> list[Object]:
        return [each.object() for each in self.live.values()]

    def do(self, planned: Plan) -> None:
        """Carries a plan out."""
        for action in planned.actions:
            if action.verb == "remove":
                del self.live[action.key]
                continue
            if action.handed_over is not None:
                self.apply(action.handed_over, "mcp-orchestrator-scale")
            self.apply(action.object)


def _leaves(value: Any, path: Path) -> Any:
    name = path[-1][2:] if path else ""
    keys = _keys(name, value)
    if isinstance(value, dict) and value and name not in WHOLE:
        for key, each in value.items():
            yield from _leaves(each, (*path, f"f:{key}"))
    elif keys and isinstance(value, list):
        for each in value:
            place = f"k:{json.dumps({key: each[key] for key in keys}, separators=(',', ':'))}"
            yield from _leaves(each, (*path, place))
    else:
        yield path, value


def _keys(name: str, value: Any) -> tuple[str, ...]:
    if name == "ports" and isinstance(value, list) and value:
        return ("containerPort" if "containerPort" in value[0] else "port", "protocol")
    return LIST_KEYS.get(name, ())


def _put(made: Any, path: Path, value: Any) -> None:
    """Puts a leaf into an object; a list is made where items of one are named."""
    for name, following in zip(path, (*path[1:], ""), strict=True):
        empty: Any = [] if following.startswith("k:") else {}
        last = following == ""
        if name.startswith("f:"):
            if last:
                made[name[2:]] = value
            else:
                made = made.setdefault(name[2:], empty)
        else:
            keys = json.loads(name[2:])
            found = next((each for each in made if all(each.get(key) == keys[key] for key in keys)), None)
            if found is None:
                found = dict(keys)
                made.append(found)
            made = found


def _tree(paths: set[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        if path in ((("f:apiVersion"),), ("f:kind",), ("f:metadata", "f:name"), ("f:metadata", "f:namespace")):
            continue
        below = tree
        for name in path:
            below = below.setdefault(name, {".": {}} if name.startswith("k:") else {})
    return tree
