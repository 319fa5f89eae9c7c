# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is said of servers that run on a cluster: the same as on a host, of a Deployment and its pods."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.beside_hosts import of_another_host
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.converge import Outcome
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import Plan
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_report import (
    endpoints_of,
    probes_of,
    readiness_of,
    routes_of,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import rendered
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import spec as made_of
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.state.registered import (
    endpoint,
    server_of,
    spec,
    state_of,
)


def deployment(ready: int, desired: int = 2) -> dict[str, Any]:
    made = rendered("time", transport="http", replicas=desired)["Deployment"]
    return {**made, "status": {"readyReplicas": ready, "replicas": desired, "updatedReplicas": desired}}


def workloads(ready: int, public_url: str = "", **more: Any) -> dict[str, Any]:
    """What mcp_workload returns of one server."""
    server: Spec = made_of("time", transport="http", replicas=2)
    outcome = Outcome(Plan(), deployments={"mcp-time": deployment(ready)})
    endpoints = endpoints_of([server], {}, outcome, "mcp", "mcp")
    routes = routes_of(endpoints, public_url)
    return {
        "changed": False,
        "actions": [],
        "endpoints": endpoints,
        "routes": routes,
        "probes": probes_of(endpoints, routes),
        "readiness": readiness_of(endpoints, datetime(2026, 11, 21, 4, 19, tzinfo=UTC)),
        "errors": [],
        **more,
    }


def told(**registered: Any) -> dict[str, Any]:
    registered.setdefault("containers", {"changed": False, "endpoints": [], "errors": [], "retire_needed": False})
    config = {"changed": False, "servers": [spec("time", replicas=2)], "errors": []}
    routes = {"changed": False, "routes": [], "public_url": None, "errors": [], "actions": []}
    return server_of(state_of(config=config, routes=routes, probe={"skipped": True}, **registered))


def test_a_deployment_stands_where_a_container_does_on_a_host() -> None:
    server = told(workloads=workloads(2))
    assert server["container"] == {
        "id": "deployment/mcp-time",
        "name": "mcp-time",
        "logs": "kubectl -n mcp logs deployment/mcp-time",
    }
    assert server["replicas"] == {"desired": 2, "serving": 2}
    assert server["generation"] == made_of("time", transport="http", replicas=2).generation


def test_ready_pods_are_a_server_that_answers_although_nobody_has_asked_it() -> None:
    server = told(workloads=workloads(2))
    assert (server["condition"], server["observed"]) == ("ok", "running")
    assert server["health"]["reason"] == "its pods are ready; nobody has asked them for their tools"


def test_a_server_without_a_ready_pod_is_failing_with_the_reason() -> None:
    error = {"server": "time", "message": "0 of 2 pods are ready; pod mcp-time-x: CrashLoopBackOff"}
    server = told(workloads=workloads(0, errors=[error], failed=True))
    assert (server["condition"], server["observed"]) == ("failing", "failed")
    assert server["error"] == error["message"]
    assert server["replicas"] == {"desired": 2, "serving": 0}


def test_a_server_whose_new_pods_fail_while_the_former_serve_is_degraded() -> None:
    error = {"server": "time", "message": "2 of 2 pods are ready; pod mcp-time-x: ImagePullBackOff"}
    assert told(workloads=workloads(2, errors=[error], failed=True))["condition"] == "degraded"


def test_behind_an_ingress_the_address_is_where_clients_reach_that() -> None:
    found = workloads(2, "https://mcp.example.com")
    assert told(workloads=found)["route"]["url"] == "https://mcp.example.com/mcp/time/mcp"
    assert found["probes"] == [{"name": "time", "url": "https://mcp.example.com/mcp/time/mcp"}]
    assert told(workloads=workloads(2))["route"] is None


def test_what_is_different_on_a_cluster_is_told_with_its_server_and_what_concerns_all_with_the_fleet() -> None:
    found = workloads(2)
    found["notes"] = [
        {"server": "time", "message": "pids: no effect"},
        {"server": None, "message": "the walls are low"},
    ]
    found["needs"] = [{"server": "time", "message": "PersistentVolumeClaim data"}]
    found["left"] = ["Deployment mcp-time: spec.replicas is 5, not 2 (ann)"]
    assert told(workloads=found)["notes"] == ["needs PersistentVolumeClaim data", "pids: no effect"]
    config = {"changed": False, "servers": [spec("time")], "errors": []}
    assert state_of(config=config, workloads=found)["warnings"] == [
        "the walls are low",
        "Deployment mcp-time: spec.replicas is 5, not 2 (ann)",
    ]


def test_a_server_on_a_host_and_in_the_cluster_is_told_of_both_sides() -> None:
    here = {"changed": False, "endpoints": [endpoint("time", ports=[20001])], "errors": []}
    server = told(workloads=workloads(1), containers={**here, "hosts_by_server": {"time": ["a", "b"]}})
    assert server["text"]["where"] == "2 hosts, 1 of 2 pods"
    assert server["replicas"] == {"desired": 4, "serving": 2}
    assert server["container"]["id"] == "c0ffee"
    assert "the log of its pods is shown by: kubectl -n mcp logs deployment/mcp-time" in server["notes"]
    assert told(workloads=workloads(2), containers=here)["text"]["where"] == "1 host, 2 pods"
    assert told(workloads=workloads(2))["text"]["where"] == "2 pods"


def test_a_server_whose_pods_serve_while_its_container_fails_runs_and_is_degraded() -> None:
    error = {"server": "time", "message": "it is not healthy"}
    here = {"changed": False, "endpoints": [endpoint("time", None, state="failed")], "errors": [error], "failed": True}
    server = told(workloads=workloads(2), containers=here)
    assert (server["observed"], server["condition"]) == ("running", "degraded")


def test_a_host_that_does_not_speak_to_the_cluster_tells_that_a_server_is_there() -> None:
    server = told(workloads=of_another_host(["time"]))
    assert (server["condition"], server["observed"], server["text"]["where"]) == ("in_cluster", "absent", None)
