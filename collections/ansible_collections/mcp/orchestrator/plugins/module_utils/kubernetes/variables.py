# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a container's variables come from. No value is in an object: each is a key of a Secret, which its owner makes,
or External Secrets does from what a reference names."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.isolation import shares_sessions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import Reference
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.session_key import VARIABLE
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import names
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_facts import values_digest

EXTERNAL_SECRETS = "external-secrets.io/v1"
_KEY = re.compile(r"[A-Za-z_.-][A-Za-z0-9_.-]{0,252}")


def variables(workload: Workload, findings: Findings) -> list[Object]:
    """Returns ``env`` of the container: each variable with the Secret and the key that hold its value."""
    fetched = _by_store(workload)
    made, own = [], []
    for name in workload.spec.env:
        if not _KEY.fullmatch(name):
            findings.error(f"env.{name}", "cannot be a key of a Secret; use letters, digits, '_', '.' and '-'")
            continue
        source = next((source for source, known in fetched.items() if name in known), None)
        own += [] if source else [name]
        made.append(_from_secret(name, f"{workload.name}-{source or 'env'}"))
    if shares_sessions(workload.spec):
        many = workload.most_replicas > 1
        made.append(_from_secret(VARIABLE, secret_name(workload), optional=not many))
        own += [VARIABLE] if many else []
    if own and workload.secret is None:
        findings.need(f"Secret {secret_name(workload)} with {', '.join(own)}")
    elif VARIABLE in own and VARIABLE not in (workload.secret or {}):
        findings.error(
            "orchestrator.replicas",
            "several pods take each other's sessions by a key, and there is none; run setup.sh, which makes it",
        )
    return made


def secret_name(workload: Workload) -> str:
    """Returns the name of the Secret that has the values which the cluster does not fetch itself."""
    return f"{workload.name}-env"


def secret(workload: Workload) -> list[Object]:
    """Returns the Secret that is made with a server's objects, with its keys and without their values."""
    fetched = {name for known in _by_store(workload).values() for name in known}
    held = {
        name: each for name, each in (workload.secret or {}).items() if name not in fetched and _KEY.fullmatch(name)
    }
    if not held:
        return []
    made = workload.object("v1", "Secret", type="Opaque", data=dict.fromkeys(sorted(held), ""))
    made["metadata"] |= {"name": secret_name(workload), "annotations": {names.VALUES: values_digest(held)}}
    return [made]


def external_secrets(workload: Workload) -> list[Object]:
    """Returns the objects from which External Secrets makes Secrets (https://external-secrets.io/latest/api/spec/)."""
    result = []
    for source, fetched in _by_store(workload).items():
        kind, _slash, store = _store(workload, source).rpartition("/")
        made = workload.object(
            EXTERNAL_SECRETS,
            "ExternalSecret",
            spec={
                "secretStoreRef": {"kind": kind or "SecretStore", "name": store},
                "target": {"name": f"{workload.name}-{source}"},
                "data": [{"secretKey": name, "remoteRef": _remote(reference)} for name, reference in fetched.items()],
            },
        )
        made["metadata"]["name"] = f"{workload.name}-{source}"
        result.append(made)
    return result


def _by_store(workload: Workload) -> dict[str, dict[str, Reference]]:
    """The variables that the cluster fetches itself, by source."""
    found: dict[str, dict[str, Reference]] = {}
    for name, reference in sorted(workload.references.items()):
        if name in workload.spec.env and _KEY.fullmatch(name) and _store(workload, reference.source):
            found.setdefault(reference.source, {})[name] = reference
    return found


def _store(workload: Workload, source: str) -> str:
    stores: Mapping[str, str] = {
        "ssm": workload.cluster.ssm_store,
        "secretsmanager": workload.cluster.secretsmanager_store,
    }
    return stores.get(source, "")


def _remote(reference: Reference) -> Object:
    key, hash_sign, part = reference.name.partition("#")
    return {"key": key, **({"property": part} if hash_sign else {})}


def _from_secret(name: str, secret: str, *, optional: bool = False) -> Object:
    key = {"name": secret, "key": name, **({"optional": True} if optional else {})}
    return {"name": name, "valueFrom": {"secretKeyRef": key}}
