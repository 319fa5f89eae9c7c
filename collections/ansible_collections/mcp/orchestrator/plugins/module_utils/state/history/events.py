# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What happened to each server in a run, from what it did and from what was known of the servers before. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.memory import TROUBLES, Known, Memory
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import text, word

# Steps that belong to another one and are no news of their own.
_BOOKKEEPING = ("pull", "rename", "remove_image", "wait_healthy", "wait_drained", "tag_rule", "tag_target_group")
_CREATIONS = ("create", "recreate")
MOST_NAMES = 10


@dataclass(frozen=True)
class Event:
    """Something that happened to a server, or with ``server`` None to the fleet. ``text`` is a sentence for people.

    ``details`` are plain data for programs: which tools came and went, for example.
    """

    server: str | None
    event: str
    text: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns the event as a report has it."""
        plain = {"server": self.server, "event": self.event, "text": self.text}
        return {**plain, "details": dict(self.details)} if self.details else plain


def events_of(
    state: Mapping[str, Any], actions: Sequence[Mapping[str, Any]], before: Memory, after: Memory
) -> list[Event]:
    """Returns the events of a run, by server in the order of their names, those of the fleet last.

    ``state`` is the state file's content, ``actions`` what the steps did (server, step, action, reason), ``before`` and
    ``after`` what was known of the servers before the run and is known now.
    """
    entries = {each["name"]: each for each in (*state["servers"], *state["remotes"])}
    done: dict[str | None, list[Mapping[str, Any]]] = {}
    for action in actions:
        if word(action.get("action")) not in _BOOKKEEPING:
            name = word(action.get("server"))
            # The monitor has a route as servers do, under a name that no server can have.
            known = name in entries or name in before.servers
            done.setdefault(name if known else None, []).append(action)
    found: list[Event] = []
    for name in sorted(entries.keys() | {each for each in done if each is not None}):
        found += _of_actions(name, done.get(name, []), before, after)
        if name in entries:
            found += _of_condition(name, entries[name], before.servers.get(name), state["run"]["finished"])
            found += _of_tools(name, before.servers.get(name), after.servers.get(name))
    if done.get(None):
        found.append(Event(None, "changed", _told(done[None])))
    return found


def _of_actions(name: str, actions: Sequence[Mapping[str, Any]], before: Memory, after: Memory) -> Iterator[Event]:
    if not actions:
        return
    old, new = before.servers.get(name), after.servers.get(name)
    verbs = {word(each.get("action")) for each in actions}
    said = _told(actions)
    if new is None:
        yield Event(name, "removed", said)
    elif all(each.get("step") == "retire" for each in actions):
        yield Event(name, "stopped" if new.condition == "disabled" else "retired", said)
    elif old is None or old.condition in ("disabled", "invalid"):
        yield Event(name, "created" if verbs.intersection(_CREATIONS) else "changed", said)
    elif old.generation != new.generation:
        yield Event(name, "rolled" if verbs.intersection(_CREATIONS) else "changed", said)
    elif before.settings != after.settings:
        yield Event(name, "changed", said)
    else:
        # Nobody asked for anything else than before: the world had moved away.
        yield Event(name, "repaired", said)


def _of_condition(name: str, entry: Mapping[str, Any], old: Known | None, now: str) -> Iterator[Event]:
    condition = entry["condition"]
    reason = entry.get("error") or entry["health"]["reason"]
    if condition in TROUBLES:
        if old is None or old.trouble != condition:
            since = f"since {now}"
            yield Event(name, condition, f"{since}: {reason}" if reason else since)
    elif condition in ("ok", "asleep") and old is not None and old.trouble is not None:
        lasted = _lasted(old.trouble_since, now)
        yield Event(name, "recovered", f"answers again{f' after {lasted}' if lasted else ''}; it was {old.trouble}")
    elif condition == "stopped" and old is not None and old.condition != condition:
        yield Event(name, "stopped", "an operator has stopped it")


def _of_tools(name: str, old: Known | None, new: Known | None) -> Iterator[Event]:
    if old is None or new is None or not old.tools or old.tools == new.tools:
        return
    details = {
        "added": sorted(new.tools.keys() - old.tools.keys()),
        "removed": sorted(old.tools.keys() - new.tools.keys()),
        "changed": sorted(tool for tool in old.tools.keys() & new.tools.keys() if old.tools[tool] != new.tools[tool]),
    }
    said = [f"{kind}: {_names(tools)}" for kind, tools in details.items() if tools]
    yield Event(
        name, "tools_changed", f"tools {'; '.join(said)}", {kind: each for kind, each in details.items() if each}
    )


def _names(names: Sequence[str]) -> str:
    more = len(names) - MOST_NAMES
    return ", ".join(names[:MOST_NAMES]) + (f" and {more} more" if more > 0 else "")


def _told(actions: Sequence[Mapping[str, Any]]) -> str:
    lines = [f"{word(each.get('action')) or 'changed'}: {text(each.get('reason')) or 'no reason'}" for each in actions]
    return text("; ".join(dict.fromkeys(lines))) or ""


def _lasted(began: str | None, ended: str) -> str:
    """The time between two moments of the state file, in the largest unit that fits."""
    try:
        seconds = int((datetime.fromisoformat(ended) - datetime.fromisoformat(began or "")).total_seconds())
    except ValueError:
        return ""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{max(seconds, 0)} s"
