"""What the watcher has recorded of a server, and what happened to it: logs, calls, use, events."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from records.call import OUTCOMES, Call
from records.follow import Follower
from records.history import Event
from records.line import LEVELS, STREAMS, Line
from records.logs import MOST_LINES
from records.moment import SECOND, moment, nanoseconds_of
from records.query import LONGEST_TEXT, Query, QueryRefused
from records.sample import FULL, REDUCED, Sample
from records.samples import Latest

from monitor.access.users import VIEW
from monitor.api import operation as api
from monitor.api.documents import state_document
from monitor.api.log_follow import followed
from monitor.api.operation import Operation, Parameter, Reply
from monitor.api.plain import moment_text, second_text
from monitor.api.problem import INVALID, TOO_MANY, UNKNOWN, UNSEARCHABLE, Mistake, Problem
from monitor.api.servers import NAME
from monitor.api.shape import ref
from monitor.pages.log_stream import streamed
from monitor.server import apart
from monitor.web import Answer

SECONDS = 4.0
"""How long an operation may look for something."""
MOST_CALLS = 5000
MOST_EVENTS = 1000

_TIME = {
    "type": "string",
    "maxLength": 40,
    "anyOf": [{"pattern": "^[0-9]{1,9}[smhd]$"}, {"format": "date-time"}],
    "description": "How long ago, or a time of RFC 3339; a date alone is its beginning.",
}
SINCE = Parameter("since", _TIME, "Nothing older: 2h, 30m, 7d, or a time such as 2026-11-29T01:19:13Z.")
UNTIL = Parameter("until", _TIME, "Nothing that is not older: as since.")
_TEXT = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}


def at(call: api.Call, name: str) -> str:
    """The time of a parameter as records have it, empty where it is not given; raises Problem."""
    given = call.values.get(name)
    if given is None:
        return ""
    try:
        return moment(given, call.now.timestamp())
    except ValueError as error:
        raise _refused(f"query.{name}", str(error)) from None


def _refused(place: str, text: str) -> Problem:
    return Problem(INVALID, "See errors for everything that is wrong", mistakes=[Mistake(place, text)])


def _query(call: api.Call, **more: str) -> Query:
    since, until = at(call, "since"), at(call, "until")
    try:
        return Query(since=since, until=until, **more)
    except QueryRefused as error:
        raise Problem(UNSEARCHABLE, str(error)) from None


def _known(call: api.Call, recorded: list[str]) -> str:
    """The server that is meant, of which something is recorded or which the last run knew; raises Problem."""
    name: str = call.values["name"]
    if name not in recorded:
        try:
            state_document(call.sources).server(name)
        except Problem as problem:
            if problem.kind is UNKNOWN:
                raise
            raise Problem(UNKNOWN, f"Nothing is recorded of a server {name}, and there is no state") from None
    return name


def _logs(call: api.Call) -> Reply | Answer:
    values, logs = call.values, call.sources.logs
    name = _known(call, logs.servers())
    pattern = values.get("grep", "")
    is_regex = values.get("regex", False)
    query = apart(
        lambda: _query(
            call,
            text="" if is_regex else pattern,
            regex=pattern if is_regex else "",
            stream=values.get("stream", ""),
            level=values.get("level", ""),
        )
    )
    if values.get("follow", False):
        return _followed(call, name, query)
    return apart(_log_lines, call, name, query)


def _log_lines(call: api.Call, name: str, query: Query) -> Reply:
    page = call.sources.logs.tail([name], query, call.values.get("lines", 100), SECONDS)
    return Reply({"server": name, "lines": [_line(line) for line in page.lines], "whole": page.is_whole})


def _followed(call: api.Call, name: str, query: Query) -> Answer:
    logs = call.sources.logs
    page = apart(logs.tail, [name], query, call.values.get("lines", 100), SECONDS)
    # A log that begins later has no position yet.
    follower = Follower(logs, call.sources.growth, query, {name: "0:0"} | page.position)
    answer = streamed(followed(page, follower, _line, is_costly=bool(query.regex)))
    if answer is None:
        raise Problem(TOO_MANY, "Too many follow logs at once; try again", headers={"Retry-After": "10"})
    return answer


def _line(line: Line) -> dict[str, Any]:
    return {
        "time": line.time,
        "stream": line.stream,
        "level": line.level,
        "container": line.container,
        "text": line.text,
    }


def _calls(call: api.Call) -> Reply:
    name = _known(call, call.sources.calls.servers())
    query = _query(call, text=call.values.get("text", ""))
    return apart(_call_list, call, name, query)


def _call_list(call: api.Call, name: str, query: Query) -> Reply:
    outcome, limit = call.values.get("outcome"), call.values.get("limit", 100)
    found = call.sources.calls.tail([name], query, MOST_CALLS, SECONDS).calls
    meant = [each for each in found if outcome in (None, each.outcome)]
    return Reply({"server": name, "calls": [_call(each) for each in meant[-limit:]]})


def _call(call: Call) -> dict[str, Any]:
    fields = ("ended", "method", "tool", "outcome", "milliseconds", "session", "container")
    return {field: getattr(call, field) for field in fields}


def _stats(call: api.Call) -> Reply:
    samples = call.sources.samples
    name = _known(call, samples.servers())
    now = int(call.now.timestamp())
    since = at(call, "since") or moment("1h", now)
    begun = int(_seconds(since))
    ring = FULL if now - begun <= FULL.seconds else REDUCED
    latest = samples.now()
    used = latest.servers.get(name)
    return Reply(
        {
            "server": name,
            "now": None if used is None else {"time": second_text(latest.time), **_latest(used)},
            "step": ring.step,
            "samples": [_sample(each) for each in samples.series(name, ring, begun, now)],
        }
    )


def _seconds(text: str) -> float:
    """Returns seconds since 1970 of a time as records have it."""
    return nanoseconds_of(text) / SECOND


def _latest(used: Latest) -> Mapping[str, Any]:
    same = ("containers", "memory", "processes", "restarts", "oom_kills", "memory_limit", "processes_limit")
    return {
        **{field: getattr(used, field) for field in same},
        "cpu": used.cpu,
        "cpu_limit": used.cpu_limit,
        "received_per_second": used.received,
        "sent_per_second": used.sent,
        "near_limit": [
            {"limit": each.limit, "since": second_text(each.since), "share": each.share} for each in used.near_limit
        ],
    }


def _sample(sample: Sample) -> Mapping[str, Any]:
    same = ("containers", "memory", "memory_most", "received", "sent", "processes", "restarts", "oom_kills")
    return {
        "time": second_text(sample.time),
        "cpu": sample.cpu / 1000,
        "cpu_most": sample.cpu_most / 1000,
        **{field: getattr(sample, field) for field in same},
    }


def _events(call: api.Call) -> Reply:
    name = _known(call, [])
    since = at(call, "since")
    found = apart(call.sources.past.events.of, name, call.values.get("limit", 100))
    events = [each for each in found if moment_text(each.at) >= since[:19]]
    return Reply({"server": name, "events": [_event(each) for each in events]})


def _event(event: Event) -> dict[str, Any]:
    return {
        "run": event.run,
        "at": moment_text(event.at),
        "event": event.event,
        "text": event.text,
        "details": event.details,
    }


def _limit(most: int) -> Parameter:
    return Parameter("limit", {"type": "integer", "minimum": 1, "maximum": most}, "How many at most; 100 without it.")


RECORDED = (
    Operation(
        "getServerLogs",
        "GET",
        "/servers/{name}/logs",
        VIEW,
        "The last lines that a server wrote, across restarts and new versions.",
        _logs,
        ref("log_lines"),
        parameters=(
            NAME,
            Parameter(
                "lines",
                {"type": "integer", "minimum": 1, "maximum": MOST_LINES},
                "How many lines at most; 100 without it.",
            ),
            SINCE,
            UNTIL,
            Parameter("grep", _TEXT, "Only lines with this, in small or capital letters."),
            Parameter("regex", {"type": "boolean"}, "Whether grep is an expression as grep -E takes it."),
            Parameter("stream", {"type": "string", "enum": list(STREAMS)}, "Only this: rec is the recorder's remarks."),
            Parameter("level", {"type": "string", "enum": list(LEVELS)}, "Only lines of this level and above."),
            Parameter("follow", {"type": "boolean"}, "Whether to go on with what comes, as server-sent events."),
        ),
        problems=(404, 422),
        media=("text/event-stream",),
        more="With follow, an event lines has a list of lines, and an event left says that some were left out. A stream"
        " ends after 15 minutes.",
    ),
    Operation(
        "getServerStats",
        "GET",
        "/servers/{name}/stats",
        VIEW,
        "What a server's containers use now, and have used.",
        _stats,
        ref("usage"),
        parameters=(NAME, SINCE),
        problems=(404,),
        more="Of the last hour without since. Of up to 6 hours a sample is of 15 seconds, of more, up to 30 days, of 10"
        " minutes.",
    ),
    Operation(
        "getServerEvents",
        "GET",
        "/servers/{name}/events",
        VIEW,
        "What happened to a server, in runs and to its pods between them, the newest first.",
        _events,
        ref("event_list"),
        parameters=(NAME, SINCE, _limit(MOST_EVENTS)),
        problems=(404,),
    ),
    Operation(
        "getServerCalls",
        "GET",
        "/servers/{name}/calls",
        VIEW,
        "The last calls of a server that speaks stdio, the oldest first, without anything that they carried.",
        _calls,
        ref("call_list"),
        parameters=(
            NAME,
            SINCE,
            UNTIL,
            Parameter("text", _TEXT, "Only those that have this in method, tool, session or outcome."),
            Parameter("outcome", {"type": "string", "enum": list(OUTCOMES)}, "Only those that ended like that."),
            _limit(MOST_CALLS),
        ),
        problems=(404, 422),
    ),
)
