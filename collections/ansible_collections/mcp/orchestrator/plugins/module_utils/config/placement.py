# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""On which sides a server runs: on hosts, in the cluster, or on both. Pure.

Which of the hosts is ``container/placement.py``'s to say.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.extension import KEY, Extension, placement
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.way_to_pods import way_to_pods_errors
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

HOSTS = "hosts"
CLUSTER = "cluster"
BOTH = "both"
_BY_RUNTIME = {"docker": HOSTS, "kubernetes": CLUSTER}


@dataclass(frozen=True)
class Sides:
    """Names of servers in their order. ``on_hosts`` has those that are disabled too, ``on_cluster`` has not.

    ``asks_cluster`` is whether a run has to do with the cluster at all: some server is there, or its entry says that it
    is on hosts, and perhaps it was in the cluster before.
    """

    on_hosts: tuple[str, ...]
    on_cluster: tuple[str, ...]
    asks_cluster: bool


def sides_of(specs: Sequence[Spec], settings: Settings) -> Sides:
    """Returns which servers hosts run, and which the cluster."""
    runtime = settings.service.runtime
    on_cluster = tuple(spec.name for spec in specs if spec.enabled and _side(spec, runtime) != HOSTS)
    has_left = bool(settings.kubernetes.kubeconfig) and any(said_side(spec) == HOSTS for spec in specs)
    return Sides(
        tuple(spec.name for spec in specs if _side(spec, runtime) != CLUSTER),
        on_cluster,
        runtime == "kubernetes" or bool(on_cluster) or has_left,
    )


def said_side(spec: Spec) -> str | None:
    """Returns where a server's entry says that it runs; None where it leaves that to the settings."""
    return None if spec.placement is None else spec.placement.get("on")


def _side(spec: Spec, runtime: str) -> str:
    return said_side(spec) or _BY_RUNTIME[runtime]


def check_placement(extension: Extension, settings: Settings, findings: Findings) -> None:
    """Notes why a server cannot be where its entry says."""
    said = (placement(extension) or {}).get("on")
    if said in (CLUSTER, BOTH):
        for problem in _problems(said, settings):
            findings.error(f"{KEY}.placement", f"'{said}' {problem}")


def _problems(said: str, settings: Settings) -> Iterator[str]:
    if settings.service.runtime == "docker":
        if not settings.kubernetes.kubeconfig:
            yield (
                "needs a cluster, and settings.conf names none; write kubeconfig into [kubernetes], and have an"
                " administrator run make bootstrap-kubernetes, which makes that file"
            )
        for key, message in way_to_pods_errors(settings):
            yield f"needs the settings of a cluster; settings.conf: {key}: {message}"
    if said == BOTH and not settings.aws.is_named:
        yield (
            "needs a listener in [aws] with target_type = ip, whose target groups hosts and pods share; without one an"
            " Ingress leads to pods alone, so write hosts or cluster"
        )
