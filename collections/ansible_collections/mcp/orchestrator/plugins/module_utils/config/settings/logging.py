# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[logging]: how much the services log."""

from __future__ import annotations

from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import size
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import Reader, setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import one_of, switch

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


def _level(text: str) -> str:
    if text.upper() not in LEVELS:
        raise ValueError(f"is not a level; write one of {', '.join(LEVELS)}")
    return text.upper()


def _size(text: str) -> int:
    found = size(text)
    if not 1024**2 <= found <= 10 * 1024**3:
        raise ValueError("is not between 1m and 10g")
    return found


def _rate(text: str) -> int:
    found = 0 if text == "0" else size(text)
    if found and found < 1024:
        raise ValueError("is less than 1k; write 0 to keep everything")
    return found


log_size = Reader(_size, "a size from 1m to 10g")
log_rate = Reader(_rate, "0, or a size from 1k on")


@dataclass(frozen=True)
class Logging:
    """How much the monitor, the embedded load balancer, the bridges and the runs log: ``level`` is one of LEVELS.

    ``run_log`` is whether the lines of the runs go into a file too. ``calls`` is whether bridges record calls.
    ``server_logs``, ``server_log_size`` and ``server_log_rate``, in bytes, say what the watcher keeps of what servers
    write.
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
    calls: bool = setting(
        True,
        switch,
        "Whether the bridge of each stdio server records calls: time, session, method, tool, outcome and duration, and"
        " nothing of what they carry. orchestrator.bridge.call_record says it for one server. A change starts new"
        " containers of stdio servers.",
    )
    server_logs: str = setting(
        "files",
        one_of("files", "journal"),
        "Where the watcher keeps what servers write: files below /var/lib/mcp-orchestrator/logs, which make logs and"
        " the monitor read, or the journal (journalctl -t mcp-NAME). A change needs setup.sh.",
    )
    server_log_size: int = setting(
        10 * 1024**2,
        log_size,
        "How much is kept of the log of each server in files, and again of its calls. A change needs setup.sh.",
    )
    server_log_rate: int = setting(
        64 * 1024,
        log_rate,
        "How much a second is kept of what each container writes, and thirty times that at once; 0 keeps everything. A"
        " line says how much was left out. A change needs setup.sh.",
    )
