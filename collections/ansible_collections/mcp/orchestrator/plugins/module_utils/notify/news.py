# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What there is to tell after a run, from its report and from what was told before. Pure.

Nobody is told twice of the same trouble: what was told is kept by subject, until it is over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

MOST_LINES = 30
LONGEST_LINE = 400

# The troubles of a server by its condition, as people read them.
_TROUBLES = {
    "failing": "is failing",
    "quarantined": "is quarantined",
    "degraded": "is degraded",
    "invalid": "is refused: its entry in the config is wrong",
}
# Conditions in which nothing is wrong with a server. From others, such as starting, nothing follows.
_WELL = ("ok", "asleep")
_NOT_EXPECTED = ("disabled", "stopped", "on_other_hosts", "in_cluster")
_LIMITS = {"memory": "memory", "cpu": "CPU", "processes": "processes"}

Told = dict[str, str]
"""The trouble that was told last of each subject: a server's name, ``name#limit``, CONFIG or RUN."""

CONFIG, RUN = "[config]", "[run]"


@dataclass(frozen=True)
class Message:
    """One message for people: a title of one line, and a line for each piece of news."""

    title: str
    body: str


def news_of(
    state: Mapping[str, Any], near: Mapping[str, Any], told: Told, *, host: str, unreported: str | None = None
) -> tuple[Message | None, Told]:
    """Returns the message after a run, None where there is nothing new, and what is told then.

    Args:
        state: the state file's content.
        near: by server its ``near_limit`` of the samples: limit, since and share of each limit that it stays near.
        told: what was told before.
        host: the name of this host, for the title.
        unreported: how the last run ended where it left no report, None where it left one.
    """
    now = {**_servers(state, told), **_near(near, state, told), **_run(state, unreported)}
    lines = [line for subject, (trouble, line) in now.items() if told.get(subject) != trouble]
    over = [subject for subject in told if subject not in now and not _is_gone(subject, state)]
    lines += [_recovered(subject, told[subject], state) for subject in over]
    after = {subject: trouble for subject, (trouble, _line) in now.items()}
    if not lines:
        return None, after
    shown = [line if len(line) <= LONGEST_LINE else line[: LONGEST_LINE - 1] + "…" for line in lines[:MOST_LINES]]
    if len(lines) > len(shown):
        shown.append(f"and {len(lines) - len(shown)} more")
    link = [str(state["monitor"])] if state.get("monitor") else []
    title = f"MCP fleet {state.get('fleet', 'mcp')} on {host}: {state['summary']['text']}"
    return Message(title, "\n".join([*shown, *link])), after


def _entries(state: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield from state["servers"]
    yield from state["remotes"]


def _servers(state: Mapping[str, Any], told: Told) -> dict[str, tuple[str, str]]:
    """The servers in trouble. One of which nothing is known now stays in the trouble that was told."""
    found = {}
    for entry in _entries(state):
        name, condition = entry["name"], entry["condition"]
        if condition in _TROUBLES:
            since = f" since {entry['since']}" if entry.get("since") else ""
            error = f": {entry['error']}" if entry.get("error") else ""
            found[name] = (condition, f"{name} {_TROUBLES[condition]}{since}{error}")
        elif condition not in (*_WELL, *_NOT_EXPECTED) and name in told:
            found[name] = (told[name], "")
    return found


def _near(near: Mapping[str, Any], state: Mapping[str, Any], told: Told) -> dict[str, tuple[str, str]]:
    found = {}
    names = {entry["name"] for entry in state["servers"]}
    for name in sorted(names & near.keys()):
        for each in near[name]:
            limit = _LIMITS.get(str(each.get("limit")), str(each.get("limit")))
            share = f" ({each['share']:.0%} of it)" if isinstance(each.get("share"), (int, float)) else ""
            found[f"{name}#{limit}"] = ("near", f"{name} stays near its limit of {limit}{share}")
    return found


def _run(state: Mapping[str, Any], unreported: str | None) -> dict[str, tuple[str, str]]:
    found = {}
    whole = [error for error in state["errors"] if error["server"] is None]
    refused = [error["message"] for error in whole if error["step"] == "config"]
    others = [f"{error['step']}: {error['message']}" for error in whole if error["step"] != "config"]
    if refused:
        found[CONFIG] = ("refused", f"The config is refused: {'; '.join(refused)}")
    if unreported is not None:
        said = f"The last run ended without its report ({unreported}); see: journalctl -u mcp-reconcile"
        found[RUN] = ("unreported", said)
    elif others and not refused:
        # What follows from a config that cannot be read is no news of its own.
        found[RUN] = ("failing", f"The run is failing: {'; '.join(others)}")
    return found


def _is_gone(subject: str, state: Mapping[str, Any]) -> bool:
    """Whether nobody expects the subject any more, so that nobody is told that it is well."""
    if subject in (CONFIG, RUN):
        return False
    name = subject.partition("#")[0]
    return not any(entry["name"] == name and entry["condition"] in _WELL for entry in _entries(state))


def _recovered(subject: str, trouble: str, state: Mapping[str, Any]) -> str:
    if subject == CONFIG:
        return "The config is accepted again"
    if subject == RUN:
        return "The run succeeds again" if state["run"]["result"] == "ok" else "The run ends with its report again"
    name, _hash, limit = subject.partition("#")
    return f"{name} is no longer near its limit of {limit}" if limit else f"{name} has recovered; it was {trouble}"
