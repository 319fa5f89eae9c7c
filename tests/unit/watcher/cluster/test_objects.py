"""What of an object in a cluster calls for a run: what somebody else has done to what is ours, and nothing besides."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from watcher.cluster.objects import ClusterObject, cluster_object, server_of

OURS = {
    "manager": "mcp-orchestrator",
    "operation": "Apply",
    "fieldsV1": {"f:spec": {"f:replicas": {}, "f:template": {}}},
}
OTHER = st.fixed_dictionaries(
    {
        "manager": st.sampled_from(["kubectl-edit", "kube-controller-manager", "argocd"]),
        "operation": st.sampled_from(["Update", "Apply"]),
        "fieldsV1": st.sampled_from([{"f:status": {}}, {"f:metadata": {"f:annotations": {}}}, {}]),
    }
)
STATUS = st.fixed_dictionaries({"availableReplicas": st.integers(2, 5), "observedGeneration": st.integers(0, 9)})


def deployment(managed: list[Any], replicas: int = 2, uid: str = "1", **status: int) -> dict[str, Any]:
    labels = {"mcp_fleet": "mcp", "mcp_service": "time"}
    metadata = {"name": "mcp-time", "uid": uid, "labels": labels, "managedFields": managed}
    return {"metadata": metadata, "spec": {"replicas": replicas}, "status": {"availableReplicas": replicas, **status}}


def seen(each: dict[str, Any], before: ClusterObject | None = None, at: float = 0.0) -> ClusterObject:
    return cluster_object("deployments", each, before, at)


@given(st.lists(OTHER, max_size=4), STATUS)
def test_what_others_own_and_what_controllers_say_shows_nothing(others: list[Any], status: dict[str, int]) -> None:
    before = seen(deployment([OURS]))
    now = seen(deployment([*others, OURS], **status))
    assert before.id == "deployment/mcp-time"
    assert list(before.troubles_since(now)) == []
    assert now.trouble == ""


@given(st.lists(OTHER, max_size=4))
def test_a_field_of_ours_that_somebody_has_taken_shows(others: list[Any]) -> None:
    left = {**OURS, "fieldsV1": {"f:spec": {"f:replicas": {}}}}
    now = seen(deployment([left, *others]))
    assert list(seen(deployment([OURS])).troubles_since(now)) == ["had its Deployment changed"]


def test_a_deployment_that_was_scaled_shows_though_nobody_noted_it_unless_an_autoscaler_does_that() -> None:
    before, now = seen(deployment([OURS], 2)), seen(deployment([OURS], 5))
    assert list(before.troubles_since(now)) == ["had its Deployment changed"]
    scaled = {**OURS, "fieldsV1": {"f:spec": {"f:template": {}}}}
    assert list(seen(deployment([scaled], 2)).troubles_since(seen(deployment([scaled], 5)))) == []


def test_one_that_is_gone_or_another_one_was_removed_and_one_on_its_way_out_was_not() -> None:
    before = seen(deployment([OURS]))
    assert list(before.troubles_since(None)) == ["had its Deployment removed"]
    assert list(before.troubles_since(seen(deployment([OURS], uid="2")))) == ["had its Deployment removed"]
    assert list(replace(before, leaves=True).troubles_since(None)) == []


def test_since_when_pods_are_lacking_is_remembered_until_they_are_there() -> None:
    first = seen(deployment([OURS], availableReplicas=1), at=10.0)
    assert first.lacking == 10.0
    later = seen(deployment([OURS], availableReplicas=0), first, at=15.0)
    assert later.lacking == 10.0
    well = seen(deployment([OURS]), later, at=16.0)
    assert well.lacking is None
    assert list(replace(later, is_late=True).troubles_since(well)) == ["is ready again"]
    assert list(later.troubles_since(well)) == []


def test_a_name_that_no_config_can_have_is_nobodys() -> None:
    assert server_of({"labels": {"mcp_service": "mcp-time-1a2b3c"}, "annotations": {"mcp_server": "time-"}}) == "time-"
    assert server_of({"labels": {}, "annotations": {"mcp_server": "../../etc"}}) == ""
