# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The condition of a server in one word, how people read it and how urgent it is. Pure; nobody else decides this."""

from __future__ import annotations

from dataclasses import dataclass

OK, WARNING, CRITICAL, NONE = "ok", "warning", "critical", "none"


@dataclass(frozen=True)
class Condition:
    """``name`` is for programs, ``text`` for people; ``severity`` is ok, warning, critical or none.

    ``counted`` stands behind a number of servers. ``must_answer`` says whether a server in this condition has to answer
    for all to be well.
    """

    name: str
    text: str
    counted: str
    severity: str
    must_answer: bool = True


# The most urgent first; pages list servers in this order.
CONDITIONS = {
    each.name: each
    for each in (
        Condition("failing", "failing", "failing", CRITICAL),
        Condition("quarantined", "quarantined", "quarantined", CRITICAL),
        Condition("invalid", "wrong entry", "with a wrong entry", CRITICAL),
        Condition("degraded", "degraded", "degraded", WARNING),
        Condition("unknown", "not known", "not known", WARNING),
        Condition("starting", "starting", "starting", WARNING),
        Condition("ok", "answers", "answering", OK),
        Condition("asleep", "asleep", "asleep", OK),
        Condition("stopped", "stopped", "stopped", NONE, must_answer=False),
        Condition("on_other_hosts", "on other hosts", "on other hosts", NONE, must_answer=False),
        Condition("in_cluster", "in the cluster", "in the cluster", NONE, must_answer=False),
        Condition("disabled", "disabled", "disabled", NONE, must_answer=False),
    )
}


def condition_of(
    *,
    desired: str,
    observed: str,
    status: str,
    has_error: bool,
    is_new: bool,
    on_other_hosts: bool,
    in_cluster: bool = False,
    quarantined: bool = False,
) -> Condition:
    """Returns the condition of one server.

    Args:
        desired: running, disabled or invalid, as the config has it.
        observed: what became of its container: running, failed, stopped, absent or unknown.
        status: what its probe met: ok, asleep, failing or unknown.
        has_error: whether the run reports an error for it. A server that answers nevertheless is degraded: an update
            has failed, for example.
        is_new: whether this run makes its container, so that nobody may have asked it yet.
        on_other_hosts: whether its placement gives it to other hosts.
        in_cluster: whether it gives it to the cluster, to which another host speaks.
        quarantined: whether it has failed so often that it is left alone for long.
    """
    elsewhere = "on_other_hosts" if on_other_hosts else "in_cluster" if in_cluster else None
    name = _name(desired, observed, status, has_error, is_new, elsewhere)
    return CONDITIONS["quarantined" if quarantined and name == "failing" else name]


def _name(desired: str, observed: str, status: str, has_error: bool, is_new: bool, elsewhere: str | None) -> str:
    if desired != "running":
        return desired
    if status in ("ok", "asleep"):
        return "degraded" if has_error else status
    if has_error or observed == "failed":
        return "failing"
    if observed == "stopped":
        return "stopped"
    if status == "failing":
        return "failing"
    if elsewhere is not None:
        return elsewhere
    return "starting" if is_new else "unknown"
