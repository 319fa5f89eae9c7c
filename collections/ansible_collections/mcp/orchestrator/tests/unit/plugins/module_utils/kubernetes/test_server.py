# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a server's entry becomes on Kubernetes, and what it cannot become."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.backend import desired_routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import Reference
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Image
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.fleet import render_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.server import render
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.balancer import aws_balancer
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.fleet_route import server_routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Hop
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.scenes import (
    DIGEST,
    IMAGE,
    LISTENER,
    ON_AWS,
    SETTINGS,
    cluster,
    errors_of,
    pod_of,
    rendered,
    workload,
)

ADDRESSES = ["192.0.2.7/32", "192.0.2.8/32"]


def egress_of(**more: Any) -> list[Any]:
    egress: list[Any] = rendered(**more)["NetworkPolicy"]["spec"].get("egress", [])
    return egress


def test_the_bridge_of_a_stdio_server_comes_out_of_its_image_and_runs_in_the_server_s_own() -> None:
    pod = pod_of(rendered(command=["--zone", "$(HOME)"]))
    (init,), (server,) = pod["initContainers"], pod["containers"]
    assert (init["image"], server["image"]) == ("registry.example.com/mcp/bridge:1", "mcp/time:1")
    assert server["command"][-4:] == ["--", "/bin/server", "--zone", "$$(HOME)"]
    assert {"name": "bridge", "mountPath": "/.mcp", "subPath": "runtime", "readOnly": True} in server["volumeMounts"]
    assert server["startupProbe"]["httpGet"]["path"] == "/mcp/time/health"


def test_an_http_server_runs_as_its_image_says_without_a_bridge() -> None:
    pod = pod_of(rendered(transport="http"))
    assert "initContainers" not in pod
    assert not {"command", "args"} & set(pod["containers"][0])


def test_a_server_without_a_path_for_health_is_asked_for_a_connection_and_said_so() -> None:
    objects, findings = render(workload(transport="http", health_matcher="200-499"))
    pod = pod_of({each["kind"]: each for each in objects})
    assert pod["containers"][0]["livenessProbe"]["tcpSocket"] == {"port": "http"}
    assert any("health_path" in note for note in findings.notes)


def test_a_pod_serves_until_nothing_new_comes_and_open_streams_have_ended() -> None:
    settings = replace(cluster(deregistration_lag=20), routes=Routes(deregistration_delay=40))
    pod = pod_of(rendered(settings=settings, stop_timeout=7))
    assert pod["containers"][0]["lifecycle"] == {"preStop": {"sleep": {"seconds": 60}}}
    assert pod["terminationGracePeriodSeconds"] == 67


def test_an_older_cluster_waits_with_a_program_of_the_runtime() -> None:
    hook = pod_of(rendered(settings=cluster(version="1.29")))["containers"][0]["lifecycle"]["preStop"]["exec"]
    assert hook["command"][0] == "/.mcp/ld.so"


def test_no_variable_has_its_value_in_the_pod() -> None:
    variables = pod_of(rendered(env={"TOKEN": DIGEST}))["containers"][0]["env"]
    secret = {"name": "mcp-time-env", "key": "TOKEN"}
    assert variables == [{"name": "TOKEN", "valueFrom": {"secretKeyRef": secret}}]


def test_a_pod_rolls_with_the_entry_and_with_its_values_alone() -> None:
    def marks(**more: Any) -> Any:
        found = replace(workload(env={"A": DIGEST}, **more.pop("entry", {})), **more)
        objects, _findings = render(found)
        return {each["kind"]: each for each in objects}["Deployment"]["spec"]["template"]["metadata"]["annotations"]

    first = marks(values="one")
    assert marks(values="two")["mcp_values"] != first["mcp_values"]
    assert marks(values="one", entry={"command": ["x"]})["mcp_generation"] != first["mcp_generation"]
    assert marks(values="one", entry={"priority": 7}) == first


def test_values_behind_references_are_fetched_by_the_cluster_where_it_has_a_store() -> None:
    references = {"A": Reference("ssm", "/mcp/a"), "B": Reference("secretsmanager", "x#y")}
    objects, findings = render(replace(workload(env={"A": DIGEST, "B": DIGEST, "C": DIGEST}), references=references))
    (fetched,) = (each for each in objects if each["kind"] == "ExternalSecret")
    assert fetched["spec"]["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": "parameters"}
    assert fetched["spec"]["data"] == [{"secretKey": "A", "remoteRef": {"key": "/mcp/a"}}]
    assert findings.needs == ["Secret mcp-time-env with B, C"]


def test_pods_that_share_sessions_need_the_key_of_their_ids_and_one_alone_does_not() -> None:
    one, several = workload(isolation="pooled"), workload(isolation="pooled", replicas=2)
    assert render(one)[1].needs == []
    assert render(several)[1].needs == ["Secret mcp-time-env with MCP_BRIDGE_SESSION_KEYS"]


@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"replicas": 2}, "orchestrator.replicas: '2' pods cannot serve it: with isolation per_session"),
        ({"autoscaling": {"max": 5, "cpu": 70}}, "orchestrator.replicas: '5' pods cannot serve it"),
        ({"transport": "sse", "replicas": 2}, "orchestrator.replicas: '2' pods cannot serve it: an sse client"),
        ({"user": "root"}, "--user: 'root' is root"),
        ({"user": "node"}, "--user: 'node' is no number"),
        ({"volumes": ["/srv/data:/data"]}, "volume /srv/data: is a path of a host"),
        ({"network": "backend"}, "orchestrator.network: 'backend' is a network of an engine"),
        ({"network": ["gone.example"]}, "orchestrator.network: 'gone.example' has no address"),
        ({"instance_metadata": True}, "orchestrator.instance_metadata: would give it the rights of the node"),
        ({"host_config": {"Privileged": True}}, "--privileged: no pod is privileged"),
        ({"host_config": {"CapAdd": ["NET_ADMIN"]}}, "--cap-add NET_ADMIN: pods get NET_BIND_SERVICE at most"),
        ({"host_config": {"Sysctls": {"kernel.msgmax": "1"}}}, "--sysctl kernel.msgmax: is not among those"),
        ({"host_config": {"Devices": [{}]}}, "--device: devices are for a device plugin"),
        ({"signature_key": "/etc/key.pub"}, "orchestrator.signature_key: no kubelet verifies signatures"),
        ({"auth": "jwt"}, "orchestrator.auth: 'jwt' is a load balancer's of AWS"),
        ({"conditions": [{"field": "source-ip", "values": ["10.0.0.0/8"]}]}, "orchestrator.conditions: cannot be said"),
        ({"env": {"a b": DIGEST}}, "env.a b: cannot be a key of a Secret"),
    ],
)
def test_what_a_cluster_cannot_have_is_an_error_with_the_way_out(more: dict[str, Any], reason: str) -> None:
    if more.get("network") == ["gone.example"]:
        _objects, findings = render(replace(workload(**more), addresses={}))
        (error,) = findings.errors
    else:
        (error,) = errors_of(**more)
    assert error.startswith(reason)


def test_all_that_is_wrong_is_said_at_once() -> None:
    assert len(errors_of(user="root", replicas=3, volumes=["/srv:/x"], network="foo")) == 4


def test_what_has_no_effect_there_is_noted() -> None:
    _objects, findings = render(
        workload(pids=64, restart="no", placement={"hosts": 2}, host_config={"CpuShares": 5}, labels={"a/b/c": "x"})
    )
    noted = [note.partition(": ")[0] for note in findings.notes]
    assert noted == [
        "--cpu-shares",
        "pids",
        "orchestrator.restart",
        "orchestrator.placement.hosts",
        "orchestrator.labels.a/b/c",
    ]


def test_an_image_that_a_run_has_pushed_is_named_by_its_digest_and_needs_nobody() -> None:
    settings = cluster(image_registry="registry.test/mcp")
    built = {"image": "mcp-built/time:1", "build": {"runtime": "node", "package": "time"}}
    by_hand = workload(settings=settings, **built)
    pushed = replace(by_hand, pushed="registry.test/mcp/time@sha256:1")
    assert [each.image_reference for each in (by_hand, pushed)] == ["registry.test/mcp/time:1", pushed.pushed]
    assert ["image registry" in str(render(each)[1].needs) for each in (by_hand, pushed)] == [True, False]


def test_without_an_image_for_the_bridge_no_stdio_server_can_be_exported() -> None:
    (error,) = errors_of(settings=cluster(bridge_image=""))
    assert "make bridge-image" in error
    assert not errors_of(settings=cluster(bridge_image=""), transport="http")


def test_an_image_that_is_built_on_hosts_comes_from_the_registry_of_the_settings() -> None:
    built = {"image": "mcp-built/fetch:abc", "build": {"runtime": "python", "package": "fetch"}}
    assert pod_of(rendered(**built))["containers"][0]["image"] == "registry.example.com/built/fetch:abc"
    (error,) = errors_of(settings=cluster(image_registry=""), **built)
    assert "image_registry" in error


def test_an_image_that_is_not_known_is_an_error_only_where_something_of_it_is_needed() -> None:
    unknown = replace(workload(), image=None)
    assert "docker pull" in render(unknown)[1].errors[0]
    assert not render(replace(workload(entrypoint=["/x"]), image=None))[1].errors
    assert not render(replace(workload(transport="http"), image=None))[1].errors


@pytest.mark.parametrize(
    ("said", "image", "user"),
    [
        ("5:6", "", {"runAsUser": 5, "runAsGroup": 6}),
        (None, "1000", {"runAsUser": 1000}),
        (None, "node", {"runAsUser": 10001, "runAsGroup": 10001}),
        (None, "", {"runAsUser": 10001, "runAsGroup": 10001}),
    ],
)
def test_a_server_runs_as_its_entry_its_image_or_the_settings_say_and_never_as_root(
    said: str | None, image: str, user: dict[str, int]
) -> None:
    objects, findings = render(replace(workload(user=said), image=replace(IMAGE, user=image)))
    security = pod_of({each["kind"]: each for each in objects})["securityContext"]
    assert {key: security[key] for key in ("runAsUser", "runAsGroup") if key in security} == user
    assert bool(findings.notes) == (user["runAsUser"] == 10001)


def test_a_server_of_some_hosts_reaches_their_addresses_and_asks_nobody_for_names() -> None:
    objects = rendered(network=["api.example.com"])
    policy, pod = objects["NetworkPolicy"], pod_of(objects)
    assert policy["spec"]["egress"] == [{"to": [{"ipBlock": {"cidr": each}} for each in ADDRESSES]}]
    assert policy["metadata"]["annotations"] == {"mcp_hosts": '{"api.example.com":["192.0.2.7/32","192.0.2.8/32"]}'}
    assert (pod["dnsPolicy"], pod["dnsConfig"]["nameservers"]) == ("None", ["127.0.0.1"])
    assert pod["hostAliases"][0] == {"ip": "192.0.2.7", "hostnames": ["api.example.com"]}


def test_a_server_of_no_network_reaches_nothing() -> None:
    assert egress_of(network="none") == []


def test_a_server_of_the_internet_reaches_neither_metadata_nor_the_cluster() -> None:
    (everywhere, names) = egress_of()
    ipv4, ipv6 = (each["ipBlock"] for each in everywhere["to"])
    assert {"169.254.0.0/16", "10.244.0.0/16"} <= set(ipv4["except"])
    assert {"fd00:ec2::/32", "fd12::/64"} <= set(ipv6["except"])
    assert names["to"][0]["podSelector"] == {"matchLabels": {"k8s-app": "kube-dns"}}


def test_servers_of_the_fleet_s_network_reach_each_other_and_name_servers_alone() -> None:
    objects = rendered(transport="http", network="fleet")
    peers = {"podSelector": {"matchLabels": {"mcp_fleet": "mcp", "mcp_network": "fleet"}}}
    spec = objects["NetworkPolicy"]["spec"]
    assert spec["egress"][0] == {"to": [peers]}
    assert peers in spec["ingress"][0]["from"]
    assert objects["Deployment"]["spec"]["template"]["metadata"]["labels"]["mcp_network"] == "fleet"


def test_requests_come_from_the_router_to_the_server_s_port_alone() -> None:
    settings = cluster(router_networks=("10.0.0.0/16",), router_namespace="ingress-nginx")
    (rule,) = rendered(settings=settings, transport="http")["NetworkPolicy"]["spec"]["ingress"]
    assert rule["from"][0] == {"ipBlock": {"cidr": "10.0.0.0/16"}}
    assert rule["from"][1]["namespaceSelector"]["matchLabels"] == {"kubernetes.io/metadata.name": "ingress-nginx"}
    assert rule["ports"] == [{"protocol": "TCP", "port": 8000}]


@pytest.mark.parametrize("transport", ["stdio", "http"])
def test_pods_get_into_the_target_group_that_the_hosts_of_the_fleet_use(transport: str) -> None:
    found = workload(settings=ON_AWS, transport=transport)
    objects, findings = render(found)
    binding = objects[-1]
    endpoint = Endpoint.of(found.spec, "10.0.0.7", 20000, "c", "running")
    hop = Hop(aws_balancer(ON_AWS), server_routes([endpoint], ON_AWS.routes))
    assert not findings.errors
    assert binding["spec"]["targetGroupName"] == desired_routes(hop, ON_AWS, LISTENER, "10.0.0.7").group_names["time"]
    assert binding["spec"]["multiClusterTargetGroup"] is True


def test_an_ingress_has_the_same_path_and_removes_it_as_the_settings_say() -> None:
    settings = replace(
        cluster(ingress_class="nginx", ingress_strip_path="{path}(/|$)(.*)"), routes=Routes(host_header=("a.b",))
    )
    settings = replace(settings, ingress_annotations={"x/host": "{host}", "x/path": "{path}"})
    stripped, kept = rendered("orders", settings, transport="http")["Ingress"], rendered("time", settings)["Ingress"]
    assert stripped["metadata"]["annotations"]["nginx.ingress.kubernetes.io/rewrite-target"] == "/$2"
    assert stripped["metadata"]["annotations"]["x/host"] == "localhost:8000"
    assert stripped["spec"]["rules"][0]["http"]["paths"][0]["path"] == "/mcp/orders(/|$)(.*)"
    assert kept["metadata"]["annotations"] == {"x/path": "/mcp/time"}
    (rule,) = kept["spec"]["rules"]
    assert (rule["host"], rule["http"]["paths"][0]["path"]) == ("a.b", "/mcp/time")
    (error,) = errors_of(settings=replace(settings, ingress_strip_annotations={}), transport="http")
    assert "[ingress_strip_annotations]" in error


def test_an_autoscaled_server_leaves_its_number_of_pods_to_the_autoscaler() -> None:
    objects = rendered(transport="http", replicas=2, cpus=0.5, autoscaling={"max": 6, "cpu": 60})
    scaler = objects["HorizontalPodAutoscaler"]["spec"]
    assert "replicas" not in objects["Deployment"]["spec"]
    assert (scaler["minReplicas"], scaler["maxReplicas"]) == (2, 6)
    assert scaler["metrics"][0]["resource"]["target"] == {"type": "AverageValue", "averageValue": "300m"}


def test_one_pod_alone_keeps_no_node_from_being_drained() -> None:
    assert "PodDisruptionBudget" not in rendered()
    assert rendered(transport="http", replicas=2)["PodDisruptionBudget"]["spec"]["maxUnavailable"] == 1


def test_a_claim_that_is_written_to_is_never_in_two_pods_at_once() -> None:
    objects = rendered(volumes=["data:/data"])
    assert objects["Deployment"]["spec"]["strategy"] == {"type": "Recreate"}
    assert pod_of(objects)["securityContext"]["fsGroup"] == 1000
    assert rendered(volumes=["data:/data:ro"])["Deployment"]["spec"]["strategy"]["type"] == "RollingUpdate"


def test_what_is_reserved_for_a_pod_is_the_share_of_the_settings() -> None:
    resources = pod_of(rendered(settings=cluster(cpu_request=20, memory_request=50), cpus=2, memory=2**30))[
        "containers"
    ][0]["resources"]
    assert resources == {"requests": {"cpu": "400m", "memory": "512Mi"}, "limits": {"cpu": "2", "memory": "1Gi"}}


def test_settings_by_which_nobody_could_reach_a_pod_keep_everything_from_being_written() -> None:
    made = render_fleet([workload()], cluster(router_networks=()))
    assert made.objects == {}
    assert made.errors[0].startswith("[kubernetes] router_networks: is empty")
    on_instances = replace(
        ON_AWS, aws=replace(ON_AWS.aws, target_type="instance"), routes=Routes(topology="node-router")
    )
    told = [each.partition(":")[0] for each in render_fleet([], on_instances).errors]
    assert told == ["[routes] topology", "[aws] target_type"]


def test_what_only_a_load_balancer_of_aws_can_ask_of_requests_is_an_error_of_the_settings() -> None:
    routes = Routes(host_header=("mcp-*.example.com", "*.example.com"), source_ip=("10.0.0.0/8",))
    told = render_fleet([], replace(SETTINGS, routes=routes)).errors
    assert [each.partition("; ")[0] for each in told] == [
        "[routes] host_header: 'mcp-*.example.com' cannot be the host of an Ingress",
        "[routes] source_ip: cannot be said in an Ingress",
    ]
    assert not render_fleet([], replace(ON_AWS, routes=routes)).errors


def test_two_servers_never_get_objects_of_one_name() -> None:
    made = render_fleet([workload("time"), workload("Time")], SETTINGS)
    assert len({objects[0]["metadata"]["name"] for objects in made.objects.values()}) == 2


def test_an_image_without_a_command_is_an_error() -> None:
    _objects, findings = render(replace(workload(), image=Image("sha256:2")))
    assert "neither an entrypoint nor a command" in findings.errors[0]


def test_an_operator_s_request_for_new_pods_replaces_them_once_and_a_stop_takes_them_away() -> None:
    asked = rendered(restarted="r-1")["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    assert asked["mcp_restarted"] == "r-1"
    assert "mcp_restarted" not in rendered()["Deployment"]["spec"]["template"]["metadata"]["annotations"]
    scaled = {"isolation": "pooled", "autoscaling": {"max": 5, "cpu": 60}, "replicas": 2}
    stopped = rendered(stopped="ann since noon", **scaled)
    assert stopped["Deployment"]["spec"]["replicas"] == 0
    assert "HorizontalPodAutoscaler" not in stopped
    assert "replicas" not in rendered(**scaled)["Deployment"]["spec"]
