# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def failed_servers(state: Mapping[str, Any]) -> list[str]:
    """The names of the servers that something is wrong with."""
    return [server["name"] for server in state["servers"] if server["error"] is not None]


def summary(state: Mapping[str, Any]) -> str:
    """The run in one line; where something went wrong, with a line for each error."""
    count = len(state["servers"])
    servers = f"{count} server{'' if count == 1 else 's'}"
    if not state["errors"]:
        return f"{servers}, all as wished"
    failed = len(failed_servers(state))
    head = f"{servers}, {failed} failing" if failed else f"{servers}; the run failed"
    return "\n".join([head, *(f"{error['server'] or error['step']}: {error['message']}" for error in state["errors"])])
