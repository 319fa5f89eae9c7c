# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""New pods that have to pass before they take over, on a cluster."""

from __future__ import annotations

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.plan import plan
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.server import render
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.verification_objects import (
    Question,
    goes_first,
    verification_objects,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.fake_cluster import FakeCluster
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import (
    SETTINGS,
    rendered,
    sample_fleet,
    spec,
    workload,
)
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.test_converge import (
    TOKEN,
    FakeTime,
    image_of,
    names,
    run,
    secretive,
)


class Verdicts:
    """Verifies as it is told to, and notes what it was asked, and which image served meanwhile."""

    def __init__(self, cluster: FakeCluster, *verdicts: str | None) -> None:
        self.asked: list[tuple[str, str, str, str | None]] = []
        self.serving: list[str] = []
        self._cluster, self._verdicts = cluster, iter(verdicts)

    def __call__(self, server: str, url: str, transport: str, host_header: str | None) -> str | None:
        self.asked.append((server, url, transport, host_header))
        self.serving.append(image_of(self._cluster, f"mcp-{server}"))
        return next(self._verdicts)


def version(tag: str, name: str = "time", **more: object) -> Spec:
    return spec(name, image=f"mcp/{name}:{tag}", verify=True, **more)


def of_verification(cluster: FakeCluster) -> set[str]:
    return {name for name in names(cluster) if ".verify" in name}


def test_the_first_pods_are_not_held_back() -> None:
    cluster = FakeCluster()
    verify = Verdicts(cluster)
    assert not run(cluster, [version("1")], verify=verify).errors
    assert verify.asked == []


def test_new_pods_take_over_when_one_of_them_has_passed() -> None:
    cluster = FakeCluster()
    verify = Verdicts(cluster, None)
    run(cluster, [version("1")], verify=verify)
    outcome = run(cluster, [version("2")], verify=verify)
    assert not outcome.errors
    assert verify.asked == [("time", "http://127.0.0.1:40000/mcp/time/mcp", "http", None)]
    assert verify.serving == ["mcp/time:1"]
    assert cluster.forwarded == [("mcp-time.verify-x", 8000)]
    assert image_of(cluster, "mcp-time") == "mcp/time:2"
    assert of_verification(cluster) == set()
    again = run(cluster, [version("2")], verify=verify)
    assert (again.actions, again.errors) == ([], {})


def test_where_it_does_not_pass_the_old_pods_keep_serving_and_it_is_tried_less_and_less_often() -> None:
    cluster, time = FakeCluster(), FakeTime()
    verify = Verdicts(cluster, "it is wrong", "it is wrong again", None)
    run(cluster, [version("1")], time=time, verify=verify)
    first = run(cluster, [version("2")], time=time, verify=verify)
    (message,) = first.errors["time"]
    assert message.startswith("it is wrong; log: its last word; generation ")
    assert message.endswith(" keeps serving")
    assert image_of(cluster, "mcp-time") == "mcp/time:1"
    assert of_verification(cluster) == set()
    assert [each.count for each in first.postponed] == [1]
    run(cluster, [version("2")], time=time, verify=verify)
    third = run(cluster, [version("2")], time=time, verify=verify)
    assert "the next try is postponed: it failed 2 times" in third.errors["time"][0]
    assert len(verify.asked) == 2
    time.seconds += 3600
    assert not run(cluster, [version("2")], time=time, verify=verify).errors
    assert image_of(cluster, "mcp-time") == "mcp/time:2"


def test_nothing_that_is_meant_for_new_pods_is_applied_before_they_pass_and_the_others_go_on() -> None:
    cluster = FakeCluster()
    verify = Verdicts(cluster, "it is wrong")
    old = version("1", transport="http", port=8000)
    run(cluster, [old, spec("other")], verify=verify)
    walls, service = (
        cluster.store.live[key].object()["spec"]
        for key in (("networking.k8s.io", "NetworkPolicy", "mcp-time"), ("", "Service", "mcp-time"))
    )
    del cluster.store.live[("networking.k8s.io", "Ingress", "mcp-time")]
    run(cluster, [version("2", transport="http", port=9000), spec("other", image="mcp/other:2")], verify=verify)
    assert cluster.store.live[("networking.k8s.io", "NetworkPolicy", "mcp-time")].object()["spec"] == walls
    assert cluster.store.live[("", "Service", "mcp-time")].object()["spec"] == service
    assert "Ingress mcp-time" in names(cluster), "what is missing serves nobody"
    assert image_of(cluster, "mcp-other") == "mcp/other:2"
    assert cluster.forwarded == [("mcp-time.verify-x", 9000)]


def test_a_pod_that_does_not_get_ready_is_told_and_nobody_asks_it() -> None:
    cluster = FakeCluster()
    verify = Verdicts(cluster)
    run(cluster, [version("1")], verify=verify)
    (message,) = run(cluster, [version("bad")], verify=verify).errors["time"]
    assert "ImagePullBackOff" in message
    assert "orchestrator.verify holds the rollout back" in message
    assert (image_of(cluster, "mcp-time"), of_verification(cluster)) == ("mcp/time:1", set())


def test_what_keeps_a_server_from_being_verified_is_its_error_and_no_others() -> None:
    cluster = FakeCluster(refused={"mcp-time.verify"})
    verify = Verdicts(cluster, None)
    run(cluster, [version("1"), version("1", "fetch")], verify=verify)
    outcome = run(cluster, [version("2"), version("2", "fetch")], verify=verify)
    assert list(outcome.errors) == ["time"]
    assert "it cannot be verified: cannot apply NetworkPolicy mcp-time.verify" in outcome.errors["time"][0]
    assert (image_of(cluster, "mcp-time"), image_of(cluster, "mcp-fetch")) == ("mcp/time:1", "mcp/fetch:2")


def test_an_api_server_that_does_not_lead_to_pods_is_told() -> None:
    class Closed(FakeCluster):
        def forward(self, pod: str, port: int) -> None:  # type: ignore[override]
            raise ClusterError(f"cannot connect to port {port} of pod {pod}")

    cluster = Closed()
    verify = Verdicts(cluster)
    run(cluster, [version("1")], verify=verify)
    (message,) = run(cluster, [version("2")], verify=verify).errors["time"]
    assert "it cannot be verified: cannot connect to port 8000 of pod mcp-time.verify-x" in message
    assert of_verification(cluster) == set()


def test_a_value_is_in_no_error_of_a_verification() -> None:
    cluster = FakeCluster()
    verify = Verdicts(cluster, f"it says {TOKEN}")
    old, values = secretive("time", verify=True)
    run(cluster, [old], {"time": values}, verify=verify)
    new, _values = secretive("time", verify=True, image="mcp/time:2")
    (message,) = run(cluster, [new], {"time": values}, verify=verify).errors["time"]
    assert "it says" in message
    assert TOKEN not in message


def test_without_pods_that_answer_nothing_is_held_back() -> None:
    cluster = FakeCluster()
    verify = Verdicts(cluster)
    run(cluster, [version("bad")], verify=verify)
    assert not run(cluster, [version("2")], verify=verify).errors
    assert image_of(cluster, "mcp-time") == "mcp/time:2"


def test_another_number_of_pods_is_not_verified() -> None:
    cluster = FakeCluster()
    verify = Verdicts(cluster)
    run(cluster, [version("1", isolation="pooled")], verify=verify)
    world = cluster.store.live[("apps", "Deployment", "mcp-time")]
    world.change(("f:spec", "f:replicas"), 3, "kubectl-scale")
    assert not run(cluster, [version("1", isolation="pooled")], verify=verify).errors
    assert verify.asked == []


def test_check_mode_verifies_nothing() -> None:
    cluster = FakeCluster()
    verify = Verdicts(cluster)
    run(cluster, [version("1")], verify=verify)
    cluster.calls.clear()
    outcome = run(cluster, [version("2")], verify=verify, check_mode=True)
    assert [each.verb for each in outcome.actions] == ["apply"]
    assert set(cluster.calls) == {"get", "list"}


def parts(objects: dict[str, Object]) -> tuple[Object, Object]:
    policy, deployment = verification_objects(objects["Deployment"], objects["NetworkPolicy"])
    return policy, deployment


@pytest.mark.parametrize("each", list(sample_fleet(SETTINGS)), ids=lambda each: each.spec.name)
def test_nobody_chooses_a_pod_that_is_verified_and_its_walls_are_those_of_the_server(each: Workload) -> None:
    objects = {one["kind"]: one for one in render(each)[0]}
    policy, deployment = parts(objects)
    pod = deployment["spec"]["template"]
    marks = pod["metadata"]["labels"].items()
    choosing = [objects["Service"]["spec"]["selector"], objects["Deployment"]["spec"]["selector"]["matchLabels"]]
    assert not [selector for selector in choosing if selector.items() <= marks]
    assert deployment["spec"]["selector"]["matchLabels"].items() <= marks
    assert policy["spec"]["podSelector"]["matchLabels"].items() <= marks
    assert policy["spec"].get("egress") == objects["NetworkPolicy"]["spec"].get("egress")
    assert "ingress" not in policy["spec"]
    assert policy["spec"]["policyTypes"] == ["Ingress", "Egress"]
    served = objects["Deployment"]["spec"]["template"]["spec"]
    same = ("serviceAccountName", "securityContext", "volumes", "initContainers", "dnsPolicy", "hostAliases")
    assert [key for key in same if pod["spec"].get(key) != served.get(key)] == []
    (container,), (original,) = pod["spec"]["containers"], served["containers"]
    assert {**container, "lifecycle": None} == {**original, "lifecycle": None}


def test_what_a_killed_run_leaves_is_no_longer_desired() -> None:
    objects = rendered(verify=True)
    left = [
        {**each, "metadata": {**each["metadata"], "managedFields": [], "uid": "1"}}
        for each in verification_objects(objects["Deployment"], objects["NetworkPolicy"])
    ]
    planned = plan(list(objects.values()), left, "mcp")
    assert {each.key[2] for each in planned.actions if each.verb == "remove"} == {"mcp-time.verify"}


def test_two_templates_have_nothing_in_common_by_which_pods_are_chosen() -> None:
    one, other = (parts(rendered(image=f"mcp/time:{tag}"))[1]["spec"]["selector"] for tag in "12")
    assert one != other


def test_a_server_is_asked_as_on_a_host() -> None:
    http = workload(transport="http", mcp_path="/mcp", strip_prefix=False, path="/mcp/time")
    assert Question.of(http) == Question(8000, "/mcp/time/mcp", "http", "localhost:8000")
    assert Question.of(workload(transport="sse", mcp_path="/sse")).transport == "sse"


def test_only_where_one_pod_goes_first_none_can_be_beside_it() -> None:
    def one_goes(**more: object) -> bool:
        return goes_first(list(rendered(**more).values()))

    assert not one_goes()
    assert one_goes(volumes=["data:/data"])
    assert not one_goes(volumes=["data:/data:ro"])
