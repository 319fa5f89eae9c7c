# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[logging]: how much the programs of the product log."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import setting

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise ValueError(f"is not a level; write one of {', '.join(LEVELS)}")
    return text.upper()


@dataclass(frozen=True)
class Logging:
    """How much the programs log: ``level`` is one of LEVELS."""

    level: str = setting("INFO", _level)
