# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is to be done so that a cluster has the objects of a fleet, and why. Pure.

An object is ours where it bears the fleet's label; what does not is never changed or removed, whatever it is called.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.difference import Difference, differences
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import MANAGER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

Key = tuple[str, str, str]
"""API group, kind and name of an object in the fleet's namespace."""


@dataclass(frozen=True)
class Action:
    """``object`` is what is created or applied, for a removal what is there. ``reasons`` are for people.

    ``handed_over`` is what has to be applied under another manager first: the number of replicas, when an autoscaler is
    to write it. Without that the API server sets a field to its default that its only owner no longer names.
    ``replaces_pods`` is whether new pods take the place of those that are there.
    """

    verb: Literal["create", "apply", "remove"]
    key: Key
    server: str
    object: Object
    reasons: tuple[str, ...] = ()
    handed_over: Object | None = None
    replaces_pods: bool = False


@dataclass(frozen=True)
class Plan:
    """``left`` is what others have changed and what stays so; ``taken`` tells by the value of ``mcp_service`` what of
    others is in the place of ours."""

    actions: tuple[Action, ...] = ()
    left: tuple[str, ...] = ()
    taken: Mapping[str, str] = field(default_factory=dict)


def plan(
    desired: Sequence[Object],
    observed: Sequence[Object],
    fleet: str,
    *,
    protected: Collection[str] = (),
    repair: bool = True,
) -> Plan:
    """Returns the actions in the order in which they are to be done: what is desired first, removals last.

    ``observed`` is what the cluster has of the kinds that we make. ``protected`` are the values of ``mcp_service`` of
    servers whose objects stay as they are. Without ``repair`` an object stays that others alone have changed.
    """
    there = {key_of(each): each for each in observed}
    wanted = {key_of(each): each for each in desired}
    actions: list[Action] = []
    left: list[str] = []
    taken: dict[str, list[str]] = {}
    for key, each in wanted.items():
        present = there.get(key)
        if server_of(each) in protected:
            continue
        if present is None:
            actions.append(Action("create", key, server_of(each), each))
        elif not is_ours(present, fleet):
            told_of = f"{_name(key)} is not of the fleet {fleet}; rename it, or the server"
            taken.setdefault(server_of(each), []).append(told_of)
        else:
            found = differences(each, present, MANAGER)
            told = tuple(f"{_name(key)}: {one}" for one in found)
            if found and not repair and all(one.by for one in found):
                left += told
            elif found:
                handed_over = _handed_over(each, present, found)
                actions.append(Action("apply", key, server_of(each), each, told, handed_over, _replaces_pods(found)))
    removals = _removals(wanted, there, fleet, protected)
    return Plan((*actions, *removals), tuple(left), {server: "; ".join(each) for server, each in taken.items()})


def key_of(each: Object) -> Key:
    """Returns by what an object is known; its version is not part of that."""
    group, slash, _version = each["apiVersion"].rpartition("/")
    return (group if slash else "", each["kind"], each["metadata"]["name"])


def is_ours(each: Object, fleet: str) -> bool:
    """Returns whether an object bears the fleet's label."""
    return _labels(each).get(labels.FLEET) == fleet


def _removals(
    wanted: Collection[Key], there: dict[Key, Object], fleet: str, protected: Collection[str]
) -> list[Action]:
    """What of ours is no longer desired, in the opposite order; what others make of ours goes with its owner."""
    gone = [
        Action("remove", key, server_of(each), each, (f"{_name(key)} is no longer desired",))
        for key, each in there.items()
        if key not in wanted
        and is_ours(each, fleet)
        and not each["metadata"].get("ownerReferences")
        and server_of(each) not in protected
    ]
    return gone[::-1]


def _handed_over(desired: Object, present: Object, found: Sequence[Difference]) -> Object | None:
    if desired["kind"] != "Deployment" or not any(each.path == "spec.replicas" and not each.desired for each in found):
        return None
    metadata = {key: desired["metadata"][key] for key in ("name", "namespace")}
    spec = {"replicas": present["spec"]["replicas"]}
    return {"apiVersion": desired["apiVersion"], "kind": "Deployment", "metadata": metadata, "spec": spec}


def _replaces_pods(found: Sequence[Difference]) -> bool:
    return any(each.path.startswith("spec.template.") for each in found)


def _labels(each: Object) -> dict[str, Any]:
    return each["metadata"].get("labels") or {}


def server_of(each: Object) -> str:
    """Returns the value of ``mcp_service`` of an object, empty where it has none."""
    return str(_labels(each).get(labels.SERVICE, ""))


def _name(key: Key) -> str:
    _group, kind, name = key
    return f"{kind} {name}"
