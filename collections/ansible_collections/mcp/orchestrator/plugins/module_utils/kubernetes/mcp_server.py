# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server as a resource of SIG Apps' MCP lifecycle operator, where that can say all that matters. Pure.

The schema is ``api/v1beta1/mcpserver_types.go`` of https://github.com/kubernetes-sigs/mcp-lifecycle-operator. Of one
MCPServer the operator makes a Deployment, a Service and a NetworkPolicy of the same name. It knows HTTP servers that
start as their image says, folders in memory or on the node, and a fixed number of pods.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.container_body import LONGEST_START, bridged
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.network_policy import NAMESPACE_LABEL
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload

API_VERSION = "mcp.x-k8s.io/v1beta1"
OPERATOR_NAMESPACE = "mcp-lifecycle-operator-system"
LOST = (
    "the operator has no startup probe, no hook and no spread: a pod that ends may lose requests, and all may be on one"
    " node"
)
_REPLACED = ("Deployment", "NetworkPolicy", "Service")
# What a reference has to have by the validation of the resource: a name with a slash, and a tag or a digest.
_IMAGE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+(:[\w][\w.-]{0,126}|@.+)")
_PLAIN_FIELDS = ("dnsConfig", "dnsPolicy", "hostAliases", "hostname")
_SAFE_VOLUME = "emptyDir"
_ITS_LABELS = ("app", "mcp-server")


def operated(workload: Workload, objects: Sequence[Object]) -> tuple[list[Object], list[str]]:
    """Returns the objects of a server with an MCPServer in place of those that the operator makes.

    Where an MCPServer cannot say what the server needs, they are the given ones; the reasons are returned beside them.
    """
    by_kind = {each["kind"]: each for each in objects}
    reasons = list(_reasons(workload, by_kind))
    if reasons:
        return list(objects), reasons
    made = workload.object(API_VERSION, "MCPServer", spec=_spec(workload, by_kind))
    kept = [_to_its_service(each, workload) for each in objects if each["kind"] not in _REPLACED]
    return [kept[0], made, *kept[1:]], []


def _reasons(workload: Workload, by_kind: dict[str, Object]) -> Iterator[str]:
    spec = workload.spec
    pod, container = _pod(by_kind)
    if bridged(spec):
        yield "it takes no stdio server"
        return
    if "command" in container:
        yield "it takes no entrypoint"
    if "workingDir" in container:
        yield "it takes no working directory"
    if "" in container.get("args", ()):
        yield "it takes no empty argument"
    if not _IMAGE.fullmatch(container["image"]):
        yield "it takes an image with a name behind a slash, and a tag or a digest"
    if any(_SAFE_VOLUME not in each for each in pod.get("volumes", ())):
        yield "it takes no claims"
    if any(each in pod for each in _PLAIN_FIELDS):
        yield "it leaves look-ups of names to the cluster"
    if len(pod["nodeSelector"]) > 1:
        yield "it takes no platform"
    if spec.autoscaling:
        yield "it has a fixed number of pods"
    if len(_name_servers(by_kind)) != 1:
        yield "it takes one network of name servers"


def _pod(by_kind: dict[str, Object]) -> tuple[Object, Object]:
    pod: Object = by_kind["Deployment"]["spec"]["template"]["spec"]
    return pod, pod["containers"][0]


def _name_servers(by_kind: dict[str, Object]) -> list[Object]:
    egress = by_kind["NetworkPolicy"]["spec"].get("egress", [])
    return list(egress[1]["to"]) if len(egress) > 1 else []


def _spec(workload: Workload, by_kind: dict[str, Object]) -> Object:
    pod, container = _pod(by_kind)
    template = by_kind["Deployment"]["spec"]["template"]["metadata"]
    config: dict[str, Any] = {
        "port": workload.port,
        "path": f"{'' if workload.spec.strip_prefix else workload.spec.path}{workload.spec.mcp_path}",
        "arguments": container.get("args"),
        "env": container.get("env"),
        "storage": _storage(pod, container),
    }
    image = {"ref": container["image"], "pullPolicy": container["imagePullPolicy"]}
    return {
        "extraLabels": {key: text for key, text in template["labels"].items() if key not in _ITS_LABELS},
        "extraAnnotations": template["annotations"],
        "source": {"type": "ContainerImage", "containerImage": image},
        "config": {key: value for key, value in config.items() if value},
        "runtime": {
            "replicas": workload.spec.replicas,
            "security": {
                "serviceAccountName": workload.name,
                "podSecurityContext": pod["securityContext"],
                "securityContext": container["securityContext"],
            },
            "resources": container["resources"],
            "health": _health(workload, container),
        },
        "network": _network(by_kind),
    }


def _storage(pod: Object, container: Object) -> list[Object]:
    volumes = {each["name"]: each[_SAFE_VOLUME] for each in pod.get("volumes", ())}
    return [
        {
            "path": mount["mountPath"],
            "permissions": "ReadWrite",
            "source": {"type": "EmptyDir", "emptyDir": volumes[mount["name"]]},
        }
        for mount in container.get("volumeMounts", ())
    ]


def _health(workload: Workload, container: Object) -> Object:
    """The probes, at the port's number. Without a startup probe a server may not answer for as long as it may start."""
    readiness, liveness = container["readinessProbe"], container["livenessProbe"]
    patience = {"failureThreshold": LONGEST_START // liveness["periodSeconds"]}
    return {
        "readinessProbe": _at_port(readiness, workload.port),
        "livenessProbe": {**_at_port(liveness, workload.port), **patience},
    }


def _at_port(probe: Object, port: int | None) -> Object:
    return {key: {**value, "port": port} if isinstance(value, dict) else value for key, value in probe.items()}


def _network(by_kind: dict[str, Object]) -> Object:
    """The same walls. The operator itself asks the server, so it is let in too."""
    policy = by_kind["NetworkPolicy"]["spec"]
    operator = {"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: OPERATOR_NAMESPACE}}}
    return {
        "ingressFrom": [*policy["ingress"][0]["from"], operator],
        "egressTo": policy["egress"][0]["to"],
        "dnsEgressPeer": _name_servers(by_kind)[0],
    }


def _to_its_service(each: Object, workload: Workload) -> Object:
    """An Ingress names the port by its number: the operator's Service calls it otherwise."""
    if each["kind"] != "Ingress":
        return each
    rules = [
        {**rule, "http": {"paths": [_numbered(path, workload) for path in rule["http"]["paths"]]}}
        for rule in each["spec"]["rules"]
    ]
    return {**each, "spec": {**each["spec"], "rules": rules}}


def _numbered(path: Object, workload: Workload) -> Object:
    return {**path, "backend": {"service": {"name": workload.name, "port": {"number": workload.port}}}}
