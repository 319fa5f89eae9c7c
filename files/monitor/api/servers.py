"""The servers as the last run found them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlencode

from records.history import events

from monitor.access.users import VIEW
from monitor.api.documents import state_document
from monitor.api.operation import Call, Operation, Parameter, Reply
from monitor.api.plain import moment_text
from monitor.api.shape import ref
from monitor.api.shapes import shapes
from monitor.explanation import because, next_run
from monitor.server import apart
from monitor.tools import Tool

MOST = 1000
EVENTS_OF_EXPLANATION = 5
NAME_FORM = "^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$"
NAME = Parameter(
    "name",
    {"type": "string", "pattern": NAME_FORM, "description": "A server's name."},
    "The server's name.",
    place="path",
    required=True,
)
_FILTERS = ("status", "type", "group", "host")


def _servers(call: Call) -> Reply:
    values = call.values
    meant = list(_meant(state_document(call.sources).summaries, values))
    limit, after = values.get("limit", 100), values.get("after", "")
    rest = [each for each in meant if each["name"] > after] if after else meant
    shown = rest[:limit]
    follows = None
    if len(rest) > len(shown):
        asked = {name: str(value) for name, value in values.items() if name != "after"}
        follows = f"{call.url}/servers?{urlencode({**asked, 'after': shown[-1]['name']})}"
    links = {"Link": f'<{follows}>; rel="next"'} if follows else {}
    return Reply({"servers": shown, "total": len(meant), "next": follows}, headers=links)


def _meant(summaries: tuple[Mapping[str, Any], ...], values: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    text = values.get("text", "").lower()
    fields = {"condition" if name == "status" else name: values[name] for name in _FILTERS if name in values}
    template = values.get("template", "")
    for each in summaries:
        if (
            all(each[field] == value for field, value in fields.items())
            and (not template or _is_of(each["template"], template))
            and (not text or _has(each, text))
        ):
            yield each


def _is_of(made_from: str | None, template: str) -> bool:
    return made_from is not None and template in (made_from, made_from.partition("@")[0])


def _has(summary: Mapping[str, Any], text: str) -> bool:
    return any(
        text in str(summary[field] or "").lower() for field in ("name", "group", "image", "url", "text", "error")
    )


def _server(call: Call) -> Reply:
    return Reply(state_document(call.sources).server(call.values["name"]))


def _status(call: Call) -> Reply:
    state = state_document(call.sources)
    server = state.server(call.values["name"])
    same = ("name", "condition", "severity", "since", "error", "health")
    return Reply(
        {field: server[field] for field in same}
        | {field: server.get(field) for field in ("desired", "observed", "override", "retry")}
        | {
            "text": server["text"]["condition"],
            "run": {"id": state.run["id"], "finished": state.run["finished"]},
        }
    )


def _explain(call: Call) -> Reply:
    state = state_document(call.sources)
    server = state.server(call.values["name"])
    last = apart(lambda: events(call.sources.history, server["name"], limit=EVENTS_OF_EXPLANATION))
    return Reply(
        {field: server[field] for field in ("name", "condition", "severity", "since")}
        | {
            "text": server["text"]["condition"],
            "because": list(because(server)),
            "next_run": list(next_run(server, state.run["interval_seconds"])),
            "events": [{"at": moment_text(each.at), "event": each.event, "text": each.text} for each in last],
            "run": {"id": state.run["id"], "finished": state.run["finished"]},
        }
    )


def _tools(call: Call) -> Reply:
    server = state_document(call.sources).server(call.values["name"])
    health = server["health"]
    listed = {each.name: each for each in call.sources.tools(server["name"])}
    tools = [_tool(name, listed.get(name)) for name in health["tools"]]
    return Reply(
        {"server": server["name"], "tools": tools, "checked": health["checked"], "protocol": health["protocol"]}
    )


def _tool(name: str, listed: Tool | None) -> dict[str, Any]:
    if listed is None:
        return {"name": name, "title": None, "description": None, "input": None}
    schema = json.loads(listed.schema) if listed.schema else None
    return {"name": name, "title": listed.title or None, "description": listed.description or None, "input": schema}


SERVERS = (
    Operation(
        "listServers",
        "GET",
        "/servers",
        VIEW,
        "The servers, by name.",
        _servers,
        ref("server_list"),
        parameters=(
            Parameter("status", shapes()["condition"], "Only those in this condition."),
            Parameter("type", {"type": "string", "enum": ["stdio", "http", "sse"]}, "Only those that speak this."),
            Parameter(
                "template",
                {"type": "string", "minLength": 1, "maxLength": 100},
                "Only those made from this template: github@1, or github for all of its versions.",
            ),
            Parameter("group", {"type": "string", "minLength": 1, "maxLength": 100}, "Only those of this group."),
            Parameter(
                "host",
                {"type": "string", "enum": ["here", "other-hosts", "elsewhere"]},
                "Only those that run there.",
            ),
            Parameter(
                "text",
                {"type": "string", "minLength": 1, "maxLength": 100},
                "Only those that have this in their name, group, image, URL, condition or error; in small or capital"
                " letters.",
            ),
            Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, "How many at most; 100 without it."),
            Parameter("after", {"type": "string", "minLength": 1, "maxLength": 100}, "Only those after this name."),
        ),
        problems=(503,),
    ),
    Operation(
        "getServer",
        "GET",
        "/servers/{name}",
        VIEW,
        "All that the last run found of a server.",
        _server,
        ref("server_or_remote"),
        parameters=(NAME,),
        problems=(404, 503),
    ),
    Operation(
        "getServerStatus",
        "GET",
        "/servers/{name}/status",
        VIEW,
        "How a server is.",
        _status,
        ref("server_status"),
        parameters=(NAME,),
        problems=(404, 503),
    ),
    Operation(
        "explainServer",
        "GET",
        "/servers/{name}/explain",
        VIEW,
        "Why a server is as it is, and what the next run will do with it.",
        _explain,
        ref("explanation"),
        parameters=(NAME,),
        problems=(404, 503),
        more="As far as the last run knew: what has changed since then, the next one finds.",
    ),
    Operation(
        "listServerTools",
        "GET",
        "/servers/{name}/tools",
        VIEW,
        "The tools that a server listed when it was last asked, with the schemas of what they take.",
        _tools,
        ref("tool_list"),
        parameters=(NAME,),
        problems=(404, 503),
    ),
)
