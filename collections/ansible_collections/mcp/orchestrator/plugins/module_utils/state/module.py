# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_state does: from its arguments to its result."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import (
    GROUP_READABLE,
    FileNotWritten,
    write_json,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError
from ansible_collections.mcp.orchestrator.plugins.module_utils.instance import metadata
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.document import RunInfo, build_state
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.summary import failed_servers, message

STEPS = ("config", "images", "containers", "routes", "retire", "probe")


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_state, as its documentation describes it. Raises ModuleError."""
    now = datetime.now(UTC)
    try:
        started = _moment(arguments["started"], now)
    except ValueError as error:
        raise ModuleError(
            f"started: {arguments['started']!r} is not a time; write it like 2026-11-21T04:19:00Z"
        ) from error
    run_id = arguments["run_id"] or f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    warnings = _warnings_of_host(arguments["settings"])
    state = build_state(
        run=RunInfo(run_id, started, now, check_mode),
        settings=arguments["settings"],
        warnings=warnings,
        **{step: arguments[step] for step in STEPS},
    )
    failed = failed_servers(state)
    if not check_mode:
        try:
            write_json(arguments["path"], state, GROUP_READABLE, arguments["group"])
        except FileNotWritten as error:
            raise ModuleError(f"{error}\n{message(state)}", failed_servers=failed, warnings=warnings) from error
    if arguments["fail_on_errors"] and state["errors"]:
        # Without the state itself: Ansible prints the whole result of what fails, and the errors are to be read.
        raise ModuleError(message(state), failed_servers=failed, warnings=warnings)
    return {
        "changed": False,
        "msg": message(state),
        "failed_servers": failed,
        "state": state,
        "warnings": warnings,
    }


def _moment(text: str | None, now: datetime) -> datetime:
    """The moment that the text names, in UTC; now where there is none. Raises ValueError."""
    if not text:
        return now
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _warnings_of_host(settings: Mapping[str, Any]) -> list[str]:
    """What is wrong with the host itself, which no step of the run is about."""
    aws = settings.get("aws") or {}
    named = any(aws.get(key) for key in ("listener_arn", "alb_name", "alb_arn"))
    return metadata.warnings(metadata.ask()) if metadata.is_worth_asking(named) else []
