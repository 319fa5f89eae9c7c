# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The state file's content, from the results of a run's steps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.facts import RunFacts, endpoints_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.health import lost_tools
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.remote import remote_entry
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.server import container_of, server_entry
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.step import STEPS, Step, StepError
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.summary import summary_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import text, texts, whole, word

# 2: condition, severity, text, container as an object, summary.
VERSION = 2
ONE_YEAR = 366 * 24 * 3600

# Reported when the run ended between two steps, which no registered result knows of.
_NOT_REACHED = {
    "config": "before the config was read",
    "containers": "before the containers were converged",
    "routes": "before the routes were converged",
    "retire": "before superseded containers were retired",
    "probe": "before the servers were asked",
}

# What to do about a server that does not pass its probe, by the probe's cause.
_WAYS_OUT = {
    "refused": "check that the balancer runs",
    "unreachable": "check that this host can reach the balancer",
    "tls": "check which name and authority the listener's certificate has",
    "no_route": "run again; if it persists, check the listener's rules",
    "not_found": "set orchestrator.path in its entry to where it serves MCP",
    "not_mcp": "set orchestrator.transport and orchestrator.path in its entry to what it speaks",
    "guard": "set orchestrator.host_header in its entry to a host that it accepts, or name the origin in its settings",
    "prefix": "tell the server its public path if it has a setting for it, or have it speak stdio or streamable HTTP",
    "deadline": "run again, or find out what makes the other servers slow",
}


@dataclass(frozen=True)
class RunInfo:
    """What is known of the run itself. Times are in UTC."""

    id: str
    started: datetime
    finished: datetime
    check_mode: bool


def build_state(
    *,
    run: RunInfo,
    settings: Mapping[str, Any],
    warnings: Sequence[str] = (),
    had_tools: Mapping[str, Sequence[str]] | None = None,
    **results: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """Returns the state file's content, from the ``results`` that Ansible registered for the steps of one run (STEPS).

    Any result may be empty (not reached), skipped, or failed. One may be missing that a run need not have: images to
    build, requests, a cluster (``workloads``, and ``leave``, what hosts serve in its place), LiteLLM. ``warnings`` are
    about the host, ``had_tools`` the tools that each server offered when it last offered some. Only known fields are
    taken, so that nothing secret comes along. The shape is that of files/state.schema.json.
    """
    steps = _steps(results)
    service = _section(settings, "service")
    fleet = word(service.get("fleet")) or "mcp"
    errors = _errors(steps, endpoints_of(steps), run.check_mode, had_tools or {})
    facts = RunFacts(steps, errors, had_tools)
    public_url = word(steps["routes"].result.get("public_url"))
    servers = [server_entry(name, facts) for name in sorted(facts.names)]
    remotes = [remote_entry(name, facts) for name in sorted(facts.remotes)]
    path = word(_section(settings, "dashboard").get("path"))
    return {
        "version": VERSION,
        "fleet": fleet,
        "monitor": f"{public_url}{path}" if path and public_url else None,
        "run": {
            "id": run.id,
            "started": rfc3339(run.started),
            "finished": rfc3339(run.finished),
            "result": "failed" if errors else "ok",
            "check_mode": run.check_mode,
            "interval_seconds": whole(service.get("reconciliation_interval_seconds"), 1, ONE_YEAR),
            "changes": [change for step in steps.values() for change in step.changes],
        },
        "summary": summary_of(servers, remotes, failed=bool(errors), check_mode=run.check_mode),
        "servers": servers,
        "remotes": remotes,
        "errors": [error.to_dict() for error in errors],
        "warnings": [
            *warnings,
            *_unprotected(steps),
            *facts.on_cluster.get("", []),
            *(_told(steps["workloads"], "left") if "workloads" in steps else ()),
            *_told(steps["retire"], "kept"),
            *_told(steps["routes"], "notes"),
            *(_told(steps["litellm"], "advice") if "litellm" in steps else ()),
        ],
    }


def _steps(results: Mapping[str, Mapping[str, Any] | None]) -> dict[str, Step]:
    """The steps in the order of a run, without those that a run need not have and this one has not."""
    return {name: Step(name, results.get(name) or {}) for name in STEPS if results.get(name) or name in _NOT_REACHED}


def _unprotected(steps: Mapping[str, Step]) -> list[str]:
    """What the packet filter of this host does not close, in the words of the steps that found it out."""
    said = (text(step.result.get("unprotected")) for step in steps.values())
    return list(dict.fromkeys(each for each in said if each))


def _told(step: Step, key: str) -> list[str]:
    return texts(step.result.get(key)) or []


def rfc3339(moment: datetime) -> str:
    """A moment in UTC to the second, as 2026-11-21T04:19:00Z."""
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def _errors(
    steps: Mapping[str, Step],
    endpoints: Mapping[str, Mapping[str, Any]],
    check_mode: bool,
    had_tools: Mapping[str, Sequence[str]],
) -> list[StepError]:
    errors: list[StepError] = []
    ended = False
    for step in steps.values():
        if not step.reached:
            # Check mode has nothing to retire and nobody to ask.
            if not ended and not (check_mode and step.name in ("retire", "probe")):
                message = f"the run ended {_NOT_REACHED[step.name]}; its output names the task that failed"
                errors.append(StepError(None, step.name, message))
            ended = True
            continue
        ended = ended or step.failed_as_a_whole
        errors += step.own_errors
    # Who has no container or no route does not answer either, which is no news.
    known = {error.server for error in errors}
    errors += [error for error in _unanswered(steps["probe"], endpoints) if error.server not in known]
    errors += _without_tools(steps["probe"], endpoints, had_tools)
    return list(dict.fromkeys(errors))


def _unanswered(probe: Step, endpoints: Mapping[str, Mapping[str, Any]]) -> list[StepError]:
    errors = []
    for name, report in probe.by_name("servers").items():
        cause, endpoint = word(report.get("cause")), endpoints.get(name, {})
        # A server that wants its caller's authorization is healthy; the probe cannot look inside. One that an operator
        # has stopped is meant not to answer.
        if report.get("state") == "failing" and cause != "auth" and endpoint.get("state") != "stopped":
            reason = text(report.get("reason")) or "does not answer"
            container = container_of(endpoint)
            way_out = _WAYS_OUT.get(cause or "") or (f"look at: {container['logs']}" if container else "")
            errors.append(StepError(name, "probe", "; ".join(filter(None, (reason, way_out)))))
    return errors


def _without_tools(
    probe: Step, endpoints: Mapping[str, Mapping[str, Any]], had_tools: Mapping[str, Sequence[str]]
) -> list[StepError]:
    errors = []
    for name, report in probe.by_name("servers").items():
        lost = lost_tools(report, had_tools.get(name, []))
        if lost is not None:
            container = container_of(endpoints.get(name, {}))
            way_out = f"look at: {container['logs']}" if container else ""
            errors.append(StepError(name, "probe", "; ".join(filter(None, (lost, way_out)))))
    return errors


def _section(settings: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    section = settings.get(name)
    return section if isinstance(section, Mapping) else {}
