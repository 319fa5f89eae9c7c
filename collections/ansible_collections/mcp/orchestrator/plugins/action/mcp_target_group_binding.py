# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the module of the same name."""

from __future__ import annotations

from ansible_collections.mcp.orchestrator.plugins.plugin_utils.in_process import InProcessAction as ActionModule

__all__ = ["ActionModule"]
