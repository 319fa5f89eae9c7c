# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""``--mount type=…,source=…,target=…``, as volumes and tmpfs write the same."""

from __future__ import annotations

import csv
import re

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.volume import (
    container_path,
    mount_source,
    refuse_propagation,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import size
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions

_SWITCHES = {"true": True, "1": True, "false": False, "0": False, "": True}
_NAMES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_IGNORED = frozenset({"consistency", "volume-nocopy", "bind-create-src"})


def mount(text: str, permissions: Permissions) -> tuple[str, str]:
    """Reads ``--mount`` as its kind, ``volume`` or ``tmpfs``, and the same in the form of ``-v`` or ``--tmpfs``.

    Raises ValueError or UnsafeVolume with a reason that reads after the value.
    """
    fields = _fields(text)
    kind = fields.pop("type", "volume")
    target = container_path(fields.pop("target", ""))
    if kind == "tmpfs":
        return "tmpfs", f"{target}{_tmpfs_options(fields)}"
    if kind not in {"bind", "volume"}:
        raise ValueError(f"mounts the type '{kind}', which is not supported; use bind, volume or tmpfs")
    source = mount_source(fields.pop("source", ""), permissions)
    if (kind == "bind") != source.startswith("/"):
        raise ValueError("needs an absolute path of the host as source for bind, and a name for volume")
    modes = ["ro"] if _SWITCHES.get(fields.pop("readonly", "false"), False) else []
    if "bind-propagation" in fields:
        modes.append(fields.pop("bind-propagation"))
    refuse_propagation(modes, permissions)
    _nothing_left(fields)
    return "volume", ":".join([source, target, *([",".join(sorted(modes))] if modes else [])])


def _fields(text: str) -> dict[str, str]:
    try:
        words = next(csv.reader([text], strict=True), [])
    except csv.Error:
        raise ValueError("is not type=…,source=…,target=…") from None
    fields = {}
    for word in words:
        name, _equals, value = word.partition("=")
        name = name.strip().lower()
        fields[_NAMES.get(name, name)] = value
    return fields


def _tmpfs_options(fields: dict[str, str]) -> str:
    options = []
    if "tmpfs-size" in fields:
        options.append(f"size={size(fields.pop('tmpfs-size'))}")
    if "tmpfs-mode" in fields:
        mode = fields.pop("tmpfs-mode")
        if not re.fullmatch(r"[0-7]{3,4}", mode):
            raise ValueError("has a tmpfs-mode that is no mode of a folder; write for example 1777")
        options.append(f"mode={mode}")
    _nothing_left(fields)
    return ":" + ",".join(options) if options else ""


def _nothing_left(fields: dict[str, str]) -> None:
    unknown = sorted(set(fields) - _IGNORED)
    if unknown:
        raise ValueError(f"has '{unknown[0]}', which is not supported; remove it")
