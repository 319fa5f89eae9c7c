# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Results as Ansible registers them, of a run of two servers in which all went well.

What the modules return is made by their own functions, so that a key that changes there changes here.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
from ansible_collections.mcp.orchestrator.plugins.module_utils.client.entry import open_entry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.remote import Remote
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.fleet import report_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.backend import HopResult
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.report import fleet_report
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import hops_to
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.document import RunInfo, build_state
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.routing.fleet import INSTALLATION

SCHEMA_FILE = Path(__file__).parents[9] / "files/state.schema.json"
SCHEMA = json.loads(SCHEMA_FILE.read_text())

SETTINGS = {
    "aws": {"region": ""},
    "service": {"fleet": "mcp", "reconciliation_interval_seconds": 300},
    "dashboard": {"username": "admin", "path": "/monitor"},
}
PUBLIC_URL = "http://127.0.0.1:8080"
RUN = RunInfo("r-1", datetime(2026, 11, 21, 4, 19, tzinfo=UTC), datetime(2026, 11, 21, 4, 19, 3, tzinfo=UTC), False)


def spec(name: str, **changes: Any) -> dict[str, Any]:
    """A server of ``mcp_config_info``."""
    made = Spec(name, f"mcp/{name}", command=("--zone", "UTC"), env={"TOKEN": "9f3c"}, path=f"/mcp/{name}", cpus=0.5)
    return {**made.to_dict(), "generation": "8f700f2b17ec", **changes}


def endpoint(name: str, port: int | None = 20001, **changes: Any) -> dict[str, Any]:
    """An endpoint of ``mcp_container``."""
    made = Endpoint.of(
        Spec(name, f"mcp/{name}", path=f"/mcp/{name}", generation="8f700f2b17ec"),
        "127.0.0.1",
        port,
        "c0ffee",
        "running",
    )
    return {**made.to_dict(), "container_name": f"mcp-{name}", **changes}


def remote(name: str, **changes: Any) -> dict[str, Any]:
    """A remote server of ``mcp_config_info``."""
    url = f"https://{name}.example.com/mcp"
    made = Remote(name, "http", Secret(url), {"Authorization": Secret("Bearer x")})
    told = open_entry(made, {})
    left_out = [f"{key}: {reason}" for key, reason in told.left_out.items()]
    return {**made.to_dict(), "client": {"type": "http", "url": url}, "left_out": left_out, **changes}


def routed(*names: str) -> dict[str, Any]:
    """The result of ``mcp_route`` for servers of these names, without the monitor's route."""
    endpoints = [Endpoint.from_dict(endpoint(name)) for name in names]
    known = {
        name: {"rule_arn": f"arn:rule/{name}", "target_group_arn": f"arn:tg/{name}", "priority": 1000} for name in names
    }
    hops = hops_to(Settings(), endpoints, INSTALLATION)
    result = fleet_report(hops, [HopResult(base_url=PUBLIC_URL, routes=known)], endpoints, Routes())
    return {**result, "routes": [each for each in result["routes"] if each["name"] in names]}


def route(name: str, **changes: Any) -> dict[str, Any]:
    """A route of ``mcp_route``."""
    return {**routed(name)["routes"][0], **changes}


def report(name: str, **changes: Any) -> dict[str, Any]:
    """A report of ``mcp_probe_info`` on a server that answers."""
    made = report_of(ProbeTarget(name, f"http://127.0.0.1:8080/mcp/{name}/mcp"), None)
    found = {
        "checked": "2026-11-21T04:19:02Z", "latency_ms": {"connect": 0.2, "total": 12.5},
        "protocol": "2025-11-25", "server": {"name": f"mcp-{name}", "version": "1.2.3"}, "tools": ["now", "convert"],
        "sessions": {"held": 3, "fit": 9, "oom_kills": 0},
    }  # fmt: skip
    return {**made, **found, **changes}


def steps(**changes: Any) -> dict[str, Any]:
    """The registered results of a run that went well, with those replaced that a test is about."""
    plain = {
        "config": {"changed": False, "failed": False, "servers": [spec("echo"), spec("time")], "errors": []},
        "containers": {
            "changed": True,
            "failed": False,
            "actions": [{"server": "time", "action": "create", "reason": "no container bears its label"}],
            "endpoints": [endpoint("echo", 20000), endpoint("time", 20001)],
            "errors": [],
        },
        "routes": routed("echo", "time"),
        "retire": {"changed": False, "actions": [], "endpoints": [], "errors": []},
        "probe": {"changed": False, "servers": [report("echo"), report("time")]},
    }
    return {**plain, **changes}


def state_of(*, run: RunInfo = RUN, **changes: Any) -> dict[str, Any]:
    """The state after such a run; it always keeps to the schema."""
    settings = changes.pop("settings", SETTINGS)
    state = build_state(run=run, settings=settings, **steps(**changes))
    jsonschema.Draft202012Validator(SCHEMA).validate(state)
    return state


def server_of(state: dict[str, Any], name: str = "time") -> dict[str, Any]:
    return next(server for server in state["servers"] if server["name"] == name)
