"""The servers of this host in the form of an MCP registry, at which the allow-lists of clients can point.

It is the reading part of the registry's API v0.1, as of 2025-12-01
(https://github.com/modelcontextprotocol/registry/blob/main/docs/reference/api/openapi.yaml). A client appends
``/v0.1/servers`` to the address that it is given, compares a remote server's URL with the one here, and shows no token
(VS Code: src/vs/platform/mcp/common/mcpGalleryService.ts; https://github.com/github/copilot-cli/issues/3772). What a
client asks beyond what is known here is no mistake: a newer one may ask for more.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from monitor.access.users import VIEW
from monitor.api.documents import StateDocument, is_remote, state_document
from monitor.api.openapi import document
from monitor.api.operation import Call, Operation, Parameter, Perform, Reply
from monitor.api.plain import moment_text
from monitor.api.problem import INVALID, UNKNOWN, Mistake, Problem
from monitor.api.registry_shapes import LATEST, LONGEST_DESCRIPTION, LONGEST_VERSION, OFFICIAL, SCHEMA
from monitor.api.shape import Shape, ref

PATH = "/v0.1"
"""Below the monitor's path."""
DESCRIPTION = "The servers of this host in the form of an MCP registry."
MOST = 100
USUAL = 30
_MOMENT = (
    r"^(19|2[01])\d{2}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])[Tt]([01]\d|2[0-3])(:[0-5]\d){2}(\.\d{1,9})?"
    r"([Zz]|[+-]([01]\d|2[0-3]):[0-5]\d)$"
)
_RANGE = re.compile(r"[\^~<>=*]|(^|\.)x($|\.)")
_TEXT: Shape = {"type": "string", "minLength": 1, "maxLength": 300}

Entry = dict[str, Any]


def namespace(url: str, fleet: str) -> str:
    """Returns what stands before the slash in the names of servers at an address: its host the other way round, as
    com.example.mcp; the fleet's name where the host has none that is unique."""
    host = urlsplit(url).hostname or ""
    if "." not in host or ":" in host or re.fullmatch(r"[0-9.]+", host) or not re.fullmatch(r"[a-z0-9.-]+", host):
        return fleet
    return ".".join(reversed(host.strip(".").split(".")))


def entries(state: StateDocument) -> list[Entry]:
    """Returns an entry for each server that runs here and that clients can use, by its name."""
    return [
        _entry(server, state.fleet)
        for server in state.servers.values()
        if not is_remote(server) and server["client"] is not None
    ]


def _entry(server: Mapping[str, Any], fleet: str) -> Entry:
    client, since = server["client"], server["since"]
    remote: dict[str, Any] = {"type": "sse" if client["type"] == "sse" else "streamable-http", "url": client["url"]}
    headers = [_header(name) for name in server.get("headers", ())]
    return {
        "server": {
            "$schema": SCHEMA,
            "name": f"{namespace(client['url'], fleet)}/{server['name']}",
            "title": server["name"],
            "description": _description(server),
            "version": _version(server),
            "remotes": [remote | ({"headers": headers} if headers else {})],
        },
        "_meta": {
            OFFICIAL: {
                "status": "active",
                "isLatest": True,
                **({"statusChangedAt": since, "updatedAt": since} if since else {}),
            }
        },
    }


def _header(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "description": "Passed on to the server, which acts for whoever sends it.",
        "isRequired": True,
        "isSecret": True,
    }


def _description(server: Mapping[str, Any]) -> str:
    """What it offers, as far as that is known and there is room."""
    tools = server["health"]["tools"]
    if not tools:
        return f"The MCP server {server['name']}."
    text = f"{len(tools)} tool{'' if len(tools) == 1 else 's'}: {', '.join(tools)}"
    text = "".join(each if each.isprintable() else " " for each in text)
    return text if len(text) <= LONGEST_DESCRIPTION else f"{text[: LONGEST_DESCRIPTION - 2].rstrip(' ,')} …"


def _version(server: Mapping[str, Any]) -> str:
    """What it says of itself; else that of its package, else that of its container."""
    told, package = server["health"]["server"], server["package"]
    for version in ((told or {}).get("version"), (package or {}).get("version")):
        if version and len(version) <= LONGEST_VERSION and version != LATEST and not _RANGE.search(version):
            return str(version)
    return f"0.0.0+{server['generation'] or 'unknown'}"


def _list(call: Call) -> Reply:
    values = call.values
    meant = list(_meant(entries(state_document(call.sources)), values))
    after = values.get("cursor", "")
    rest = [each for each in meant if each["server"]["title"] > after]
    shown = rest[: values.get("limit", USUAL)]
    metadata: dict[str, Any] = {"count": len(shown)}
    if len(rest) > len(shown):
        # Some clients put it into the query as it is: letters of a server's name need no encoding.
        metadata["nextCursor"] = shown[-1]["server"]["title"]
    return Reply({"servers": shown, "metadata": metadata})


def _meant(found: list[Entry], values: Mapping[str, Any]) -> Iterator[Entry]:
    text, version, since = values.get("search", "").lower(), values.get("version", LATEST), _since(values)
    for each in found:
        server = each["server"]
        updated = each["_meta"][OFFICIAL].get("updatedAt")
        if (
            text in server["name"].lower()
            and version in (LATEST, server["version"])
            and (since is None or updated is None or updated >= since)
        ):
            yield each


def _since(values: Mapping[str, Any]) -> str | None:
    if "updated_since" not in values:
        return None
    try:
        asked = datetime.fromisoformat(values["updated_since"].upper())
        return moment_text(asked.astimezone(UTC))
    except (ValueError, OverflowError):
        wrong = Mistake("query.updated_since", "is no time that there is; write such as 2026-11-29T01:19:13Z")
        raise Problem(INVALID, "See errors for everything that is wrong", mistakes=[wrong]) from None


def _versions(call: Call) -> Reply:
    return Reply({"servers": [_one(call)], "metadata": {"count": 1}})


def _version_asked(call: Call) -> Reply:
    found, version = _one(call), call.values["version"]
    if version not in (LATEST, found["server"]["version"]):
        raise _missing(f"{found['server']['name']} is here in version {found['server']['version']} alone")
    return Reply(found)


def _one(call: Call) -> Entry:
    name = call.values["serverName"]
    for each in entries(state_document(call.sources)):
        if each["server"]["name"] == name:
            return each
    raise _missing(f"There is no server {name}; GET {call.url}/servers lists those that there are")


def _missing(detail: str) -> Problem:
    """The registry's API has the reason in error; a problem document has more."""
    return Problem(UNKNOWN, detail, error=detail)


_INCLUDE_DELETED = Parameter("include_deleted", {"type": "boolean"}, "No effect: what is removed is not kept.")
_LIST = (
    Parameter("cursor", _TEXT, "What the page before had as metadata.nextCursor."),
    Parameter("limit", {"type": "integer", "minimum": 1, "maximum": MOST}, f"How many; {USUAL} without it."),
    Parameter("search", _TEXT, "Only those that have this in their name, in small or capital letters."),
    Parameter(
        "updated_since",
        {"type": "string", "format": "date-time", "pattern": _MOMENT, "description": "A time (RFC 3339)."},
        "Only those whose condition has changed since.",
    ),
    Parameter("version", _TEXT, "Only those of this version; latest is that of each."),
    _INCLUDE_DELETED,
)
_SERVER_NAME = Parameter(
    "serverName",
    {"type": "string", "minLength": 3, "maxLength": 200},
    "The server's name in the registry, with its slash as %2F.",
    place="path",
    required=True,
    has_slash=True,
)
_VERSION = Parameter("version", _TEXT, "Its version, or latest.", place="path", required=True)


def registry(is_public: bool = False) -> tuple[Operation, ...]:
    """Returns its operations, for everybody or for those who may call the API."""
    scope = None if is_public else VIEW

    def operation(name: str, path: str, summary: str, perform: Perform, answer: str, **more: Any) -> Operation:
        return Operation(name, "GET", path, scope, summary, perform, ref(answer), takes_more=True, **more)

    def description(call: Call) -> Reply:
        return Reply(document(operations, call.url, DESCRIPTION))

    operations = (
        operation(
            "listRegistryServers",
            "/servers",
            "The servers that run here and that clients can use.",
            _list,
            "registry_list",
            parameters=_LIST,
            problems=(503,),
        ),
        operation(
            "listRegistryVersions",
            "/servers/{serverName}/versions",
            "The versions of a server: the one that runs.",
            _versions,
            "registry_list",
            parameters=(_SERVER_NAME, _INCLUDE_DELETED),
            problems=(404, 503),
        ),
        operation(
            "getRegistryServer",
            "/servers/{serverName}/versions/{version}",
            "A version of a server: the one that runs, or latest.",
            _version_asked,
            "registry_entry",
            parameters=(_SERVER_NAME, _VERSION, _INCLUDE_DELETED),
            problems=(404, 503),
        ),
        Operation(
            "getRegistryOpenApi",
            "GET",
            "/openapi.json",
            None,
            "This part as OpenAPI 3.1.",
            description,
            {"type": "object"},
        ),
    )
    return operations
