# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In which condition each server was, and when: a month of it in one small file, which outlasts the reports. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import word

VERSION = 1
KEPT_SECONDS = 31 * 86400
MOST_CHANGES = 500
"""Of one server; the newest are kept."""
MOST_SPANS = 500
# After so many intervals without a run nobody knows how the servers were; the page calls a state stale by then.
LONGEST_PAUSE_INTERVALS = 3
DEFAULT_INTERVAL_SECONDS = 300
GONE = ""
"""The condition of a server that the config does not hold."""
# A server that sleeps answers: falling asleep and waking up are no changes.
_SAME = {"asleep": "ok"}


@dataclass(frozen=True)
class Conditions:
    """``recorded`` are the spans of time, begin and end, in which runs came; ``servers`` when each server came into
    which condition, the oldest first. Times are seconds since 1970."""

    recorded: tuple[tuple[int, int], ...] = ()
    servers: Mapping[str, tuple[tuple[int, str], ...]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain data, which ``conditions_from`` reads, as files/conditions.schema.json describes it."""
        return {
            "version": VERSION,
            "recorded": [list(span) for span in self.recorded],
            "servers": {name: [list(change) for change in changes] for name, changes in sorted(self.servers.items())},
        }


def conditions_from(document: Any) -> Conditions:
    """Returns the conditions in a document; what is not readable in it is forgotten."""
    if not isinstance(document, dict) or document.get("version") != VERSION:
        return Conditions()
    servers = document.get("servers")
    recorded, servers = document.get("recorded"), servers if isinstance(servers, dict) else {}
    return Conditions(
        tuple(_pairs(recorded, int)),
        {str(name): tuple(_pairs(changes, str)) for name, changes in servers.items()},
    )


def continued(before: Conditions, state: Mapping[str, Any], now: int) -> Conditions:
    """Returns the conditions after a run that ended at ``now`` and found ``state``, the state file's content.

    A clock that was set back leaves nothing of what it said of times to come, and all of what was before.
    """
    before = _until(before, now)
    found = {entry["name"]: _told(entry) for entry in (*state["servers"], *state["remotes"])}
    oldest = now - KEPT_SECONDS
    servers = {}
    for name in before.servers.keys() | found.keys():
        changes = _kept(_with(before.servers.get(name, ()), found.get(name, GONE), now), oldest)
        if changes:
            servers[name] = changes
    interval = state["run"]["interval_seconds"] or DEFAULT_INTERVAL_SECONDS
    return Conditions(_spans(before.recorded, now, LONGEST_PAUSE_INTERVALS * interval, oldest), servers)


def _told(entry: Mapping[str, Any]) -> str:
    condition = word(entry["condition"]) or "unknown"
    return _SAME.get(condition, condition)


def _with(changes: tuple[tuple[int, str], ...], condition: str, now: int) -> tuple[tuple[int, str], ...]:
    return changes if changes and changes[-1][1] == condition else (*changes, (now, condition))


def _kept(changes: tuple[tuple[int, str], ...], oldest: int) -> tuple[tuple[int, str], ...]:
    """Without what ended before ``oldest``: the last change before it says how things stood then."""
    first = max((index for index, change in enumerate(changes) if change[0] <= oldest), default=0)
    left = changes[first:][-MOST_CHANGES:]
    return () if len(left) == 1 and left[0][1] == GONE and left[0][0] <= oldest else left


def _until(before: Conditions, now: int) -> Conditions:
    """What is known up to ``now``."""
    return Conditions(
        tuple((begun, min(ended, now)) for begun, ended in before.recorded if begun <= now),
        {name: tuple(each for each in changes if each[0] <= now) for name, changes in before.servers.items()},
    )


def _spans(recorded: tuple[tuple[int, int], ...], now: int, pause: int, oldest: int) -> tuple[tuple[int, int], ...]:
    if recorded and now - recorded[-1][1] <= pause:
        spans = (*recorded[:-1], (recorded[-1][0], now))
    else:
        spans = (*recorded, (now, now))
    return tuple(span for span in spans if span[1] > oldest)[-MOST_SPANS:]


def _pairs(found: Any, kind: type) -> Iterable[tuple[int, Any]]:
    """The pairs of a list whose first is a time and whose second is of the kind."""
    for each in found if isinstance(found, list) else []:
        if isinstance(each, list) and len(each) == 2 and isinstance(each[0], int) and isinstance(each[1], kind):
            yield each[0], each[1]
