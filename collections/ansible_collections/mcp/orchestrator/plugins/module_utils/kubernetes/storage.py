# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server's container mounts: folders in memory, and claims."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import SCRATCH_OPTIONS, scratch
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload, quantity

_CLAIM = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_UNITS = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
# What says nothing of a claim: SELinux labels, and that an image's files are copied into an empty volume.
_MEANINGLESS = frozenset({"ro", "z", "Z", "nocopy"})
_TAKEN = ("size=", "nr_blocks=", *(f"{each}" for each in SCRATCH_OPTIONS.split(",")))


@dataclass
class Storage:
    """``volumes`` of a pod and ``mounts`` of its container. ``shared`` says that it writes into a claim, which two pods
    may not be able to hold at once."""

    volumes: list[Object] = field(default_factory=list)
    mounts: list[Object] = field(default_factory=list)
    shared: bool = False

    def add(self, name: str, path: str, source: Object, **options: Any) -> None:
        """Mounts a volume at a path of the container."""
        self.volumes.append({"name": name, **source})
        self.mounts.append({"name": name, "mountPath": path, **options})


def storage(workload: Workload, findings: Findings) -> Storage:
    """Returns what the container mounts beside the bridge."""
    made = Storage()
    for number, (path, options) in enumerate(scratch(workload.spec).items()):
        _check_options(path, options, findings)
        made.add(f"memory-{number}", path, in_memory(_size(options)))
    size = workload.spec.host_config.get("ShmSize")
    if size:
        made.add("shm", "/dev/shm", in_memory(size))  # noqa: S108 - inside the container
    for number, (source, target, modes) in enumerate(_volumes(workload)):
        if source.startswith("/"):
            findings.error(
                f"volume {source}",
                "is a path of a host, which pods do not get; write the name of a PersistentVolumeClaim in its place",
            )
            continue
        if not _CLAIM.fullmatch(source):
            findings.error(f"volume {source}", "cannot be the name of a claim; use small letters, digits, '-' and '.'")
            continue
        odd = sorted(modes - _MEANINGLESS)
        if odd:
            findings.error(f"volume {source}", f"has the mode {odd[0]}, which Kubernetes has not; remove it")
        read_only = "ro" in modes
        claim = {"persistentVolumeClaim": {"claimName": source, **({"readOnly": True} if read_only else {})}}
        made.add(f"claim-{number}", target, claim, **({"readOnly": True} if read_only else {}))
        made.shared |= not read_only
        findings.need(f"PersistentVolumeClaim {source}")
    if made.shared and workload.most_replicas > 1:
        findings.note("volumes", "several pods write into one claim; it has to be ReadWriteMany")
    elif made.shared:
        findings.note("volumes", "a new pod begins when the former has ended, since it writes into a claim")
    return made


def in_memory(size: int) -> Object:
    """Returns a volume of a pod's memory with at most so many bytes; they count against the container's limit."""
    return {"emptyDir": {"medium": "Memory", "sizeLimit": quantity(size)}}


def _volumes(workload: Workload) -> Iterator[tuple[str, str, set[str]]]:
    for each in workload.spec.volumes:
        source, _colon, rest = each.partition(":")
        target, _colon, modes = rest.partition(":")
        yield source, target, set(filter(None, modes.split(",")))


def _check_options(path: str, options: str, findings: Findings) -> None:
    odd = [each for each in options.split(",") if not each.startswith(_TAKEN)]
    if odd:
        findings.note(f"--tmpfs {path}", f"{','.join(odd)} has no effect; Kubernetes has a size alone")


def _size(options: str) -> int:
    for each in options.split(","):
        name, _equals, text = each.partition("=")
        match = re.fullmatch(r"([0-9]+)([kmg]?)", text.lower())
        if name == "size" and match:
            return int(match[1]) * _UNITS[match[2]]
        if name == "nr_blocks" and match:
            return int(match[1]) * _UNITS[match[2]] * 4096
    return 64 * 1024**2
