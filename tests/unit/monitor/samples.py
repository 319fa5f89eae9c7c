"""State files for tests and for looking at the page; all of them keep to files/state.schema.json."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec_text import (
    limits_text,
    transport_text,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.condition import condition_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.summary import summary_of

FINISHED = datetime(2026, 11, 21, 4, 19, 12, tzinfo=UTC)
LOCAL = "arn:aws:elasticloadbalancing:us-east-1:000000000000"


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def hexes(text: str, length: int) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:length]


def server(name: str, number: int = 0, *, finished: datetime = FINISHED, **changes: Any) -> dict[str, Any]:
    """A server that answers. ``health`` changes single fields of its health; its condition follows from the rest."""
    health = {
        "status": "ok", "checked": stamp(finished - timedelta(seconds=2)), "latency_ms": 12.4 + number,
        "server": {"name": f"mcp-{name}", "version": "1.2.3"}, "protocol": "2025-11-25",
        "tools": ["get_current_time", "convert_time"], "reason": None,
        "sessions": {"held": 3, "fit": 9, "oom_kills": 0}, **changes.pop("health", {}),
    }  # fmt: skip
    plain = {
        "name": name, "desired": "running", "observed": "running", "image": f"mcp/{name}:latest", "transport": "stdio",
        "package": None, "command": ["--zone", "Etc/UTC"], "port": None, "path": f"/mcp/{name}",
        "limits": {"memory": 512 * 1024**2, "cpus": 1.0, "pids": 256}, "network": "internet",
        "exceptions": [], "notes": [],
        "client": {"type": "http", "url": f"http://127.0.0.1:8080/mcp/{name}/mcp"},
        "override": None,
        "group": None,
        "hosts": ["one"],
        "template": None,
        "headers": [],
        "generation": hexes(name, 12),
        "draining": None,
        "requires": [],
        "replicas": {"desired": 1, "serving": 1},
        "container": {"id": hexes(f"container {name}", 64), "name": f"mcp-{name}", "logs": f"docker logs mcp-{name}"},
        "endpoint": {"address": "127.0.0.1", "port": 20000 + number, "url": f"http://127.0.0.1:{20000 + number}/mcp"},
        "route": {
            "url": f"http://127.0.0.1:8080/mcp/{name}/mcp",
            "rule_arn": f"{LOCAL}:listener-rule/app/mcp-local/{1:016}/{1:016}/{hexes('r' + name, 16)}",
            "target_group_arn": f"{LOCAL}:targetgroup/mcp-{name}/{hexes('t' + name, 16)}",
            "priority": 1000 + number,
        },
        "health": health, "error": None, "retry": None, "since": stamp(finished - timedelta(hours=3)),
    }  # fmt: skip
    return decided({**plain, **changes})


def decided(entry: dict[str, Any]) -> dict[str, Any]:
    """The entry with what the state's writer decides of it."""
    condition = condition_of(
        desired=entry["desired"],
        observed=entry["observed"],
        status=entry["health"]["status"],
        has_error=entry["error"] is not None,
        is_new=False,
        on_other_hosts=False,
        quarantined=entry["retry"] is not None and entry["retry"]["quarantined"],
    )
    limits = entry["limits"]
    text = {
        "condition": condition.text,
        "transport": transport_text(entry["transport"], entry["port"]) if entry["transport"] else None,
        "limits": limits_text(limits["memory"], limits["cpus"], limits["pids"]) if limits else None,
        "network": Egress.from_plain(entry["network"]).description if entry["network"] else None,
    }
    return {**entry, "condition": condition.name, "severity": condition.severity, "text": text}


def unasked(reason: str) -> dict[str, Any]:
    return {
        "status": "unknown", "checked": None, "latency_ms": None, "server": None, "protocol": None, "tools": [],
        "reason": reason, "sessions": None,
    }  # fmt: skip


def failing(name: str, reason: str, number: int = 0, **changes: Any) -> dict[str, Any]:
    health = {"status": "failing", "server": None, "protocol": None, "tools": [], "reason": reason}
    return server(name, number, health=health, error=f"{reason}; look at: docker logs mcp-{name}", **changes)


def invalid(name: str, error: str) -> dict[str, Any]:
    nothing = (
        "replicas",
        "image",
        "command",
        "transport",
        "path",
        "limits",
        "network",
        "generation",
        "container",
        "endpoint",
        "route",
        "client",
    )
    return server(
        name, desired="invalid", observed="absent", error=error, health=unasked("not asked in this run"),
        **dict.fromkeys(nothing),
    )  # fmt: skip


def disabled(name: str, number: int = 0) -> dict[str, Any]:
    return server(
        name, number, desired="disabled", observed="stopped", container=None, endpoint=None, route=None, client=None,
        health=unasked("disabled"),
    )  # fmt: skip


def state(
    servers: list[dict[str, Any]], *, finished: datetime = FINISHED, problems: list[dict[str, Any]] | None = None,
    changes: list[str] | None = None, remotes: list[dict[str, Any]] | None = None, **run: Any,
) -> dict[str, Any]:  # fmt: skip
    """The state after a run; the servers' own errors are listed too."""
    errors = [
        {"server": entry["name"], "step": "probe", "message": entry["error"]} for entry in servers if entry["error"]
    ]
    errors += problems or []
    return {
        "version": 2,
        "fleet": "mcp",
        "monitor": "http://127.0.0.1:8080/monitor",
        "run": {
            "id": "20261121T041900Z-3fa9", "started": stamp(finished - timedelta(seconds=12)),
            "finished": stamp(finished), "result": "failed" if errors else "ok", "check_mode": False,
            "interval_seconds": 300, "changes": changes or [], **run,
        },
        "summary": summary_of(servers, failed=bool(errors), check_mode=False),
        "servers": servers,
        "remotes": remotes or [],
        "errors": errors,
        "warnings": [],
    }  # fmt: skip


def remote(name: str, **changes: Any) -> dict[str, Any]:
    """A remote server that clients send one header to, which they are not told."""
    url = f"https://{name}.example.com/mcp"
    enabled = changes.get("enabled", True)
    health = (
        unasked("disabled")
        if not enabled
        else {
            "status": "ok",
            "checked": stamp(FINISHED),
            "latency_ms": 87.4,
            "server": {"name": name, "version": "2.0"},
            "protocol": "2025-11-25",
            "tools": ["search", "fetch"],
            "reason": None,
            "sessions": None,
        }
    )
    plain = {
        "name": name, "enabled": True, "group": None, "type": "http", "url": url, "headers": ["Authorization"],
        "condition": "ok" if enabled else "disabled", "severity": "ok" if enabled else "none",
        "text": {"condition": "answers" if enabled else "disabled", "transport": "MCP over HTTP"},
        "health": health, "certificate_ends": None, "error": None, "since": stamp(FINISHED),
        "notes": ["headers.Authorization: it may be a secret; export with secrets to include it"],
        "client": {"type": "http", "url": url},
    }  # fmt: skip
    return {**plain, **changes}


def three_servers(finished: datetime = FINISHED) -> dict[str, Any]:
    tools = ["echo", "add", "longRunningOperation", "printEnv", "sampleLLM", "getTinyImage", "annotatedMessage",
             "getResourceReference", "startElicitation", "structuredContent", "listRoots"]  # fmt: skip
    return state(
        [
            server("everything", 0, finished=finished, health={"tools": tools}),
            server("notes", 1, finished=finished, transport="http", health={"protocol": "2026-07-28"}),
            server("time", 2, finished=finished),
        ],
        finished=finished,
    )


def no_servers(finished: datetime = FINISHED) -> dict[str, Any]:
    return state([], finished=finished)


NAMES = ["airtable", "atlassian", "brave-search", "calendar", "chroma", "clickhouse", "cloudwatch", "confluence",
         "context7", "crawler", "duckdb", "elastic", "everything", "excel", "fetch", "figma", "filesystem", "firecrawl",
         "git", "github", "gitlab", "gmail", "grafana", "hubspot", "jira", "kubernetes", "linear", "mail", "maps",
         "memory", "mongodb", "neo4j", "notion", "obsidian", "openapi", "pagerduty", "pandoc", "playwright", "postgres",
         "puppeteer", "qdrant", "redis", "sentry", "slack", "snowflake", "sqlite", "stripe", "terraform", "time",
         "youtube"]  # fmt: skip


def hundred_servers(finished: datetime = FINISHED) -> dict[str, Any]:
    names = sorted(NAMES + [f"{name}-staging" for name in NAMES])
    servers = [server(name, number, finished=finished, health={"tools": [f"tool_{n}" for n in range(number % 9 + 1)]})
               for number, name in enumerate(names)]  # fmt: skip
    by_name = {entry["name"]: index for index, entry in enumerate(servers)}
    servers[by_name["github"]] = invalid(
        "github",
        "mcp.config.json: mcpServers.github.args[3]: '--privileged' is not allowed; set allow_privileged in "
        "settings.conf if you mean it",
    )
    servers[by_name["postgres"]] = failing("postgres", "503 by the bridge: the child ended: exit status 1", 71)
    servers[by_name["neo4j-staging"]] = failing("neo4j-staging", "no answer to initialize in time", 63)
    servers[by_name["slack"]] = server(
        "slack", 84,
        error="the new container did not become healthy in 60 s and was removed; the former one still serves: "
        "TypeError: Cannot read properties of undefined (reading 'token')",
    )  # fmt: skip
    servers[by_name["linear"]] = server(
        "linear", 50,
        health={**unasked("401: the server requires an authorization that the probe does not have (Bearer)"),
                "checked": stamp(finished)},
    )  # fmt: skip
    for name in ("excel-staging", "maps", "youtube-staging"):
        servers[by_name[name]] = disabled(name)
    changes = [f"{name}: create — no container bears its label" for name in names[:14]]
    return state(
        servers, finished=finished, changes=changes,
        problems=[{"server": None, "step": "routes",
                   "message": "the listener has 100 rules, which is AWS's limit; 2 servers are left without a route"}],
    )  # fmt: skip
