# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Why the API server has not done what it was asked, in sentences for people."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

NOT_FOUND = 404
CONFLICT = 409
INVALID = 422
TOO_MANY = 429
_MANAGER = re.compile(r'conflict with "([^"]+)"')


class ClusterError(Exception):
    """The cluster cannot be used, or refuses something. ``status`` is HTTP's, 0 where there was no answer; ``managers``
    are those whose fields an apply would take."""

    def __init__(self, message: str, status: int = 0, managers: Collection[str] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.managers = managers


def refusal(status: int, body: str | bytes | None, doing: str, namespace: str) -> ClusterError:
    """Returns the error of an answer that is no success. ``doing`` says what was asked: "apply Deployment mcp-time".

    The answer is a Status (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/status/).
    """
    answer = _status(body)
    said = str(answer.get("message") or "").strip() or f"HTTP {status}"
    owned = _owned(answer)
    if status == CONFLICT and owned:
        told = "; ".join(f"{manager} owns {', '.join(fields)}" for manager, fields in owned.items())
        return ClusterError(f"cannot {doing}: {told}", status, tuple(owned))
    if status == NOT_FOUND and (answer.get("details") or {}).get("kind") == "namespaces":
        return ClusterError(
            f"cannot {doing}: the namespace {namespace} does not exist; an administrator of the cluster makes it"
            " (make bootstrap-kubernetes)",
            status,
        )
    if status == NOT_FOUND and (answer.get("details") is None or said == "404 page not found"):
        return ClusterError(
            f"cannot {doing}: the cluster does not know this kind in this version; install what brings it, or correct"
            " version in [kubernetes] of settings.conf",
            status,
        )
    if status == 401:
        return ClusterError(
            f"cannot {doing}: the API server does not accept the credentials; renew those of the kubeconfig", status
        )
    if status == 403:
        return ClusterError(
            f"cannot {doing}: {said}; make bootstrap-kubernetes gives the rights that are needed", status
        )
    return ClusterError(f"cannot {doing}: {said}", status)


def _owned(answer: Mapping[str, Any]) -> dict[str, list[str]]:
    """Which managers own which fields, of a conflict of server-side apply."""
    found: dict[str, list[str]] = {}
    for each in (answer.get("details") or {}).get("causes") or ():
        if each.get("reason") == "FieldManagerConflict":
            named = _MANAGER.search(str(each.get("message", "")))
            manager = named[1] if named else "another manager"
            found.setdefault(manager, []).append(str(each.get("field", "")).lstrip("."))
    return found


def _status(body: str | bytes | None) -> dict[str, Any]:
    text = body.decode("utf-8", "replace") if isinstance(body, bytes) else body or ""
    try:
        answer = json.loads(text)
    except ValueError:
        return {"message": " ".join(text.split())[:300]}
    return answer if isinstance(answer, dict) else {}
