# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_state does: from its arguments to its result."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import (
    GROUP_READABLE,
    FileNotWritten,
    write_json,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError
from ansible_collections.mcp.orchestrator.plugins.module_utils.instance import metadata
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.document import RunInfo, build_state
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.conditions import continued
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.memory import Memory
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.record import trigger_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.run import remembered, report_of_run
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.store import HistoryFailure, HistoryFolder
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.listeners import (
    listeners_document,
    read_former,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.login import login_document
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.step import STEPS, Step
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.summary import failed_servers, message
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import dicts, text


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_state, as its documentation describes it. Raises ModuleError."""
    now = datetime.now(UTC)
    try:
        started = _moment(arguments["started"], now)
    except ValueError as error:
        raise ModuleError(
            f"started: {arguments['started']!r} is not a time; write it like 2026-11-21T04:19:00Z"
        ) from error
    run_id = (
        arguments["run_id"] or arguments["requests"].get("run_id") or f"{started:%Y%m%dT%H%M%SZ}-{secrets.token_hex(2)}"
    )
    warnings = _warnings_of_host(arguments["settings"])
    results = {step: arguments[step] for step in STEPS}
    history = HistoryFolder(arguments["history"], arguments["group"]) if arguments["history"] else None
    known = history.memory() if history is not None else Memory()
    state = build_state(
        run=RunInfo(run_id, started, now, check_mode),
        settings=arguments["settings"],
        warnings=warnings,
        had_tools={name: known.tools_of(name) for name in known.servers},
        **results,
    )
    failed = failed_servers(state)
    told: dict[str, Any] = {"events": [], "folded": False, "run": _about(state["run"], now - started, arguments)}
    if not check_mode:
        if history is not None:
            kept = _kept(history, state, results, known, arguments)
            warnings += kept.pop("warnings")
            told.update(kept)
        try:
            write_json(arguments["path"], state, GROUP_READABLE, arguments["group"])
        except FileNotWritten as error:
            reason = f"{error}\n{message(state)}"
            raise ModuleError(reason, failed_servers=failed, warnings=warnings, **told) from error
        warnings += [*_listeners(arguments, state), *_login(arguments, state), *_answered(arguments, state)]
    if arguments["fail_on_errors"] and state["errors"]:
        # Without the state itself: Ansible prints the whole result of what fails, and the errors are to be read.
        raise ModuleError(message(state), failed_servers=failed, warnings=warnings, **told)
    return {
        "changed": False,
        "msg": message(state),
        "failed_servers": failed,
        "state": state,
        "warnings": warnings,
        **told,
    }


def _about(run: Mapping[str, Any], took: timedelta, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """What the log of the run says of it, also where it failed."""
    return {
        "id": run["id"],
        "trigger": trigger_of(arguments["trigger"]),
        "result": run["result"],
        "changes": len(run["changes"]),
        "seconds": round(took.total_seconds(), 1),
    }


def _kept(
    history: HistoryFolder,
    state: dict[str, Any],
    results: Mapping[str, Mapping[str, Any]],
    known: Memory,
    arguments: Mapping[str, Any],
) -> dict[str, Any]:
    """Writes the run's report into the history, and into the state since when each server is as it is.

    Returns ``events``, ``folded`` and ``warnings``; a history that cannot be kept is one of these and fails nothing.
    """
    after = remembered(state, results, arguments["settings"], known)
    for entry in (*state["servers"], *state["remotes"]):
        if entry["name"] in after.servers:
            entry["since"] = after.servers[entry["name"]].since
    record, events = report_of_run(state, results, known, after, trigger_of(arguments["trigger"]))
    told: dict[str, Any] = {"events": [event.to_dict() for event in events], "folded": False, "warnings": []}
    try:
        told["folded"] = history.keep(record, known, after)
        if Step("config", results["config"]).completed:  # without its config a run knows nothing of the servers
            ended = int(datetime.fromisoformat(state["run"]["finished"]).timestamp())
            history.keep_conditions(continued(history.conditions(), state, ended))
    except HistoryFailure as error:
        told["warnings"] = [str(error)]
        state["warnings"].append(str(error))
    return told


def _listeners(arguments: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    """Writes what the run found of the load balancers; returns what went wrong. Without news the former file stays."""
    path, routes = arguments["listeners"], arguments["routes"]
    found, problem = routes.get("listeners") or [], _unasked(routes)
    if not path or not (found or problem):
        return []
    document = listeners_document(state["run"], found, read_former(path), problem)
    if not document["listeners"]:
        return []
    try:
        write_json(path, document, GROUP_READABLE, arguments["group"])
    except FileNotWritten as error:
        return [str(error)]
    return []


def _unasked(routes: Mapping[str, Any]) -> str | None:
    """Why a load balancer could not be asked at all: an error of no server (routing/report.py). None: all could."""
    return next((text(each.get("message")) for each in dicts(routes.get("errors")) if each.get("server") is None), None)


def _login(arguments: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    """Writes where clients log in; returns what went wrong. Without its config a run knows nothing of that."""
    path, config = arguments["login"], Step("config", arguments["config"])
    if not path or not config.completed:
        return []
    try:
        document = login_document(state["run"], arguments["settings"], config, read_former(path))
        write_json(path, document, GROUP_READABLE, arguments["group"])
    except FileNotWritten as error:
        return [str(error)]
    return []


def _answered(arguments: Mapping[str, Any], state: Mapping[str, Any]) -> list[str]:
    """Answers the requests that this run was asked; returns what went wrong."""
    asked, lapsed = arguments["requests"].get("pending") or [], arguments["config"].get("lapsed") or []
    directory = arguments["requests"].get("directory")
    if not directory or not (asked or lapsed):
        return []
    from ansible_collections.mcp.orchestrator.plugins.module_utils.request.answer import answer  # hardly ever needed
    from ansible_collections.mcp.orchestrator.plugins.module_utils.request.spool import Rooms, group_number

    return answer(Rooms(directory, group_number(arguments["group"])), asked, lapsed, state)


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
