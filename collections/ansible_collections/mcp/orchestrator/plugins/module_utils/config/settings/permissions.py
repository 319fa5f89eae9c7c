# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the settings let entries have beyond their container. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.host_path import DEFAULT_ROOTS


@dataclass(frozen=True)
class Permissions:
    """``keys`` are those of [security] that are on; ``host_path_roots`` the directories that paths may lie in;
    ``shared_volumes`` the volumes that several servers may name; ``fleet`` the name that the fleet's own volumes bear.
    """

    keys: frozenset[str] = frozenset()
    host_path_roots: tuple[str, ...] = DEFAULT_ROOTS
    shared_volumes: frozenset[str] = frozenset()
    fleet: str = "mcp"

    def __contains__(self, key: str) -> bool:
        return key in self.keys
