# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What an entry's ``orchestrator.bridge`` key says of the bridge in front of a stdio server."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import size
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import BRIDGE

_SMALLEST_MESSAGE = 64 * 1024
_LARGEST_MESSAGE = 128 * 1024**2


def read_bridge(given: Mapping[str, Any] | None, path: str, findings: Findings) -> dict[str, Any]:
    """Returns ``Spec.bridge`` from the value at ``path`` of an entry, whose shape is right: sizes in bytes."""
    found = {name: value for name, value in sorted((given or {}).items()) if name in BRIDGE.keys}
    message = found.get("max_message")
    if message is not None:
        found["max_message"] = size(message) if isinstance(message, str) else message
        if not _SMALLEST_MESSAGE <= found["max_message"] <= _LARGEST_MESSAGE:
            findings.error(f"{path}.max_message", f"'{printable(str(message))}' is not between 64k and 128m")
    return found
