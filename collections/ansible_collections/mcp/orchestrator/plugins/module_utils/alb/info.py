# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_alb_route_info does: from its arguments to its result."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.inventory import take_inventory
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.api import BOTO3_ERROR, connect
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError, require


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_alb_route_info, as its documentation describes it. Raises ModuleError."""
    require("boto3", BOTO3_ERROR)
    try:
        api = connect(arguments["region"], arguments["endpoint_url"], arguments["credentials_file"])
        found = take_inventory(api, arguments["fleet"], arguments["listener_arn"])
    except AlbError as error:
        raise ModuleError(str(error)) from error
    return {"changed": False, **found}
