# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a server's pods may connect to, and who to them (https://kubernetes.io/docs/concepts/services-networking/network-policies/).

What is not allowed is denied, in both directions. A policy knows addresses and pods, no names: those of hosts are
looked up when it is made, as on Docker. The node of a pod reaches it whatever a policy says.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Sequence
from functools import lru_cache

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.addresses import RESERVED, RESERVED_IPV6
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.egress import literal
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import names
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object, Workload

_EVERYWHERE = (("0.0.0.0/0", RESERVED), ("::/0", RESERVED_IPV6))
NAMESPACE_LABEL = "kubernetes.io/metadata.name"
NAMED_NAMESPACES = (1, 22)
"""The version from which every namespace bears its name as a label."""


def network_policy(workload: Workload, findings: Findings) -> Object:
    """Returns the NetworkPolicy of a server's pods."""
    egress = _egress(workload, findings)
    made = workload.object(
        "networking.k8s.io/v1",
        "NetworkPolicy",
        spec={
            "podSelector": {"matchLabels": workload.selector},
            "policyTypes": ["Ingress", "Egress"],
            "ingress": _ingress(workload),
            # The API server keeps no empty list, and takes one for a change each time.
            **({"egress": egress} if egress else {}),
        },
    )
    named = {host: list(found) for host, found in sorted(workload.addresses.items()) if literal(host) is None}
    if named:
        made["metadata"].setdefault("annotations", {})[names.HOSTS] = json.dumps(named, separators=(",", ":"))
    return made


def _ingress(workload: Workload) -> list[Object]:
    cluster = workload.cluster
    routers = [_block(each) for each in cluster.router_networks]
    if cluster.router_namespace:
        routers.append({"namespaceSelector": {"matchLabels": {NAMESPACE_LABEL: cluster.router_namespace}}})
    peers = [_peers(workload)] if workload.spec.egress.kind is EgressKind.FLEET else []
    # A number: not every enforcer of policies knows names of ports.
    return [{"from": [*routers, *peers], "ports": [{"protocol": "TCP", "port": workload.port or 1}]}]


def _egress(workload: Workload, findings: Findings) -> list[Object]:
    egress = workload.spec.egress
    if egress.instance_metadata:
        findings.error(
            "orchestrator.instance_metadata",
            "would give it the rights of the node; remove it, and give a role to its ServiceAccount"
            f" {workload.name} in {workload.cluster.namespace} (on EKS by IRSA; Pod Identity's address is closed)",
        )
    if egress.kind is EgressKind.ENGINE:
        findings.error(
            "orchestrator.network",
            f"'{egress.engine_network}' is a network of an engine, and a cluster has none; write internet, none, fleet"
            " or a list of hosts",
        )
    if egress.kind is EgressKind.HOSTS:
        return _hosts(workload, findings)
    if egress.kind is EgressKind.FLEET:
        findings.note(
            "orchestrator.network",
            f"fleet: others reach it as {workload.name}:{workload.port}, and it asks the cluster for names, by which"
            " data can leave it",
        )
        return [{"to": [_peers(workload)]}, _name_servers(workload)]
    if egress.kind is EgressKind.INTERNET:
        everywhere = _everywhere(tuple(workload.cluster.cluster_networks))
        blocks = [{"ipBlock": {"cidr": cidr, "except": list(closed)}} for cidr, closed in everywhere]
        return [{"to": blocks}, _name_servers(workload)]
    return []


def _hosts(workload: Workload, findings: Findings) -> list[Object]:
    found: list[str] = []
    for host in sorted(workload.spec.egress.hosts):
        addresses = workload.addresses.get(host, ())
        if not addresses:
            findings.error(
                "orchestrator.network",
                f"'{host}' has no address on the internet now; correct the name, write its address, or export again",
            )
        found += addresses
    if any(literal(host) is None for host in workload.spec.egress.hosts):
        findings.note(
            "orchestrator.network", "its hosts have the addresses of this export; export again when they move"
        )
    return [{"to": [_block(each) for each in dict.fromkeys(found)]}] if found else []


@lru_cache(maxsize=1)
def _everywhere(cluster_networks: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The internet as ranges, each with those in it that are closed: the same for all servers of a fleet."""
    closed = [ipaddress.ip_network(each) for each in cluster_networks]
    found = []
    for cidr, reserved in _EVERYWHERE:
        version = ipaddress.ip_network(cidr).version
        own = [str(each) for each in closed if each.version == version]
        found.append((cidr, list(dict.fromkeys([*reserved, *own]))))
    return found


def _name_servers(workload: Workload) -> Object:
    to: list[Object]
    if workload.cluster.name_servers:
        to = [_block(each) for each in workload.cluster.name_servers]
    else:
        is_named = workload.cluster.version_number >= NAMED_NAMESPACES
        namespace: Object = {"matchLabels": {NAMESPACE_LABEL: "kube-system"}} if is_named else {}
        to = [{"namespaceSelector": namespace, "podSelector": {"matchLabels": {"k8s-app": "kube-dns"}}}]
    return {"to": to, "ports": [{"protocol": protocol, "port": 53} for protocol in ("UDP", "TCP")]}


def _peers(workload: Workload) -> Object:
    return {"podSelector": {"matchLabels": {labels.FLEET: workload.fleet, names.NETWORK: "fleet"}}}


def _block(cidr: str) -> Object:
    return {"ipBlock": {"cidr": cidr}}
