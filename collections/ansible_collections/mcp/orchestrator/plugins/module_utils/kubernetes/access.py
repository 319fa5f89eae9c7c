# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run may do in the cluster: a ServiceAccount of the fleet's namespace, and a Role that is just enough.

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
_KEPT = ("list", "create", "patch", "delete")


def account_name(fleet: str) -> str:
    """Returns the name of the ServiceAccount, its Role and what binds them."""
    return f"{fleet}.deployer"


def access_objects(settings: Settings, quota: Mapping[str, str]) -> list[tuple[Kind, Object]]:
    """Returns what an administrator makes once, in the order in which it has to be made.

    ``quota`` are the hard limits of a ResourceQuota, none where it is empty.
    """
    fleet, namespace = settings.service.fleet, settings.kubernetes.namespace
    name = account_name(fleet)

    def made(kind: Kind, called: str = name, **fields: object) -> tuple[Kind, Object]:
        metadata = {"name": called, "namespace": namespace, "labels": {**_MARK, _PART: fleet}}
        return kind, {"apiVersion": kind.api_version, "kind": kind.kind, "metadata": metadata, **fields}

    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "labels": dict(ENFORCED)}}
    subject = {"kind": SERVICE_ACCOUNT.kind, "name": name, "namespace": namespace}
    reference = {"apiGroup": ROLE.group, "kind": ROLE.kind, "name": name}
    token = made(SECRET, f"{name}-token", type="kubernetes.io/service-account-token")
    token[1]["metadata"]["annotations"] = {"kubernetes.io/service-account.name": name}
    return [
        (NAMESPACE, space),
        made(SERVICE_ACCOUNT, automountServiceAccountToken=False),
        token,
        made(ROLE, rules=rules(settings)),
        made(ROLE_BINDING, subjects=[subject], roleRef=reference),
        *([made(RESOURCE_QUOTA, spec={"hard": dict(quota)})] if quota else []),
    ]


def is_own(each: Object, fleet: str) -> bool:
    """Returns whether an object was made here for the fleet."""
    labels = each["metadata"].get("labels") or {}
    return {**_MARK, _PART: fleet}.items() <= labels.items()


def rules(settings: Settings) -> list[Object]:
    """Returns what a run does: it lists and changes what a fleet is made of, and looks why pods do not get ready.

    A TargetGroupBinding may name any target group of the account, and an ExternalSecret any secret of its store. So
    they may only be made where the settings have them.
    """
    binding = "TargetGroupBinding"
    wanted = {EXTERNAL_SECRET.kind} if _has_store(settings) else set()
    wanted |= {binding} if settings.aws.is_named else set()
    made = [
        _rule(
            kind,
            _KEPT if kind.kind not in (binding, EXTERNAL_SECRET.kind) or kind.kind in wanted else ("list", "delete"),
        )
        for kind in fleet_kinds(settings)
    ]
    looks = [_rule(POD, _SEEN), _rule(REPLICA_SET, _SEEN), _rule(EVENT, _SEEN)]
    log = {"apiGroups": [""], "resources": [f"{POD.plural}/log"], "verbs": ["get"]}
    return [*made, _rule(CONFIG_MAP, ("get", "create", "patch", "delete")), *looks, log]


def _has_store(settings: Settings) -> bool:
    return bool(settings.kubernetes.ssm_store or settings.kubernetes.secretsmanager_store)


def _rule(kind: Kind, verbs: tuple[str, ...]) -> Object:
    return {"apiGroups": [kind.group], "resources": [kind.plural], "verbs": list(verbs)}
