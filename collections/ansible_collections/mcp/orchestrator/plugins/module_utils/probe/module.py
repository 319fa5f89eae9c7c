# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_probe_info does: from its arguments to its result."""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.fleet import probe_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.remotes import probe_remotes
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget, ToolCall
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.tools_file import keep_tools


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_probe_info, as its documentation describes it. Raises ModuleError.

    A server that does not answer is a result and no failure.
    """
    for limit in ("timeout", "deadline"):
        if arguments[limit] <= 0:
            raise ModuleError(f"{limit}: {arguments[limit]} is not a time; give seconds above 0")
    targets = [_target(option) for option in arguments["endpoints"]]
    how = {"schemas": arguments["schemas"], "verify_tls": arguments["validate_certs"]}
    remotes: list[dict[str, Any]] = []

    def ask_remotes() -> None:
        remotes.extend(probe_remotes(arguments["remotes"], arguments["config"], arguments["settings"], **how))

    elsewhere = threading.Thread(target=ask_remotes, daemon=True)
    if arguments["remotes"]:
        elsewhere.start()
    servers = probe_fleet(
        targets, timeout=arguments["timeout"], deadline=arguments["deadline"], settle=arguments["settle"], **how
    )
    if arguments["remotes"]:
        elsewhere.join()
    failing = [server["name"] for server in servers if server["state"] == "failing"]
    warnings = _kept(arguments, [*servers, *remotes])
    return {"changed": False, "servers": servers, "failing": failing, "remotes": remotes, "warnings": warnings}


def _kept(arguments: Mapping[str, Any], reports: Sequence[dict[str, Any]]) -> list[str]:
    """Writes the tools as they are listed, which only people read, and takes them out of the reports; returns what went
    wrong."""
    path = arguments["tools_file"]
    problem = keep_tools(path, arguments["group"], reports) if path else None
    for report in reports:
        del report["definitions"]
    return [problem] if problem is not None else []


def _target(option: Mapping[str, Any]) -> ProbeTarget:
    """The target that an entry of the argument ``endpoints`` means. Raises ModuleError."""
    call = option["call"]
    if call is not None and call["expect"] is not None:
        try:
            re.compile(call["expect"])
        except re.error as error:
            reason = f"endpoints: {option['name']}: call.expect is not a regular expression: {error}"
            raise ModuleError(reason) from error
    headers = {name: str(value) for name, value in option["headers"].items()}
    told = ToolCall(**call) if call else None
    return ProbeTarget(option["name"], option["url"], headers, told, tuple(option["bridges"]))
