"""The runs of the past: state file and history, by the code that ends a run."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import GROUP_READABLE, write_json
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.fleet import digest_of, report_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.target import ProbeTarget
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.tools_file import keep_tools
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.backend import HopResult
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import ControlPlane
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.report import fleet_report
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Installation, hops_to
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.document import RunInfo, build_state
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.conditions import Conditions, continued
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.memory import Memory
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.run import remembered, report_of_run
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.store import HistoryFolder

from tests.monitor_data.fleet import REMOTES, Fleet
from tests.monitor_data.past import INTERVAL, Past

SETTINGS = {
    "aws": {"region": ""},
    "service": {"fleet": "mcp", "reconciliation_interval_seconds": INTERVAL},
    "dashboard": {"username": "admin", "path": "/monitor"},
}
PUBLIC_URL = "https://mcp.example.com"
LOCAL = "arn:aws:elasticloadbalancing:us-east-1:000000000000"
PLACES = Installation(
    8482,
    ControlPlane("http://127.0.0.1:8481", "/etc/local_alb.credentials"),
    ControlPlane("http://127.0.0.1:8483", "/etc/node_router.credentials"),
    8484,
    "/router/health",
)

LASTS = 4  # seconds
STOP = {"by": "alice", "request": "20261129T012000123456Z-1f3a9c02"}

Json = dict[str, Any]


def write_runs(directory: Path, fleet: Fleet, past: Past) -> dict[str, str]:
    """Returns the generation of each server at the end; writes ``state.json`` and ``history`` below ``directory``."""
    history = History(directory / "history", fleet, past)
    with mock.patch("os.fsync"):  # two thousand files need not outlive a power cut
        for time, trigger in past.runs():
            history.then(time, trigger)
        history.end()
    write_json(str(directory / "state.json"), history.state, GROUP_READABLE)
    return {each["name"]: each["generation"] or "" for each in history.state["servers"]}


class History:
    """Runs one after the other. Those that find and do the same as the last are counted, and written only once."""

    def __init__(self, folder: Path, fleet: Fleet, past: Past) -> None:
        self.state: Json = {}
        self._folder = folder
        self._store = HistoryFolder(str(folder))
        self._fleet = fleet
        self._past = past
        begun = [each.begun for each in past.spells if each.condition == "stopped"]
        self._stop = {**STOP, "at": _stamp(min(begun, default=past.ended))}
        self._memory = Memory()
        self._reports: list[Json] = []
        self._conditions = Conditions()
        self._last: tuple[Any, ...] = ()
        self._waiting: list[int] = []
        self._routes = _routes(fleet)
        self._specs = {each["name"]: Spec.from_dict(each) for each in fleet.config["servers"]}
        self._spec = cache(self._make_spec)

    def then(self, time: int, trigger: str) -> None:
        """Notes a run that ended at ``time``."""
        conditions = self._past.conditions(time)
        rolled = {name for name, times in self._past.rolls.items() if time in times}
        changed = {name: sum(each <= time for each in times) for name, times in self._past.tool_changes.items()}
        found = (trigger, conditions, changed, rolled)
        if trigger == "timer" and not rolled and found == self._last:
            self._waiting.append(time)
            self._conditions = continued(self._conditions, self.state, time)
            return
        self._write_waiting()
        self._keep(time, trigger)
        # What is news in this run is none in the next.
        self._last = ("timer", conditions, changed, set()) if trigger == "timer" and not rolled else ()

    def end(self) -> None:
        """Writes what waits; the state is that of the last run."""
        last = self._waiting.pop() if len(self._waiting) > 1 else None
        self._write_waiting()
        if last is not None:
            self._keep(last, "timer")
        self._store.keep_conditions(self._conditions)
        keep_tools(str(self._folder.parent / "tools.json"), None, self._reports)

    def _write_waiting(self) -> None:
        waiting, self._waiting = self._waiting, []
        if not waiting:
            return
        self._keep(waiting[0], "timer")
        name = max(each.name for each in self._folder.iterdir() if each.name[0].isdigit())
        record = json.loads((self._folder / name).read_text())
        last = {
            "last_id": run_id(waiting[-1]),
            "last_started": _stamp(waiting[-1] - LASTS),
            "finished": _stamp(waiting[-1]),
            "runs": record["runs"] + len(waiting) - 1,
        }
        write_json(os.path.join(self._folder, name), {**record, **last}, GROUP_READABLE)

    def _keep(self, time: int, trigger: str) -> None:
        results = self._results(time, trigger)
        began, ended = (datetime.fromtimestamp(each, UTC) for each in (time - LASTS, time))
        had = {name: self._memory.tools_of(name) for name in self._memory.servers}
        state = build_state(
            run=RunInfo(run_id(time), began, ended, False),
            settings=SETTINGS,
            had_tools=had,
            **results,
        )
        after = remembered(state, results, SETTINGS, self._memory)
        for entry in (*state["servers"], *state["remotes"]):
            if entry["name"] in after.servers:
                entry["since"] = after.servers[entry["name"]].since
        record, _ = report_of_run(state, results, self._memory, after, trigger)
        self._store.keep(record, self._memory, after)
        self._memory, self.state, self._reports = after, state, results["probe"]["servers"]
        if all(ended < time for _, ended in self._conditions.recorded):
            self._conditions = continued(self._conditions, state, time)

    def _results(self, time: int, trigger: str) -> dict[str, Json]:
        conditions = self._past.conditions(time)
        specs = [
            self._spec(name, self._generation(name, time), conditions.get(name) == "stopped") for name in self._specs
        ]
        actions = self._actions(time, trigger, conditions)
        endpoints = [
            _endpoint(self._fleet, spec, number, self._generation(spec.name, time), conditions)
            for number, spec in enumerate(specs)
            if spec.enabled
        ]
        return {
            "config": {
                **self._fleet.config,
                "servers": [spec.to_short_dict() for spec in specs],
                "overrides": {spec.name: {"stopped": self._stop} for spec in specs if spec.stopped},
            },
            "containers": {
                "changed": bool(actions),
                "actions": actions,
                "endpoints": endpoints,
                "errors": [],
                "postponed": [
                    {"server": name, "count": 6, "quarantined": True, "next_try": _stamp(time + 1800)}
                    for name, condition in conditions.items()
                    if condition == "quarantined"
                ],
            },
            "routes": self._routes,
            "retire": {"changed": False, "actions": [], "endpoints": [], "errors": []},
            "probe": {
                "changed": False,
                "servers": [self._report(spec.name, time, conditions) for spec in specs if spec.enabled],
                "remotes": [self._remote_report(name, time) for name in REMOTES],
            },
        }

    def _generation(self, name: str, time: int) -> int:
        return sum(each <= time for each in self._past.rolls.get(name, []))

    def _make_spec(self, name: str, generation: int, stopped: bool) -> Spec:
        data = {**self._specs[name].to_dict(), "image": f"{self._specs[name].image}.{generation}"}
        if stopped:
            data["stopped"] = f"by {self._stop['by']} at {self._stop['at']}"
        return Spec.from_dict(data).with_generation()

    def _actions(self, time: int, trigger: str, conditions: dict[str, str]) -> list[Json]:
        rolled = [name for name, times in self._past.rolls.items() if time in times]
        actions = [
            {"server": name, "action": "create", "reason": f"its image is mcp/{name} in another version now"}
            for name in rolled
        ]
        if trigger.startswith("watcher"):
            name = trigger.split()[1].removeprefix("mcp-")
            if name in conditions or name in self._fleet.names:
                actions.append({"server": name, "action": "start", "reason": "its container has ended"})
        return actions

    def _report(self, name: str, time: int, conditions: dict[str, str]) -> Json:
        target = ProbeTarget(name, f"{PUBLIC_URL}/mcp/{name}/mcp")
        condition = conditions.get(name, "ok")
        made = {**report_of(target, None), "checked": _stamp(time - 1)}
        if condition in ("failing", "quarantined", "stopped"):
            why = {"state": "failing", "cause": "refused", "step": "connect", "reason": "the balancer answers 503"}
            return {**made, **why}
        if condition == "unknown":
            return {**made, "state": "failing", "cause": "auth", "step": "connect", "reason": "it wants a login"}
        tools = [] if condition == "degraded" else self._tools(name, time)
        found = {
            "tools": [each["name"] for each in tools],
            "protocol": "2025-11-25",
            "server": {"name": f"mcp-{name}", "version": f"1.{self._generation(name, time)}.0"},
        }
        if condition == "asleep":
            return {**made, **found, "state": "asleep", "reason": "asleep, last seen answering 20 min ago"}
        latency = 4.0 + sum(name.encode()) % 60
        return {
            **made, **found,
            "latency_ms": {"connect": 0.2, "total": latency},
            "digests": {each["name"]: digest_of(each) for each in tools},
            "definitions": tools,
            "sessions": {"held": len(name) % 4, "fit": 9, "oom_kills": 0} if name in self._fleet.bridged else None,
        }  # fmt: skip

    def _tools(self, name: str, time: int) -> list[Json]:
        changes = sum(each <= time for each in self._past.tool_changes.get(name, []))
        names = [*self._fleet.tools(name), *(f"extra_{number}" for number in range(changes))]
        schema = {"type": "object", "properties": {"query": {"type": "string"}}}
        return [{"name": each, "description": f"Does {each}.", "inputSchema": schema} for each in names]

    @staticmethod
    def _remote_report(name: str, time: int) -> Json:
        made = report_of(ProbeTarget(name, f"https://{name}.example.com/mcp"), None)
        found = {"tools": ["search"], "digests": {"search": "0" * 12}, "latency_ms": {"total": 88.0}}
        found["certificate_ends"] = _stamp(time + 40 * 86400)
        return {**made, **found, "checked": _stamp(time - 1), "protocol": "2025-06-18"}


def run_id(time: int) -> str:
    """Returns the id of the run that ended then."""
    return f"{datetime.fromtimestamp(time - LASTS, UTC):%Y%m%dT%H%M%SZ}-{time % 65536:04x}"


def _stamp(time: int) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _endpoint(fleet: Fleet, spec: Spec, number: int, generation: int, conditions: dict[str, str]) -> Json:
    stopped = conditions.get(spec.name) == "stopped"
    exceptions = ["its root file system is writable"] if not spec.read_only else []
    identity = fleet.container(spec.name, generation)
    state = "stopped" if stopped else "running"
    made = Endpoint.of(spec, "127.0.0.1", 20000 + number, identity, state, exceptions)
    return {**made.to_dict(), "container_name": f"mcp-{spec.name}"}


def _routes(fleet: Fleet) -> Json:
    specs = [Spec.from_dict(each) for each in fleet.config["servers"]]
    endpoints = [
        Endpoint.of(spec, "127.0.0.1", 20000 + number, "c0ffee", "running")
        for number, spec in enumerate(specs)
        if spec.enabled
    ]
    known = {
        each.name: {
            "rule_arn": f"{LOCAL}:listener-rule/app/mcp-local/{1:016x}/{1:016x}/{number:016x}",
            "target_group_arn": f"{LOCAL}:targetgroup/mcp-{each.name[:24]}/{number:016x}",
            "priority": 1000 + number,
        }
        for number, each in enumerate(endpoints)
    }
    hops = hops_to(Settings(), endpoints, PLACES)
    told = fleet_report(hops, [HopResult(base_url=PUBLIC_URL, routes=known)], endpoints, Routes())
    return {**told, "routes": [each for each in told["routes"] if each["name"] in known]}
