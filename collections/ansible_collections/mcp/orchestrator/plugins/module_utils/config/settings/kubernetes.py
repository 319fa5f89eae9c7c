# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[kubernetes]: the cluster where the fleet runs, or for which make export-k8s writes objects."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import Reader, setting
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import (
    matching,
    network,
    number,
    one_of,
    several,
    switch,
)

OLDEST = (1, 20)
TARGET_GROUP_BINDINGS = ("elbv2.k8s.aws/v1beta1", "eks.amazonaws.com/v1")
PLACEHOLDERS = ("{path}", "{host}")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_IMAGE = r"[a-z0-9]([A-Za-z0-9._/:@-]*[A-Za-z0-9])?"
_STORE = r"((Cluster)?SecretStore/)?[a-z0-9]([a-z0-9.-]*[a-z0-9])?"


def _version(text: str) -> str:
    match = re.fullmatch(r"([0-9]+)\.([0-9]+)", text)
    if not match or (int(match[1]), int(match[2])) < OLDEST:
        raise ValueError(f"is not a version from {OLDEST[0]}.{OLDEST[1]} on; write for example 1.34")
    return text


_STORE_NAME = matching(_STORE, "the name of a store; write NAME, SecretStore/NAME or ClusterSecretStore/NAME")


@dataclass(frozen=True)
class Kubernetes:
    """Where the fleet's objects are to live. Times are in seconds, shares in percent."""

    namespace: str = setting(
        "mcp", matching(_LABEL, "the name of a namespace; use small letters, digits and '-'"), "The fleet's namespace."
    )
    kubeconfig: str = setting(
        "",
        matching(r"/\S*", "an absolute path"),
        "With runtime = kubernetes: the file by which the cluster is reached, as kubectl takes it.",
        empty="that of the pod in which the run is, else KUBECONFIG or ~/.kube/config",
    )
    context: str = setting(
        "",
        matching(r"\S+", "the name of a context"),
        "The context of the kubeconfig.",
        empty="its current context",
    )
    secrets: str = setting(
        "made",
        one_of("made", "existing"),
        "With runtime = kubernetes: whether the Secret of each server is made with the values of the config, or exists"
        " as mcp-NAME-env.",
    )
    repair_drift: bool = setting(
        True,
        switch,
        "With runtime = kubernetes: whether fields that somebody else has changed are changed back. Otherwise they are"
        " told and stay.",
    )
    rollout_timeout: int = setting(
        300,
        number(10, 3600),
        "With runtime = kubernetes: seconds that the new pods of a server have to get ready, images pulled included."
        " Then the former ones are desired again.",
    )
    version: str = setting(
        "1.30",
        Reader(_version, "a version from 1.20 on, for example 1.34"),
        "The oldest version of Kubernetes that has to take the objects.",
    )
    bridge_image: str = setting(
        "",
        matching(_IMAGE, "the reference of an image"),
        "The image from which pods of stdio servers get the bridge, as the cluster pulls it. make bridge-image builds"
        " it.",
        empty="none: stdio servers cannot be exported",
    )
    image_registry: str = setting(
        "",
        matching(_IMAGE, "the first part of an image's name; write for example registry.example.com/mcp"),
        "Where images of npx and uvx servers are for the cluster, for example registry.example.com/mcp. Runs build and"
        " push them, with the engine's login of root; an export expects them there.",
        empty="nowhere: the cluster cannot run such servers",
    )
    run_as_user: int = setting(
        10001,
        number(1, 2**31 - 1),
        "The user of a server whose entry names none, and whose image runs as root or names its user by a word.",
    )
    cpu_request: int = setting(10, number(1, 100), "The share of its cpus that is reserved for a pod, in percent.")
    memory_request: int = setting(
        100, number(1, 100), "The share of its memory that is reserved for a pod, in percent."
    )
    router_networks: tuple[str, ...] = setting(
        (),
        several(network),
        "From where requests come to pods: for an ALB the networks of its subnets.",
        empty="none; then router_namespace has to be set",
    )
    router_namespace: str = setting(
        "",
        matching(_LABEL, "the name of a namespace"),
        "The namespace of the Ingress controller, from which requests come to pods.",
        empty="none; then router_networks has to be set",
    )
    cluster_networks: tuple[str, ...] = setting(
        (),
        several(network),
        "The cluster's networks of pods and of services, to which servers with network internet may not connect.",
        empty="they may connect to whatever pod takes it",
    )
    name_servers: tuple[str, ...] = setting(
        (),
        several(network),
        "Where pods ask for names, for example 169.254.20.10/32 with NodeLocal DNSCache.",
        empty="the pods with the label k8s-app=kube-dns in kube-system",
    )
    deregistration_lag: int = setting(
        15,
        number(0, 600),
        "Seconds that may pass until the load balancer sends nothing new to a pod that ends. It serves for as long, and"
        " for [routes] deregistration_delay after that.",
    )
    target_group_binding: str = setting(
        TARGET_GROUP_BINDINGS[0],
        one_of(*TARGET_GROUP_BINDINGS),
        "With a listener in [aws]: whose TargetGroupBinding brings pods into target groups, that of the AWS Load"
        " Balancer Controller or of EKS Auto Mode.",
    )
    ingress_class: str = setting(
        "",
        matching(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?", "the name of an IngressClass"),
        "Without a listener in [aws]: the class of the Ingress of each server.",
        empty="the cluster's default",
    )
    ingress_strip_path: str = setting(
        "",
        matching(r"\{path\}\S*", "a path with {path} in front"),
        "The path of the Ingress of a server that does not know its prefix, where the controller removes that by a"
        " regular expression, for example {path}(/|$)(.*). What else it needs goes into [ingress_strip_annotations].",
        empty="the prefix itself",
    )
    public_url: str = setting(
        "",
        matching(r"https?://[A-Za-z0-9.:\[\]-]+", "an address without a path, for example https://mcp.example.com"),
        "With runtime = kubernetes and without a listener in [aws]: where clients reach the Ingress controller. The"
        " page then has the servers' addresses, and each run asks them for their tools.",
        empty="not known: whether a server answers is what its pods' probes say",
    )
    ssm_store: str = setting(
        "",
        _STORE_NAME,
        "The store of External Secrets by which the cluster reads what ${ssm:…} names.",
        empty="such values have to be in the server's Secret",
    )
    secretsmanager_store: str = setting(
        "",
        _STORE_NAME,
        "The store of External Secrets by which the cluster reads what ${secretsmanager:…} names.",
        empty="such values have to be in the server's Secret",
    )

    @property
    def version_number(self) -> tuple[int, int]:
        """The version as numbers, which compare."""
        major, _dot, minor = self.version.partition(".")
        return int(major), int(minor)


def annotation_errors(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with the annotations of Ingresses: the key, and why."""
    for name in given:
        prefix, slash, last = name.rpartition("/")
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?", last) or (
            slash and not re.fullmatch(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?", prefix)
        ):
            yield name, "is not the name of an annotation; write PREFIX/NAME as the controller documents it"
