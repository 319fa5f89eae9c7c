# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The report of one run as the history keeps it, and how runs that say the same become one report. Pure."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.events import Event
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import text, word

VERSION = 1
LARGEST_RECORD = 256 * 1024
LARGEST_DIFF = 64 * 1024
MOST_ACTIONS = 500
# What starts runs again and again. What a person or a request has started is kept as a report of its own.
REPEATING = ("timer", "watcher")

Json = dict[str, Any]


def trigger_of(said: str | None) -> str:
    """Returns what started the run, as one line: what MCP_TRIGGER says, ``hand`` where it says nothing."""
    return (text(said) or "hand")[:200]


def record_of(
    state: Mapping[str, Any],
    actions: Sequence[Mapping[str, Any]],
    diffs: Iterable[Mapping[str, Any]],
    events: Sequence[Event],
    trigger: str,
) -> Json:
    """Returns the report of a run, as files/history.schema.json describes it.

    ``state`` is the state file's content, ``actions`` what the steps did with the name of their step, ``diffs`` the
    steps' before and after as ``--diff`` shows them.
    """
    run = state["run"]
    plan = [_action(each) for each in actions[:MOST_ACTIONS]]
    record = {
        "version": VERSION,
        "id": run["id"],
        "last_id": run["id"],
        "trigger": trigger,
        "started": run["started"],
        "finished": run["finished"],
        "last_started": run["started"],
        "runs": 1,
        "result": run["result"],
        "summary": state["summary"]["text"],
        "severity": state["summary"]["severity"],
        "plan": plan,
        "more_actions": len(actions) - len(plan),
        "diff": _diff(diffs),
        "errors": list(state["errors"]),
        "events": [event.to_dict() for event in events],
    }
    return _bounded(record)


def folded(last: Mapping[str, Any] | None, record: Json) -> Json | None:
    """Returns the last report with this run counted in it, or None where this run is news and has a report of its own.

    Runs of the timer that find and do the same, most often nothing, are one report with a number and a time span.
    """
    if last is None or last.get("version") != VERSION or not str(record["trigger"]).startswith(REPEATING):
        return None
    if any(last.get(key) != record[key] for key in _SAYS) or not str(last.get("finished")) <= record["started"]:
        return None
    count = last.get("runs")
    runs = count + 1 if isinstance(count, int) else 2
    return {
        **last,
        **{key: record[key] for key in ("last_id", "finished", "last_started")},
        "runs": runs,
    }


_SAYS = ("trigger", "result", "summary", "severity", "plan", "more_actions", "diff", "errors", "events")


def _action(action: Mapping[str, Any]) -> Json:
    told = {
        "step": word(action.get("step")),
        "server": word(action.get("server")),
        "action": word(action.get("action")) or "changed",
        "reason": text(action.get("reason")),
    }
    facts = {side: value for side in ("before", "after") if (value := _facts(action.get(side)))}
    return {**told, **facts}


def _facts(value: Any) -> Any:
    """Facts of an action, as --diff shows them, if they are plain data of a reasonable size."""
    try:
        return value if value and len(json.dumps(value)) <= 4096 else None
    except (TypeError, ValueError):
        return None


def _diff(diffs: Iterable[Mapping[str, Any]]) -> str:
    """The steps' differences as one unified diff, at most 64 KiB of it."""
    lines: list[str] = []
    for each in diffs:
        before, after = (str(each.get(side) or "").splitlines() for side in ("before", "after"))
        if before != after:
            lines += list(difflib.unified_diff(before, after, "before", "after", lineterm=""))
    whole = "\n".join(lines)
    return whole if len(whole) <= LARGEST_DIFF else whole[:LARGEST_DIFF].rpartition("\n")[0] + "\n…"


def _bounded(record: Json) -> Json:
    """The report with less in it where it is larger than a report may be: first without the diff, then with less."""
    if _size(record) <= LARGEST_RECORD:
        return record
    lean = {**record, "diff": "…"}
    for most in (100, 10):
        if _size(lean) <= LARGEST_RECORD:
            break
        plan = [{key: each[key] for key in ("step", "server", "action", "reason")} for each in record["plan"][:most]]
        more = record["more_actions"] + len(record["plan"]) - len(plan)
        errors, events = record["errors"][:most], record["events"][:most]
        lean = {**lean, "plan": plan, "more_actions": more, "errors": errors, "events": events}
    return lean


def _size(record: Json) -> int:
    return len(json.dumps(record, ensure_ascii=False).encode("utf-8", "replace"))
