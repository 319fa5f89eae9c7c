# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_client_config does: from its arguments to its result."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client.document import client_config, report
from ansible_collections.mcp.orchestrator.plugins.module_utils.client.file import (
    ClientFileError,
    former,
    outline,
    reached,
    write,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import load_remotes, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import read_key


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_client_config, as its documentation describes it. Raises ModuleError."""
    path, consent = arguments["path"], arguments["with_secrets"]
    files = (arguments["config"], arguments["settings"])
    try:
        # No variable of a server goes into the file, so nobody is asked for their values.
        fleet = read_fleet(*files, read_key(None), EmptyResolver())
        told = client_config(fleet, reached(arguments["state"]), load_remotes(*files) if consent else None)
        document = told.document(fleet.settings.service.fleet)
        before = former(path, fleet.settings.service.fleet)
        changed = before != document or (consent and stat.S_IMODE(os.stat(path).st_mode) & 0o077 != 0)
        if changed and not check_mode:
            write(path, document, secret=consent)
    except (ConfigFileError, ClientFileError) as error:
        raise ModuleError(str(error)) from error
    return {
        "changed": changed,
        "servers": sorted(told.servers),
        "left_out": told.left_out,
        "report": report(told),
        "diff": {"before": outline(before), "after": outline(document)},
    }
