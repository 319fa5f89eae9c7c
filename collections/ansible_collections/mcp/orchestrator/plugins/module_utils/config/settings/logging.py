# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[logging]: how much the services log."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import Reader, setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import switch

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise ValueError(f"is not a level; write one of {', '.join(LEVELS)}")
    return text.upper()


@dataclass(frozen=True)
class Logging:
    """How much the monitor, the embedded load balancer, the bridges and the runs log: ``level`` is one of LEVELS.

    ``run_log`` is whether the lines of the runs go into a file too.
    """

    level: str = setting(
        "INFO",
        Reader(_level, f"{', '.join(LEVELS[:-1])} or {LEVELS[-1]}", LEVELS),
        "How much the monitor, the embedded load balancer, the routers and the bridges of stdio servers"
        " log. A change needs setup.sh for the services of the host, and starts new containers of stdio"
        " servers. The runs of the timer follow it at once: INFO tells each action, event and run, DEBUG"
        " each task too.",
    )
    run_log: bool = setting(
        False,
        switch,
        "Whether the lines of the runs, which the journal of mcp-reconcile has, also go into"
        " /var/lib/mcp-orchestrator/log/runs.log: five files of at most 1 MiB, for the monitor's group.",
    )
