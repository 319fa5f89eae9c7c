# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client.entry import hosted_entry
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.step import Problem, Step
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import (
    LONGEST_LIST,
    moment,
    number,
    one_of,
    text,
    texts,
    whole,
    word,
)


class Facts:
    """What the steps of a run say about each server, by its name."""

    def __init__(self, steps: Mapping[str, Step], problems: Iterable[Problem], public_url: str) -> None:
        self.steps = steps
        self.public_url = public_url
        self.specs = steps["config"].by_name("servers")
        self.remotes = steps["config"].by_name("remotes")
        self.clients = steps["config"].table("clients")
        self.packages = {
            name: image
            for image in (steps["images"].members("images") if "images" in steps else [])
            for name in texts(image.get("servers")) or []
        }
        self.notes = steps["config"].table("explain")
        self.endpoints = steps["containers"].by_name("endpoints")
        self.routes = steps["routes"].by_name("routes")
        self.reports = steps["probe"].by_name("servers")
        self.problems: dict[str, list[Problem]] = {}
        for problem in problems:
            if problem.server is not None:
                self.problems.setdefault(problem.server, []).append(problem)

    @property
    def names(self) -> set[str]:
        """Every server that the config holds, be its entry right or wrong."""
        return set(self.specs) | {
            name for name, problems in self.problems.items() if any(problem.step == "config" for problem in problems)
        }


def server_entry(name: str, facts: Facts) -> dict[str, Any]:
    """One server's entry in the state file."""
    spec = facts.specs.get(name, {})
    endpoint = facts.endpoints.get(name, {})
    desired = _desired(name, facts)
    route = _route(facts.routes.get(name), spec, facts.public_url)
    return {
        "name": name,
        "desired": desired,
        "observed": _observed(name, desired, facts),
        "image": word(spec.get("image")),
        "package": _package(facts.packages.get(name), spec.get("build")),
        "command": texts(spec.get("command")),
        "transport": one_of(spec.get("transport"), ("stdio", "http", "sse")),
        "port": whole(spec.get("port"), 1, 65535),
        "path": word(spec.get("path")),
        "limits": _limits(spec) if spec else None,
        "network": _network(spec) if spec else None,
        "generation": word(endpoint.get("generation")) or word(spec.get("generation")),
        "container": word(endpoint.get("container")),
        "endpoint": _address(endpoint),
        "route": route,
        "health": _health(name, desired, facts),
        "exceptions": texts(endpoint.get("exceptions")) or [],
        "notes": texts(facts.notes.get(name)) or [],
        "client": _client(name, spec, route, facts) if desired == "running" else None,
        "error": "; ".join(problem.message for problem in facts.problems.get(name, [])) or None,
    }


def _package(built: Mapping[str, Any] | None, recipe: Any) -> dict[str, Any] | None:
    """What was installed into a server's image, or what was to be."""
    told = built if built is not None else recipe if isinstance(recipe, dict) else None
    if told is None:
        return None
    version = (word(told.get("version")) or "").removeprefix("==") or None
    return {"name": word(told.get("package")), "version": version, "digest": word(told.get("digest"))}


def _limits(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "memory": whole(spec.get("memory"), 1, 2**63),
        "cpus": number(spec.get("cpus")),
        "pids": whole(spec.get("pids"), 1, 2**31),
    }


def _network(spec: Mapping[str, Any]) -> str | list[str]:
    said = spec.get("network")
    return word(said) or texts(said) or "internet"


def _client(name: str, spec: Mapping[str, Any], route: Mapping[str, Any] | None, facts: Facts) -> dict[str, Any] | None:
    if route is None or route["url"] is None:
        return None
    said = facts.clients.get(name)
    return hosted_entry(str(spec.get("transport")), route["url"], said if isinstance(said, dict) else {})


def _desired(name: str, facts: Facts) -> str:
    if name not in facts.specs:
        return "invalid"
    return "running" if facts.specs[name].get("enabled", True) else "disabled"


def _observed(name: str, desired: str, facts: Facts) -> str:
    """What is known of the server's container; ``unknown`` when no step came so far as to look."""
    state = one_of(facts.endpoints.get(name, {}).get("state"), ("running", "failed", "stopped", "absent", "planned"))
    if state is not None:
        return "absent" if state == "planned" else state
    if name in (texts(facts.steps["containers"].result.get("on_other_hosts")) or []):
        return "absent"
    failed = any(problem.step in ("containers", "retire") for problem in facts.problems.get(name, []))
    if desired == "running":
        return "failed" if failed else "unknown"
    # Nothing superseded, and the step to take it away is spared.
    settled = facts.steps["containers"].result.get("retire_needed") is False
    if failed or not (facts.steps["retire"].told or settled):
        return "unknown"
    return "stopped" if desired == "disabled" else "absent"


def _address(endpoint: Mapping[str, Any]) -> dict[str, Any] | None:
    port = whole(endpoint.get("port"), 1, 65535)
    return None if port is None else {"address": word(endpoint.get("address")), "port": port}


def _route(route: Mapping[str, Any] | None, spec: Mapping[str, Any], public_url: str) -> dict[str, Any] | None:
    if route is None:
        return None
    base = f"{public_url}{word(route.get('path')) or ''}" if public_url else (word(route.get("url")) or "").rstrip("/")
    return {
        "url": f"{base}{word(spec.get('mcp_path')) or ''}" if base else None,
        "rule_arn": word(route.get("rule_arn")),
        "target_group_arn": word(route.get("target_group_arn")),
        "priority": whole(route.get("priority"), 1, 50000),
    }


def _health(name: str, desired: str, facts: Facts) -> dict[str, Any]:
    report = facts.reports.get(name)
    if report is None:
        return _unasked("disabled" if desired == "disabled" else "not asked in this run")
    latency = report.get("latency_ms")
    server = report.get("server")
    tools = report.get("tools")
    return {
        "status": _status(report),
        "checked": moment(report.get("checked")),
        "latency_ms": number(latency.get("total")) if isinstance(latency, dict) else None,
        "server": _identity(server) if isinstance(server, dict) else None,
        "protocol": word(report.get("protocol")),
        "tools": [tool for each in tools[:LONGEST_LIST] if (tool := word(each))] if isinstance(tools, list) else [],
        "reason": text(report.get("reason")),
    }


def _status(report: Mapping[str, Any]) -> str:
    if report.get("state") == "ok":
        return "ok"
    return "unknown" if report.get("cause") == "auth" else "failing"


def _identity(server: Mapping[str, Any]) -> dict[str, str]:
    return {"name": word(server.get("name")) or "", "version": word(server.get("version")) or ""}


def _unasked(reason: str) -> dict[str, Any]:
    return {
        "status": "unknown",
        "checked": None,
        "latency_ms": None,
        "server": None,
        "protocol": None,
        "tools": [],
        "reason": reason,
    }
