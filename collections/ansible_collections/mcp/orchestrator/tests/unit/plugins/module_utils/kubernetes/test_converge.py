# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A fleet on a cluster: what is made, what is left alone, and what becomes of pods that do not get ready."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.environment import Environment
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.verification import Verify, not_installed
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster import Cluster
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.converge import Desired, Outcome, converge
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.fleet import render_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import (
    Kind,
    desired_kinds,
    fleet_kinds,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.observe import observe
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.secret_values import (
    SecretValues,
    secret_digests,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.verification_objects import Question
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.wait import Clock
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_report import actions_of, diffs_of
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.fake_cluster import FakeCluster
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import (
    IMAGE,
    ON_AWS,
    SETTINGS,
    sample_fleet,
    spec,
)

KEY = b"k" * 32
TOKEN = "swordfish-7"
SESSION_KEY = "MCP_BRIDGE_SESSION_KEYS=abc"
TIMEOUT = 60.0


class FakeTime:
    """A clock that a pause moves on."""

    def __init__(self) -> None:
        self.seconds = 1_000_000.0

    def clock(self) -> Clock:
        return Clock(lambda: self.seconds, self.pause)

    def pause(self, seconds: float) -> None:
        self.seconds += seconds


def secretive(name: str, value: str = TOKEN, **more: Any) -> tuple[Spec, dict[str, Secret]]:
    """A server with a secret value."""
    values = {"TOKEN": Secret(value)}
    return spec(name, env={"TOKEN": values["TOKEN"].digest(KEY, name, "TOKEN")}, **more), values


def run(
    cluster: Cluster,
    specs: Sequence[Spec],
    values: dict[str, dict[str, Secret]] | None = None,
    *,
    time: FakeTime | None = None,
    check_mode: bool = False,
    verify: Verify = not_installed,
    **more: Any,
) -> Outcome:
    """Converges the fleet of these specs."""
    workloads = [
        Workload(each, SETTINGS, IMAGE, secret=secret_digests(each, [SESSION_KEY] if each.isolation else []))
        for each in specs
    ]
    kinds = fleet_kinds(SETTINGS)
    world = observe(cluster, "mcp", kinds, desired_kinds(workloads, kinds))
    desired = Desired(
        "mcp",
        render_fleet(workloads, SETTINGS),
        kinds,
        {each.name: each.name for each in specs},
        timeout=TIMEOUT,
        verified={each.spec.name: Question.of(each) for each in workloads if each.spec.verify},
        verify=verify,
        **more,
    )
    secrets = SecretValues(Environment(lambda: (values or {}, KEY)), {each.name: each for each in specs})
    return converge(desired, world, cluster, secrets, (time or FakeTime()).clock(), check_mode=check_mode)


def names(cluster: FakeCluster) -> set[str]:
    return {f"{kind} {name}" for _group, kind, name in cluster.store.live}


def image_of(cluster: FakeCluster, name: str) -> str:
    live = cluster.store.live[("apps", "Deployment", name)]
    return str(live.object()["spec"]["template"]["spec"]["containers"][0]["image"])


def test_a_fleet_is_made_and_then_there_is_nothing_to_do() -> None:
    cluster = FakeCluster()
    specs = [spec("time"), spec("fetch")]
    first = run(cluster, specs)
    assert not first.errors
    assert {"Deployment mcp-time", "Service mcp-fetch", "Ingress mcp-time", "ConfigMap mcp"} <= names(cluster)
    cluster.calls.clear()
    second = run(cluster, specs)
    assert (second.actions, second.errors) == ([], {})
    assert cluster.calls == {"get": 1, "list": 5}, "however many servers there are"


def test_check_mode_changes_nothing_and_says_what_would_be() -> None:
    cluster = FakeCluster()
    outcome = run(cluster, [spec("time")], check_mode=True)
    assert names(cluster) == set()
    assert {each.verb for each in outcome.actions} == {"create"}


def test_kinds_that_a_fleet_had_once_are_looked_at_until_they_are_gone() -> None:
    cluster = FakeCluster()
    run(cluster, [spec("time", isolation="pooled", replicas=2)])
    assert "PodDisruptionBudget mcp-time" in names(cluster)
    run(cluster, [spec("time", isolation="pooled", replicas=1)])
    assert "PodDisruptionBudget mcp-time" not in names(cluster)


def test_the_kinds_are_known_before_the_objects_are_made() -> None:
    for settings in (SETTINGS, ON_AWS):
        kinds = fleet_kinds(settings)
        for sample in sample_fleet(settings):
            each = replace(sample, is_for_files=False)
            (made,) = render_fleet([each], settings).objects.values()
            assert {kind.kind for kind in desired_kinds([each], kinds)} == {one["kind"] for one in made}


def test_a_secret_is_made_with_its_value_which_nobody_else_is_told() -> None:
    cluster = FakeCluster()
    server, values = secretive("time")
    outcome = run(cluster, [server], {"time": values})
    held = cluster.store.live[("", "Secret", "mcp-time-env")].object()["data"]
    assert held == {"TOKEN": "c3dvcmRmaXNoLTc="}
    told = json.dumps([actions_of(outcome, {}), diffs_of(outcome.actions), outcome.errors])
    assert TOKEN not in told
    assert held["TOKEN"] not in told


def test_a_value_is_read_only_where_it_has_changed() -> None:
    cluster = FakeCluster()
    server, values = secretive("time")
    run(cluster, [server], {"time": values})
    assert not run(cluster, [server], None).errors, "the digest is the same, so nobody asks for the value"
    other, values = secretive("time", "swordfish-8")
    outcome = run(cluster, [other], {"time": values})
    assert [each.key[1] for each in outcome.actions if each.key[1] == "Secret"] == ["Secret"]
    assert "another value, not the value of the config" in " ".join(outcome.actions[0].reasons)
    assert cluster.store.live[("", "Secret", "mcp-time-env")].object()["data"] == {"TOKEN": "c3dvcmRmaXNoLTg="}


def test_a_value_that_cannot_be_had_fails_its_server_alone() -> None:
    cluster = FakeCluster()
    server, _values = secretive("time")
    outcome = run(cluster, [server, spec("fetch")], {})
    assert "TOKEN cannot be read" in outcome.errors["time"][0]
    assert "Deployment mcp-fetch" in names(cluster)
    assert "Deployment mcp-time" not in names(cluster)


def test_a_foreign_value_of_a_secret_is_told_without_it_and_replaced() -> None:
    cluster = FakeCluster()
    server, values = secretive("time")
    run(cluster, [server], {"time": values})
    live = cluster.store.live[("", "Secret", "mcp-time-env")]
    live.change(("f:data", "f:TOKEN"), "ZXZpbA==", "kubectl-edit")
    outcome = run(cluster, [server], {"time": values})
    assert "(kubectl-edit)" in outcome.actions[0].reasons[0] or "kubectl-edit owns it" in outcome.actions[0].reasons[0]
    assert "ZXZpbA" not in str(actions_of(outcome, {}))
    assert live.object()["data"]["TOKEN"] == "c3dvcmRmaXNoLTc="


def test_an_object_of_another_in_the_place_of_ours_fails_one_server() -> None:
    cluster = FakeCluster()
    theirs = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "mcp-time", "namespace": "mcp"},
        "spec": {"a": 1},
    }
    cluster.store.apply(theirs, "helm")
    before = cluster.store.live[("", "Service", "mcp-time")].object()
    outcome = run(cluster, [spec("time"), spec("fetch")])
    assert outcome.errors == {"time": ["Service mcp-time is not of the fleet mcp; rename it, or the server"]}
    assert cluster.store.live[("", "Service", "mcp-time")].object() == before
    assert "Service mcp-fetch" in names(cluster)


def test_a_server_that_is_refused_keeps_no_other_from_coming() -> None:
    cluster = FakeCluster(refused={"mcp-time"})
    outcome = run(cluster, [spec("time"), spec("fetch")])
    assert outcome.errors == {"time": ["cannot apply ServiceAccount mcp-time: it is refused"]}
    assert "Deployment mcp-fetch" in names(cluster)


def test_what_is_no_longer_desired_goes_and_what_is_not_ours_stays() -> None:
    cluster = FakeCluster()
    run(cluster, [spec("time"), spec("fetch")])
    run(cluster, [spec("fetch")])
    assert not [each for each in names(cluster) if "mcp-time" in each]
    assert "Deployment mcp-fetch" in names(cluster)


def test_a_fleet_without_servers_leaves_nothing_behind() -> None:
    cluster = FakeCluster()
    run(cluster, [spec("time")])
    run(cluster, [])
    assert names(cluster) == set()
    cluster.calls.clear()
    assert not run(cluster, []).actions
    assert cluster.calls["apply"] == 0


def test_a_protected_server_stays_as_it_is() -> None:
    cluster = FakeCluster()
    run(cluster, [spec("time"), spec("fetch")])
    run(cluster, [spec("fetch"), spec("time", image="mcp/time:2")], protected=["time"])
    assert image_of(cluster, "mcp-time") == "mcp/time:1"


def test_a_first_release_that_does_not_get_ready_says_why() -> None:
    cluster, time = FakeCluster(), FakeTime()
    outcome = run(cluster, [spec("time", image="mcp/time:bad"), spec("fetch")], time=time)
    (told,) = outcome.errors["time"]
    assert "0 of 1 pods are ready" in told
    assert "pod mcp-time-x: ImagePullBackOff (no such image)" in told
    assert "events: Failed: it is bad" in told
    assert "log: its last word" in told
    assert time.seconds < 1_000_000 + TIMEOUT, "what is hopeless is not waited for to the end"


def test_a_bad_release_gives_way_to_the_one_that_served_and_is_tried_less_and_less_often() -> None:
    cluster, time = FakeCluster(), FakeTime()
    run(cluster, [spec("time")], time=time)
    bad = [spec("time", image="mcp/time:bad")]
    for count in (1, 2):
        outcome = run(cluster, bad, time=time)
        assert image_of(cluster, "mcp-time") == "mcp/time:1"
        assert outcome.rollbacks == {"time": spec("time").generation}
        assert outcome.postponed[-1].count == count
        assert "serves again" in outcome.errors["time"][0]
    cluster.calls.clear()
    outcome = run(cluster, bad, time=time)
    assert "the next try is postponed: it failed 2 times" in outcome.errors["time"][0]
    assert "kubectl -n mcp annotate deployment/mcp-time mcp_failures-" in outcome.errors["time"][0]
    assert cluster.calls["apply"] == 0
    time.pause(3600)
    assert run(cluster, bad, time=time).postponed[-1].count == 3


def test_another_release_is_tried_at_once_after_a_bad_one() -> None:
    cluster, time = FakeCluster(), FakeTime()
    for image in ("mcp/time:1", "mcp/time:bad", "mcp/time:bad", "mcp/time:3"):
        outcome = run(cluster, [spec("time", image=image)], time=time)
    assert not outcome.errors
    assert image_of(cluster, "mcp-time") == "mcp/time:3"


def test_what_is_remembered_of_a_failure_goes_when_the_same_release_serves() -> None:
    cluster, time = FakeCluster(), FakeTime()
    run(cluster, [spec("time")], time=time)
    run(cluster, [spec("time", image="mcp/time:bad")], time=time)
    live = cluster.store.live[("apps", "Deployment", "mcp-time")]
    assert "mcp_failures" in live.object()["metadata"]["annotations"]
    cluster.bad = "none"
    outcome = run(cluster, [spec("time", image="mcp/time:bad")], time=time)
    assert not outcome.errors
    assert "mcp_failures" not in live.object()["metadata"].get("annotations", {})


def test_pods_that_fail_after_they_have_served_are_told_and_do_not_give_way_to_former_ones() -> None:
    cluster, time = FakeCluster(), FakeTime()
    run(cluster, [spec("time", image="mcp/time:0")], time=time)
    run(cluster, [spec("time")], time=time)
    cluster.bad = ":1"
    outcome = run(cluster, [spec("time")], time=time)
    assert "ImagePullBackOff" in outcome.errors["time"][0]
    assert outcome.rollbacks == {}
    assert image_of(cluster, "mcp-time") == "mcp/time:1"


def test_a_server_that_an_operator_has_stopped_has_no_pods() -> None:
    cluster, time = FakeCluster(), FakeTime()
    run(cluster, [spec("time")], time=time)
    outcome = run(cluster, [replace(spec("time"), stopped="ann since noon")], time=time)
    assert not outcome.errors
    assert cluster.store.live[("apps", "Deployment", "mcp-time")].object()["spec"]["replicas"] == 0


def test_what_another_hand_of_ours_has_is_taken_even_where_that_of_others_is_left() -> None:
    class Reluctant(FakeCluster):
        def apply(self, kind: Kind, each: Object, manager: str, *, force: bool) -> Object:
            if kind.kind == "Deployment" and manager == "mcp-orchestrator" and not force:
                raise ClusterError("mcp-orchestrator-scale owns spec.replicas", 409, ["mcp-orchestrator-scale"])
            return super().apply(kind, each, manager, force=force)

    cluster = Reluctant()
    assert not run(cluster, [spec("time", transport="http")], repair=False).errors
    assert "Deployment mcp-time" in names(cluster)
