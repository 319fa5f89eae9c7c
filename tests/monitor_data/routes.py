"""The routes file of the last run: an ALB that the fleet shares with others, by the code that looks at one."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.listener_report import listener_report
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.ownership import Owner
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.model.route import DesiredRoutes, Route
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.reconcile import Options, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.listeners import listeners_document
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.alb.fake_elbv2 import LISTENER, FakeElbv2

from tests.monitor_data.fleet import Fleet
from tests.monitor_data.past import INTERVAL, Past
from tests.monitor_data.runs import run_id

HOST, OTHER_HOST = "i-0a1b2c3d4e5f60718", "i-0f9e8d7c6b5a40312"
DOWN = ("failing", "quarantined")
FOREIGN: list[tuple[int, list[dict[str, Any]], list[dict[str, Any]]]] = [
    (
        10,
        [
            {"Field": "host-header", "HostHeaderConfig": {"Values": ["shop.example.com"]}},
            {"Field": "http-header", "HttpHeaderConfig": {"HttpHeaderName": "X-Origin-Verify", "Values": ["canary-x"]}},
        ],
        [{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503", "MessageBody": "canary-y"}}],
    ),
    (
        400,
        [{"Field": "path-pattern", "PathPatternConfig": {"Values": ["/old/*"]}}],
        [{"Type": "redirect", "RedirectConfig": {"Path": "/new/#{path}", "StatusCode": "HTTP_301"}}],
    ),
]


def write_routes(directory: Path, fleet: Fleet, past: Past) -> None:
    """Writes ``routes.json`` below ``directory``. Servers that fail have a target that answers nothing."""
    elbv2 = FakeElbv2()
    for priority, conditions, actions in FOREIGN:
        elbv2.add_rule(priority, conditions, actions)
    names = sorted(fleet.names)[:98]
    ports = {name: 20000 + number for number, name in enumerate(names)}
    for name, port in ports.items():
        elbv2.servers[(HOST, port)] = ("/health", False, name)
    routes = tuple(Route(name, f"/mcp/{name}", (port,), health_path="/health") for name, port in ports.items())
    desired = DesiredRoutes(Owner("mcp", LISTENER, HOST), routes)
    reconcile(elbv2, desired, Options(), elbv2.clock)
    for name, port in ports.items():
        if past.condition(name, past.ended - 1) in DOWN:
            del elbv2.servers[(HOST, port)]
    elbv2.clock.sleep(600)
    document: dict[str, Any] | None = None
    for turn in range(6):
        ended = past.ended - (5 - turn) * INTERVAL
        listener = listener_report(elbv2, desired, reconcile(elbv2, desired, Options(), elbv2.clock), turn)
        run = {"id": run_id(ended), "finished": _text(ended)}
        document = listeners_document(run, [{**listener, "asked": _text(ended)}], document)
    (directory / "routes.json").write_text(json.dumps(document, indent=1))


def _text(moment: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(moment))
