# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server as a resource of the MCP lifecycle operator, where that can say all that matters."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.fleet import render_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import (
    DIGEST,
    ON_AWS,
    SETTINGS,
    cluster,
    workload,
)


def operated(settings: Any = SETTINGS, **more: Any) -> tuple[dict[str, Object], list[str]]:
    made = render_fleet([workload("orders", settings, **{"transport": "http", **more})], settings, for_operator=True)
    notes = [note for note in made.findings["orders"].notes if note.startswith("format: ")]
    return {each["kind"]: each for each in made.objects["orders"]}, notes


def test_an_http_server_is_one_resource_with_the_same_limits_variables_and_walls() -> None:
    plain = render_fleet([workload("orders", transport="http", env={"A": DIGEST})], SETTINGS).objects["orders"]
    kinds = {each["kind"]: each for each in plain}
    found, notes = operated(env={"A": DIGEST}, command=["--x", "$(Y)"], replicas=2)
    spec = found["MCPServer"]["spec"]
    container = kinds["Deployment"]["spec"]["template"]["spec"]["containers"][0]
    assert notes == []
    assert set(found) == {"ServiceAccount", "MCPServer", "PodDisruptionBudget", "Ingress"}
    assert spec["source"]["containerImage"] == {"ref": "mcp/time:1", "pullPolicy": "IfNotPresent"}
    assert (spec["config"]["port"], spec["config"]["arguments"]) == (8000, ["--x", "$$(Y)"])
    assert spec["config"]["env"] == container["env"]
    assert spec["config"]["storage"][0]["path"] == "/tmp"
    assert spec["runtime"]["resources"] == container["resources"]
    assert spec["runtime"]["security"]["securityContext"] == container["securityContext"]
    assert spec["runtime"]["replicas"] == 2
    assert spec["runtime"]["health"]["livenessProbe"]["httpGet"]["port"] == 8000
    assert spec["network"]["egressTo"] == kinds["NetworkPolicy"]["spec"]["egress"][0]["to"]
    assert spec["network"]["ingressFrom"][:-1] == kinds["NetworkPolicy"]["spec"]["ingress"][0]["from"]
    assert spec["extraLabels"]["mcp_service"] == "orders"


def test_it_is_asked_where_it_answers_and_keeps_the_operator_s_own_labels() -> None:
    spec = operated(strip_prefix=False, labels={"app": "x", "team": "y"})[0]["MCPServer"]["spec"]
    assert spec["config"]["path"] == "/mcp/orders/mcp"
    assert ("app" in spec["extraLabels"], spec["extraLabels"]["team"]) == (False, "y")


def test_what_leads_to_it_names_the_port_of_the_operator_s_service() -> None:
    backend = operated()[0]["Ingress"]["spec"]["rules"][0]["http"]["paths"][0]["backend"]
    assert backend == {"service": {"name": "mcp-orders", "port": {"number": 8000}}}
    assert operated(ON_AWS)[0]["TargetGroupBinding"]["spec"]["serviceRef"] == {"name": "mcp-orders", "port": 8000}


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"transport": "stdio"}, "it takes no stdio server"),
        ({"entrypoint": ["/x"]}, "it takes no entrypoint"),
        ({"workdir": "/srv"}, "it takes no working directory"),
        ({"command": [""]}, "it takes no empty argument"),
        ({"image": "time"}, "it takes an image with a name behind a slash, and a tag or a digest"),
        ({"volumes": ["data:/data"]}, "it takes no claims"),
        ({"network": "none"}, "it leaves look-ups of names to the cluster; it takes one network of name servers"),
        ({"platform": "linux/arm64"}, "it takes no platform"),
        ({"autoscaling": {"max": 5, "cpu": 70}}, "it has a fixed number of pods"),
    ],
)
def test_what_the_operator_cannot_have_stays_objects_with_the_reason(more: dict[str, Any], reason: str) -> None:
    found, notes = operated(**more)
    assert "Deployment" in found
    assert "MCPServer" not in found
    assert notes == [f"format: the operator does not run it: {reason}"]


def test_several_networks_of_name_servers_are_more_than_it_takes() -> None:
    assert "MCPServer" not in operated(cluster(name_servers=("10.0.0.2/32", "10.0.0.3/32")))[0]
    assert "MCPServer" in operated(cluster(name_servers=("10.0.0.2/32",)))[0]


def test_what_is_lost_is_noted_once_and_only_where_it_is() -> None:
    several = [workload(name, transport="http") for name in ("a", "b")]
    notes = render_fleet(several, SETTINGS, for_operator=True).notes
    assert [note.partition(":")[0] for note in notes] == ["the operator has no startup probe, no hook and no spread"]
    assert not render_fleet([replace(several[0])], SETTINGS).notes
