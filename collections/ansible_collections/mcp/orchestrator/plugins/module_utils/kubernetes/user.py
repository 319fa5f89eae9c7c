# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""As whom a server runs. Pods are never root (https://kubernetes.io/docs/concepts/security/pod-security-standards/)."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import is_root
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload


def user(workload: Workload, findings: Findings) -> Object:
    """Returns ``runAsUser`` and, where it is known, ``runAsGroup`` of a pod's security context.

    The kubelet cannot look a name up in the image, so a user is a number.
    """
    said = workload.spec.user
    if said is None:
        return _of_image(workload, findings)
    if is_root(said):
        findings.error("--user", f"'{said}' is root, and pods never run as root; give another user, by its number")
        return {}
    numbers = _numbers(said)
    if numbers is None:
        findings.error("--user", f"'{said}' is no number; write the user's number, and the group's: --user 1000:1000")
        return {}
    return numbers


def _of_image(workload: Workload, findings: Findings) -> Object:
    chosen = workload.cluster.run_as_user
    if workload.image is None:
        why = "its image is not known here"
    elif is_root(workload.image.user):
        why = "its image runs as root"
    else:
        numbers = _numbers(workload.image.user)
        if numbers is not None:
            return numbers
        why = f"its image names user {workload.image.user}"
    findings.note("--user", f"{why}, so it runs as {chosen} (run_as_user in settings.conf); --user gives it another")
    return {"runAsUser": chosen, "runAsGroup": chosen}


def _numbers(text: str) -> Object | None:
    name, _colon, group = text.partition(":")
    if not name.isdecimal() or (group and not group.isdecimal()):
        return None
    return {"runAsUser": int(name), **({"runAsGroup": int(group)} if group else {})}
