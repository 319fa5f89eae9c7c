# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_request does: from its arguments to its result."""

from __future__ import annotations

import contextlib
import os
import pwd
import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import KeyFileError, read_key
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.spool import Rooms, group_number, waiting


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_request, as its documentation describes it. Raises ModuleError."""
    started = datetime.now(UTC)
    result: dict[str, Any] = {
        "changed": False,
        "run_id": f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}",
        "started": started.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "directory": arguments["directory"],
        "pending": [],
        "accepted": [],
        "refused": [],
        "errors": [],
    }
    rooms = Rooms(arguments["directory"], group_number(arguments["group"]))
    if not os.path.exists(rooms.overrides) and not waiting(rooms):
        return result
    return {**result, **_taken(rooms, arguments, check_mode, result["run_id"], started)}


def _taken(
    rooms: Rooms, arguments: Mapping[str, Any], check_mode: bool, run_id: str, started: datetime
) -> dict[str, Any]:
    # Hardly a run has requests, and none of this is needed without.
    from ansible_collections.mcp.orchestrator.plugins.module_utils.request.drop_ins import DropIns
    from ansible_collections.mcp.orchestrator.plugins.module_utils.request.take import Moment, foreseen, take

    try:
        key = read_key(arguments["key_file"])
    except KeyFileError as error:
        raise ModuleError(str(error)) from error
    drop_ins = DropIns(arguments["config"], arguments["settings"], key)
    moment = Moment(run_id, started.strftime("%Y-%m-%dT%H:%M:%SZ"))
    taking = (foreseen if check_mode else take)(rooms, drop_ins, _owners(arguments["owners"]), moment)
    asked = [
        f"{request.action} {request.server or 'the fleet'}: asked by {request.who.text} (request {identity})\n"
        for identity in taking.accepted
        if (request := taking.overrides.pending[identity].request)
    ]
    return {
        "changed": bool(taking.accepted),
        "pending": list(taking.overrides.pending),
        "accepted": taking.accepted,
        "refused": taking.refused,
        "errors": [{"server": None, "message": each} for each in taking.problems],
        "diff": {"before": "", "after": "".join(asked)},
        "warnings": [f"request refused: {each}" for each in taking.refused] + taking.problems,
    }


def _owners(names: list[str]) -> set[int]:
    """The numbers of the users whose requests are taken: this one's, and those of ``names`` that this host has."""
    owners = {0, os.geteuid()}
    for name in names:
        with contextlib.suppress(KeyError):
            owners.add(pwd.getpwnam(name).pw_uid)
    return owners
