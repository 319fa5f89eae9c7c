"""Runs, routes, and what came of requests."""

from __future__ import annotations

from datetime import datetime
from itertools import islice
from typing import Any
from urllib.parse import urlencode

from records.history import Run, run_of

from monitor.access.users import VIEW
from monitor.api.operation import Call, Operation, Parameter, Reply
from monitor.api.plain import moment_text, plain
from monitor.api.problem import UNAVAILABLE, UNKNOWN, Problem
from monitor.api.servers import NAME
from monitor.api.shape import ref
from monitor.listeners import ListenersUnreadable
from monitor.pages.runs import newest_first, touching
from monitor.results import Result, asked_at, is_identity, read_result
from monitor.server import apart
from monitor.waiting import Wanted

MOST_RUNS = 200
FORGOTTEN_SECONDS = 24 * 3600
"""After so long a request without an answer is not waited for any more."""

_IDENTITY = {"type": "string", "pattern": "^[A-Za-z0-9._-]{1,100}$", "description": "An id."}


def _runs(call: Call) -> Reply:
    limit, server, before = call.values.get("limit", 50), call.values.get("server", ""), call.values.get("before")
    found = apart(lambda: list(islice(touching(newest_first(call.sources, before), server), limit + 1)))
    follows = None
    if len(found) > limit:
        asked = {name: str(value) for name, value in call.values.items() if name != "before"}
        follows = f"{call.url}/runs?{urlencode({**asked, 'before': found[limit - 1].id})}"
    links = {"Link": f'<{follows}>; rel="next"'} if follows else {}
    return Reply({"runs": [_summary(run) for run in found[:limit]], "next": follows}, headers=links)


def _summary(run: Run) -> dict[str, Any]:
    return {
        "id": run.id,
        "last_id": run.last_id,
        "trigger": run.trigger,
        "started": moment_text(run.started),
        "finished": moment_text(run.finished),
        "seconds": run.seconds,
        "runs": run.count,
        "result": run.result,
        "summary": run.summary,
        "severity": run.severity,
        "actions": len(run.plan) + run.more_actions,
        "events": len(run.events),
        "errors": len(run.errors),
    }


def _run(call: Call) -> Reply:
    run = apart(run_of, call.sources.history, call.values["id"])
    if run is None:
        raise Problem(UNKNOWN, "No report of such a run is kept; GET /runs lists those that are")
    more = {
        "plan": list(run.plan),
        "more_actions": run.more_actions,
        "diff": run.diff,
        "errors": list(run.errors),
        "events": [
            {"server": each.server, "event": each.event, "text": each.text, "details": each.details}
            for each in run.events
        ],
    }
    return Reply(_summary(run) | more)


def _routes(call: Call) -> Reply:
    try:
        found = apart(call.sources.listeners)
    except ListenersUnreadable as error:
        raise Problem(UNAVAILABLE, f"{error}.", headers={"Retry-After": "10"}) from None
    if found is None:
        raise Problem(UNKNOWN, "No run has told of a load balancer yet")
    return Reply(plain(found))


def _request(call: Call) -> Reply:
    return Reply(request_document(call, call.values["id"]))


def request_document(call: Call, identity: str) -> dict[str, Any]:
    """What is known of a request; raises Problem where there is none."""
    result = read_result(call.sources.results, identity)
    written = asked_at(identity) if is_identity(identity) else None
    is_lost = written is None or (call.now - written).total_seconds() > FORGOTTEN_SECONDS
    if result is not None:
        return _answered(result, written)
    if is_lost:
        raise Problem(UNKNOWN, "There is no such request, or its answer is not kept any more")
    wanted = call.sources.waiting.of(identity)
    return (
        {"id": identity, "status": "waiting", "written": written and moment_text(written)}
        | dict.fromkeys(("action", "server", "who", "from", "answered", "run"))
        | ({} if wanted is None else _of_wanted(wanted))
        | {"messages": [], "changes": []}
    )


def _of_wanted(wanted: Wanted) -> dict[str, Any]:
    return {"action": wanted.action, "server": wanted.server, "who": wanted.who, "from": wanted.origin}


def _answered(result: Result, written: datetime | None) -> dict[str, Any]:
    return {
        "id": result.id,
        "status": result.status,
        "action": result.action or None,
        "server": result.server,
        "who": result.who,
        "from": result.origin,
        "written": written and moment_text(written),
        "answered": moment_text(result.answered),
        "run": result.run,
        "messages": list(result.messages),
        "changes": list(result.changes),
    }


RUNS = (
    Operation(
        "listRuns",
        "GET",
        "/runs",
        VIEW,
        "The reports of runs, the newest first.",
        _runs,
        ref("run_list"),
        parameters=(
            Parameter("server", NAME.schema, "Only those that did something to this server, or met something of it."),
            Parameter("before", _IDENTITY, "Only those older than the report with this id."),
            Parameter(
                "limit", {"type": "integer", "minimum": 1, "maximum": MOST_RUNS}, "How many at most; 50 without it."
            ),
        ),
    ),
    Operation(
        "getRun",
        "GET",
        "/runs/{id}",
        VIEW,
        "A run: what started it, what it did and why, what happened, how it ended.",
        _run,
        ref("run"),
        parameters=(Parameter("id", _IDENTITY, "The run's id.", place="path", required=True),),
        problems=(404,),
        more="Runs in a row that found and did the same are one report.",
    ),
    Operation(
        "getRoutes",
        "GET",
        "/routes",
        VIEW,
        "The listeners of the load balancers as the last run found them: rules in order, targets' health, quotas.",
        _routes,
        ref("routes"),
        problems=(404, 503),
    ),
    Operation(
        "getRequest",
        "GET",
        "/requests/{id}",
        VIEW,
        "What came of a request.",
        _request,
        ref("request"),
        parameters=(Parameter("id", _IDENTITY, "The request's id.", place="path", required=True),),
        problems=(404,),
    ),
)
