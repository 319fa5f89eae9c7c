# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What runs and the watcher may do in the cluster: two ServiceAccounts of the fleet's namespace, each with a Role that
is just enough.

Their names have a dot, which no server's objects have. They do not bear the fleet's label, so that no run removes them.
"""

from __future__ import annotations

from collections.abc import Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import (
    CONFIG_MAP,
    EVENT,
    EXTERNAL_SECRET,
    NAMESPACE,
    POD,
    POD_METRICS,
    REPLICA_SET,
    RESOURCE_QUOTA,
    ROLE,
    ROLE_BINDING,
    SECRET,
    SERVICE_ACCOUNT,
    Kind,
    fleet_kinds,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import MANAGER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

ENFORCED = {"pod-security.kubernetes.io/enforce": "restricted"}
_MARK = {"app.kubernetes.io/managed-by": MANAGER}
_PART = "app.kubernetes.io/part-of"
_SEEN = ("list",)
_WATCHED = ("list", "watch")
_KEPT = ("list", "create", "patch", "delete")
_BINDING = "TargetGroupBinding"
_LOG: Object = {"apiGroups": [""], "resources": [f"{POD.plural}/log"], "verbs": ["get"]}
# A WebSocket is a GET; from 1.35 on create is asked for too (AuthorizePodWebsocketUpgradeCreatePermission).
_FORWARD: Object = {"apiGroups": [""], "resources": [f"{POD.plural}/portforward"], "verbs": ["get", "create"]}


def account_name(fleet: str) -> str:
    """Returns the name of the runs' ServiceAccount, its Role and what binds them."""
    return f"{fleet}.deployer"


def watcher_name(fleet: str) -> str:
    """Returns the same for the watcher."""
    return f"{fleet}.watcher"


def access_objects(settings: Settings, quota: Mapping[str, str]) -> list[tuple[Kind, Object]]:
    """Returns what an administrator makes once, in the order in which it has to be made.

    ``quota`` are the hard limits of a ResourceQuota, none where it is empty.
    """
    fleet, namespace = settings.service.fleet, settings.kubernetes.namespace
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": dict(ENFORCED)}}
    runs = account_name(fleet)
    return [
        (NAMESPACE, space),
        *_account(settings, runs, rules(settings)),
        *_account(settings, watcher_name(fleet), watcher_rules(settings)),
        *([_made(settings, RESOURCE_QUOTA, runs, spec={"hard": dict(quota)})] if quota else []),
    ]


def _account(settings: Settings, name: str, allowed: list[Object]) -> list[tuple[Kind, Object]]:
    """A ServiceAccount with a token, its Role, and what binds them."""
    subject = {"kind": SERVICE_ACCOUNT.kind, "name": name, "namespace": settings.kubernetes.namespace}
    reference = {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": name}
    token = _made(settings, SECRET, f"{name}-token", type="kubernetes.io/service-account-token")
    token[1]["metadata"]["annotations"] = {"kubernetes.io/service-account.name": name}
    return [
        _made(settings, SERVICE_ACCOUNT, name, automountServiceAccountToken=False),
        token,
        _made(settings, ROLE, name, rules=allowed),
        _made(settings, ROLE_BINDING, name, subjects=[subject], roleRef=reference),
    ]


def _made(settings: Settings, kind: Kind, name: str, **fields: object) -> tuple[Kind, Object]:
    labels = {**_MARK, _PART: settings.service.fleet}
    metadata = {"name": name, "namespace": settings.kubernetes.namespace, "labels": labels}
    return kind, {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **fields}


def is_own(each: Object, fleet: str) -> bool:
    """Returns whether an object was made here for the fleet."""
    labels = each["metadata"].get("labels") or {}
    return {**_MARK, _PART: fleet}.items() <= labels.items()


def rules(settings: Settings) -> list[Object]:
    """Returns what a run does: it lists and changes what a fleet is made of, and looks why pods do not get ready.

    A TargetGroupBinding may name any target group of the account, and an ExternalSecret any secret of its store. So
    they may only be made where the settings have them.
    """
    made = [_rule(kind, _KEPT if _is_made(kind, settings) else ("list", "delete")) for kind in fleet_kinds(settings)]
    looks = [_rule(POD, _SEEN), _rule(REPLICA_SET, _SEEN), _rule(EVENT, _SEEN)]
    return [*made, _rule(CONFIG_MAP, ("get", "create", "patch", "delete")), *looks, _LOG, _FORWARD]


def watched_kinds(settings: Settings) -> tuple[Kind, ...]:
    """Returns the kinds whose objects the watcher keeps an eye on: all that the fleet makes but Secrets.

    Nobody sees that a Secret changes without seeing its values.
    """
    return tuple(kind for kind in fleet_kinds(settings) if kind != SECRET and _is_made(kind, settings))


def watcher_rules(settings: Settings) -> list[Object]:
    """Returns what the watcher does: it follows objects, pods and their events, logs and usage, and changes nothing."""
    followed = [_rule(kind, _WATCHED) for kind in (*watched_kinds(settings), POD, EVENT)]
    return [*followed, _LOG, _rule(POD_METRICS, _SEEN)]


def _is_made(kind: Kind, settings: Settings) -> bool:
    """Whether a run may make objects of a kind."""
    if kind == EXTERNAL_SECRET:
        return _has_store(settings)
    return kind.kind != _BINDING or settings.aws.is_named


def _has_store(settings: Settings) -> bool:
    return bool(settings.kubernetes.ssm_store or settings.kubernetes.secretsmanager_store)


def _rule(kind: Kind, verbs: tuple[str, ...]) -> Object:
    return {"apiGroups": [kind.group], "resources": [kind.plural], "verbs": list(verbs)}
