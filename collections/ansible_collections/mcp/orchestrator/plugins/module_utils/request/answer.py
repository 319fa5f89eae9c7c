# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answering requests at the end of a run, from the state that the run has found. The deciding part is pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.request import spool
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.form import (
    CHECK,
    CLEAR,
    DELETE,
    PULL,
    STOP,
    SYNC,
    Request,
    Who,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.overrides import (
    NotOverrides,
    Overrides,
    Pending,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.record import read_overrides, write_overrides
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.spool import Rooms

VERSION = 1
DONE, FAILED, REFUSED, SUPERSEDED = "done", "failed", "refused", "superseded"
SERVERS_TOLD, CHANGES_TOLD = 200, 20
State = Mapping[str, Any]


def answer(rooms: Rooms, seen: Iterable[str], lapsed: Sequence[str], state: State) -> list[str]:
    """Answers the requests that a run has ``seen`` among the pending, and forgets what no longer holds.

    ``state`` is what the state file holds. Returns what went wrong, in sentences; the next run does what is left.
    """
    seen, lapsed = list(seen), list(lapsed)
    if not seen and not lapsed:
        return []
    try:
        with spool.locked(rooms):
            overrides = read_overrides(rooms.overrides)
            answered = [identity for identity in seen if identity in overrides.pending]
            audited = spool.audited(rooms)  # a run that died in here may have written it
            for identity in answered:
                result = _answer(identity, overrides, state)
                if identity not in audited:
                    spool.append_audit(rooms, audit_line(result))
                spool.write_result(rooms, identity, result)
            for name in lapsed:
                if name in overrides.servers:
                    spool.append_audit(rooms, _lapse(name, state["run"]["id"]))
            kept = {key: each for key, each in overrides.pending.items() if key not in answered}
            write_overrides(rooms.overrides, replace(overrides.without(lapsed), pending=kept))
    except FileNotFoundError:
        return []
    except (OSError, NotOverrides) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        return [f"requests are not answered: {rooms.directory}: {reason}; the next run answers them"]
    return []


def _answer(identity: str, overrides: Overrides, state: State) -> dict[str, Any]:
    pending = overrides.pending[identity]
    status, messages = outcome(pending, overrides, state)
    told = _servers(pending.request, state)
    return result_of(identity, pending.request, status, messages, state["run"]["id"], servers=told, taken=pending.taken)


def outcome(pending: Pending, overrides: Overrides, state: State) -> tuple[str, list[str]]:
    """Returns what came of a request: its status, and what is to be told of it, the most important first."""
    request, name = pending.request, pending.request.server
    notes = [pending.note] if pending.note else []
    later = overrides.superseded(request.id)
    if later is not None:
        return SUPERSEDED, [f"request {later}, which came later, asks for something else", *notes]
    servers = {each["name"]: each for each in state["servers"]} | {each["name"]: {} for each in state["remotes"]}
    whole = [each["message"] for each in state["errors"] if each["server"] is None]
    if request.action == SYNC or name is None:
        failed = state["run"]["result"] != "ok"
        return (FAILED if failed else DONE), [str(state["summary"]["text"]), *notes, *(whole if failed else [])]
    if request.action == CHECK:
        return DONE, [f"{name} could be made so", *notes]
    found = servers.get(name)
    if request.action == DELETE:
        if found is None:
            return (FAILED, [*whole]) if whole else (DONE, [f"{name} is gone", *notes])
        return FAILED, [f"{name} is still in the config", *whole]
    if found is None:
        return FAILED, [f"{name} is not in the config any more", *whole, *notes]
    return _of_server(request, name, found, whole, notes)


def _of_server(
    request: Request, name: str, found: Mapping[str, Any], whole: list[str], notes: list[str]
) -> tuple[str, list[str]]:
    if not found:  # it runs elsewhere
        return DONE, [f"{name} is in the config, and runs elsewhere", *notes]
    error, text = found.get("error"), f"{name}: {found['text']['condition']}"
    condition, observed = found["condition"], found["observed"]
    if whole and observed == "unknown":
        return FAILED, ["it is recorded, and the run failed before it could be done; the next run does it", *whole]
    if request.action == STOP:
        if observed in ("stopped", "absent"):
            return DONE, [text, *notes]
        return FAILED, [f"{name} is not stopped yet; the next run stops it", *filter(None, [error]), *whole]
    if request.action != CLEAR and condition == "stopped":
        return FAILED, [f"{name} was stopped by hand; a restart makes a new container of it", *notes]
    if error is not None or condition in ("failing", "quarantined"):
        return FAILED, [error or text, *whole]
    told = "it has the newest image; " if request.action == PULL else ""
    return DONE, [told + text, *notes]


def _servers(request: Request, state: State) -> dict[str, Any]:
    """What the run has found and done, by server: the one that was asked about, or all that there is to tell of."""
    told = {}
    for each in state["servers"]:
        name = each["name"]
        changes = [line.removeprefix(f"{name}: ") for line in state["run"]["changes"] if line.startswith(f"{name}: ")]
        if request.server == name or (request.server is None and (changes or each["error"])):
            told[name] = {
                "condition": each["condition"],
                "text": each["text"]["condition"],
                "changes": changes[:CHANGES_TOLD],
                "error": each["error"],
            }
    return dict(list(told.items())[:SERVERS_TOLD])


def result_of(
    identity: str,
    request: Request | None,
    status: str,
    messages: Sequence[str],
    run: str,
    *,
    servers: Mapping[str, Any] | None = None,
    taken: str | None = None,
    owner: Who | None = None,
) -> dict[str, Any]:
    """Returns the answer to a request, as docs/requests.md describes it.

    ``request`` is None where it was not read; then ``owner`` is the one of its file.
    """
    who = request.who if request else owner
    return {
        "version": VERSION,
        "id": identity,
        "action": request.action if request else None,
        "server": request.server if request else None,
        "who": who.to_dict() if who else None,
        "from": request.origin if request else None,
        "status": status,
        "message": messages[0] if messages else "",
        "messages": list(messages),
        "servers": dict(servers or {}),
        "run": run,
        "taken": taken,
        "answered": _now(),
    }


def audit_line(result: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what the audit log keeps of an answer."""
    keys = ("id", "action", "server", "who", "from", "status", "message", "run", "taken")
    return {"time": result["answered"], "event": "request", **{key: result[key] for key in keys}}


def _lapse(name: str, run: str) -> dict[str, Any]:
    message = "its entry has changed, or is gone: what was asked for it no longer holds"
    return {"time": _now(), "event": "lapsed", "server": name, "message": message, "run": run}


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
