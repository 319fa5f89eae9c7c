# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From any cluster a plan leads to what is desired, in one go, and touches nothing of anybody else."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import MANAGER
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import Plan, plan
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.server import render
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import (
    ON_AWS,
    SETTINGS,
    sample_fleet,
    workload,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.simulated_cluster import (
    Cluster,
    Live,
)
from hypothesis import given, settings
from hypothesis import strategies as st

REPLICAS = ("f:spec", "f:replicas")
IMAGE = ("f:spec", "f:template", "f:spec", "f:containers", 'k:{"name":"server"}', "f:image")
IDENTITY = (
    ("f:metadata", "f:name"),
    ("f:metadata", "f:namespace"),
    ("f:metadata", "f:labels"),  # by one of which it is ours
)
SAMPLES = {each.spec.name: render(each)[0] for each in sample_fleet(SETTINGS)}
# The same servers otherwise: another router, other limits, one without what it had.
OTHERS = {
    each.spec.name: render(replace(each, spec=replace(each.spec, memory=2**26, env={}, volumes=()).with_generation()))[
        0
    ]
    for each in sample_fleet(ON_AWS)
}
names = st.sets(st.sampled_from(sorted(SAMPLES)))


def deployment(name: str = "time", **more: Any) -> Object:
    (found,) = (each for each in render(workload(name, **more))[0] if each["kind"] == "Deployment")
    return found


def cluster_of(*objects: Object) -> tuple[Cluster, Live]:
    made = Cluster()
    live = [made.apply(each) for each in objects]
    return made, live[-1]


def foreign(each: Object) -> Object:
    stranger = copy.deepcopy(each)
    stranger["metadata"]["labels"] = {"app": "x"}
    return stranger


@settings(max_examples=40, deadline=None)
@given(names, names, names, names, st.data())
def test_a_plan_leads_to_what_is_desired_and_then_there_is_none(
    wanted: set[str], former: set[str], same: set[str], strangers: set[str], data: st.DataObject
) -> None:
    cluster = Cluster()
    for name in former:
        for each in OTHERS[name]:
            cluster.apply(each)
    for name in same - former:
        for each in SAMPLES[name]:
            cluster.apply(each)
    for name in strangers - former - same - wanted:
        for each in SAMPLES[name]:
            cluster.apply(foreign(each), "somebody")
    for live in cluster.live.values():
        changed = data.draw(st.lists(st.sampled_from(sorted(live.leaves)), max_size=2, unique=True))
        for path in changed:
            if "f:metadata" not in path and path[0] not in ("f:kind", "f:apiVersion") and path[-1][:2] == "f:":
                live.change(path, "changed", "kubectl-edit")
    apart = {key: each.object() for key, each in cluster.live.items() if "app" in each.object()["metadata"]["labels"]}
    desired = [each for name in sorted(wanted) for each in SAMPLES[name]]
    cluster.do(plan(desired, cluster.observed(), "mcp"))
    assert plan(desired, cluster.observed(), "mcp") == Plan()
    assert {key: cluster.live[key].object() for key in apart} == apart
    ours = [each for each in cluster.observed() if "app" not in each["metadata"]["labels"]]
    assert len(ours) == len(desired)


def test_what_is_there_already_needs_nothing() -> None:
    cluster, _live = cluster_of(*SAMPLES["pooled"])
    assert plan(SAMPLES["pooled"], cluster.observed(), "mcp") == Plan()


@pytest.mark.parametrize("kind", sorted({each["kind"] for each in SAMPLES["pooled"]}))
def test_no_field_has_another_value_or_owner_unseen(kind: str) -> None:
    (desired,) = (each for each in SAMPLES["pooled"] if each["kind"] == kind)
    _cluster, untouched = cluster_of(desired)
    assert plan([desired], [untouched.object()], "mcp") == Plan()
    for path in sorted(untouched.owned[MANAGER]):
        if path[0] in ("f:apiVersion", "f:kind") or path[:2] in IDENTITY or path[-1].startswith("k:"):
            continue
        for value in ("changed", untouched.leaves[path]):
            cluster, live = cluster_of(desired)
            live.change(path, value, "somebody")
            assert plan([desired], cluster.observed(), "mcp").actions, (path, value)


def test_another_s_change_is_named_with_who_made_it_and_repaired() -> None:
    cluster, live = cluster_of(deployment())
    live.change(REPLICAS, 5, "kubectl-scale")
    live.change(IMAGE, "mcp/time:2", "kubectl-set")
    (action,) = plan([deployment()], cluster.observed(), "mcp").actions
    assert (action.verb, action.server) == ("apply", "time")
    assert action.reasons == (
        "Deployment mcp-time: spec.replicas is 5, not 1 (kubectl-scale)",
        "Deployment mcp-time: spec.template.spec.containers[server].image is mcp/time:2, not mcp/time:1 (kubectl-set)",
    )


def test_another_s_change_is_left_and_named_where_nothing_is_to_be_repaired() -> None:
    cluster, live = cluster_of(deployment())
    live.change(REPLICAS, 5, "kubectl-scale")
    planned = plan([deployment()], cluster.observed(), "mcp", repair=False)
    assert planned == Plan(left=("Deployment mcp-time: spec.replicas is 5, not 1 (kubectl-scale)",))
    # With a desire of ours the object is applied, and the other's change goes too.
    assert plan([deployment(memory=2**26)], cluster.observed(), "mcp", repair=False).actions


def test_a_field_that_only_another_owns_becomes_ours_so_that_it_goes_when_we_no_longer_desire_it() -> None:
    cluster, live = cluster_of(deployment())
    live.change(REPLICAS, 1, "kubectl-apply")
    planned = plan([deployment()], cluster.observed(), "mcp")
    told = "Deployment mcp-time: spec.replicas is as desired, and kubectl-apply owns it"
    assert planned.actions[0].reasons == (told,)
    cluster.do(planned)
    assert REPLICAS in live.owned["mcp-orchestrator"]


def test_what_others_add_beside_ours_stays() -> None:
    cluster, live = cluster_of(deployment())
    live.change(("f:metadata", "f:annotations", "f:example.com/x"), "1", "somebody")
    assert plan([deployment()], cluster.observed(), "mcp") == Plan()


def test_a_field_that_somebody_removed_is_put_back() -> None:
    cluster, live = cluster_of(deployment())
    live.drop(("f:spec", "f:revisionHistoryLimit"))
    (action,) = plan([deployment()], cluster.observed(), "mcp").actions
    assert action.reasons == ("Deployment mcp-time: spec.revisionHistoryLimit is missing, not 3",)


def test_a_field_that_is_no_longer_desired_goes() -> None:
    cluster, live = cluster_of(deployment(env={"A": "0123456789abcdef"}))
    planned = plan([deployment()], cluster.observed(), "mcp")
    assert any("env is no longer desired" in reason for reason in planned.actions[0].reasons)
    cluster.do(planned)
    assert "env" not in live.object()["spec"]["template"]["spec"]["containers"][0]


def test_the_number_of_pods_is_handed_over_to_an_autoscaler_without_falling_to_one() -> None:
    scaled = {"transport": "http", "replicas": 2, "autoscaling": {"max": 9, "cpu": 70}}
    cluster, live = cluster_of(deployment(transport="http", replicas=4))
    desired = [deployment(**scaled)]
    planned = plan(desired, cluster.observed(), "mcp")
    assert planned.actions[0].handed_over is not None
    cluster.do(planned)
    assert live.object()["spec"]["replicas"] == 4
    live.change(REPLICAS, 6, "kube-controller-manager")
    assert plan(desired, cluster.observed(), "mcp") == Plan()


def test_an_object_of_another_in_the_place_of_ours_is_left_and_told() -> None:
    cluster = Cluster()
    cluster.apply(foreign(deployment()), "somebody")
    assert plan([deployment()], cluster.observed(), "mcp") == Plan(
        taken={"time": "Deployment mcp-time is not of the fleet mcp; rename it, or the server"},
    )


@pytest.mark.parametrize("reason", ["another fleet", "made by one of ours", "a server with an error"])
def test_what_is_not_to_be_removed_stays(reason: str) -> None:
    cluster, live = cluster_of(deployment())
    if reason == "made by one of ours":
        live.owner_references = [{"kind": "Deployment"}]
    fleet = "other" if reason == "another fleet" else "mcp"
    protected = ["time"] if reason == "a server with an error" else []
    assert plan([], cluster.observed(), fleet, protected=protected) == Plan()


def test_removals_come_last_and_against_the_order_of_making() -> None:
    cluster, _live = cluster_of(*SAMPLES["time"])
    verbs = [(each.verb, each.key[1]) for each in plan(SAMPLES["closed"], cluster.observed(), "mcp").actions]
    assert [kind for verb, kind in verbs if verb == "remove"] == [each["kind"] for each in SAMPLES["time"]][::-1]
    assert [verb for verb, _kind in verbs] == ["create"] * 5 + ["remove"] * 5
