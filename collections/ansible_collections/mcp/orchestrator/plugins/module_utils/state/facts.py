# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the steps of a run found out, joined by the names of the servers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.state.step import Step, StepError
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import text, texts, word

# The actions by which a container comes to be.
_CREATIONS = ("create", "recreate")


class RunFacts:
    """What the steps of a run say about each server, by its name.

    Attributes:
        steps: the steps by name; Step says what their results hold.
        specs: each server's spec, as Spec.to_dict gives it.
        remotes: each remote server, as Remote.to_dict gives it, with ``client`` and ``left_out``.
        clients: what a server's entry tells clients beside the address.
        overrides: what operators have asked for: who, when and by which request, as config_info returns it.
        packages: the built image's package, version and digest.
        notes: what of a server's entry was ignored or decided, and why.
        shadows: which rules of others on the load balancer match a server's path as well.
        on_cluster: what each server needs in the cluster beside its objects, and what is different there than on a
            host; under an empty name what concerns all.
        endpoints: where each server answers on this host, as Endpoint.to_dict gives it, with the name that its
            container has at the end of the run.
        routes: mcp_url, where clients speak MCP with it, and rule_arn, target_group_arn and priority of its route.
        reports: what its probe met, as probe/fleet.py reports it, where nobody asked it what the kubelet's did; those
            of remote servers too.
        had_tools: the names of the tools that each server offered when it last offered some.
        errors: the errors of the run that are about this server.
        retries: why and until when another try of a server waits, as postponed of the containers' step says it.
        hosts: the names of those that run each server.
        draining: the replaced containers of each server that stay for their sessions: container and sessions.
        new: the servers whose containers this run makes, or in check mode would make.
    """

    def __init__(
        self,
        steps: Mapping[str, Step],
        errors: Iterable[StepError],
        had_tools: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.steps = steps
        self.had_tools = dict(had_tools or {})
        self.specs = steps["config"].by_name("servers")
        self.remotes = steps["config"].by_name("remotes")
        self.clients = steps["config"].table("clients")
        self.overrides = steps["config"].table("overrides")
        self.packages = {
            name: image
            for image in (steps["images"].members("images") if "images" in steps else [])
            for name in texts(image.get("servers")) or []
        }
        self.notes = steps["config"].table("explain")
        self.shadows = steps["routes"].table("shadows")
        workloads = steps.get("workloads", Step("workloads", {}))
        self.on_cluster: dict[str, list[str]] = {}
        for key, words in (("needs", "needs "), ("notes", "")):
            for each in workloads.members(key):
                told = f"{words}{text(each.get('message')) or ''}"
                self.on_cluster.setdefault(word(each.get("server")) or "", []).append(told)
        self.hosts = steps["containers"].table("hosts_by_server")
        self.endpoints = endpoints_of(steps)
        self.routes = {**workloads.by_name("routes"), **steps["routes"].by_name("routes")}
        self.reports = {
            **workloads.by_name("readiness"),
            **steps["probe"].by_name("remotes"),
            **steps["probe"].by_name("servers"),
        }
        self.errors: dict[str, list[StepError]] = {}
        for error in errors:
            if error.server is not None:
                self.errors.setdefault(error.server, []).append(error)
        both = (steps["containers"], workloads)
        self.retries = {word(each.get("server")): each for step in both for each in step.members("postponed")}
        self.draining: dict[str, list[dict[str, Any]]] = {}
        for each in steps["retire"].members("draining"):
            self.draining.setdefault(word(each.get("server")) or "", []).append(each)
        self.new = {
            word(action.get("server"))
            for step in both
            for action in step.members("actions")
            if action.get("action") in _CREATIONS
        }

    @property
    def names(self) -> set[str]:
        """Every server that the config holds, be its entry right or wrong."""
        return set(self.specs) | {
            name for name, errors in self.errors.items() if any(error.step == "config" for error in errors)
        }


def endpoints_of(steps: Mapping[str, Step]) -> dict[str, dict[str, Any]]:
    """Returns the endpoints by server, of both sides where a server is on a host and in the cluster.

    A container has the name that retiring gave it, where it did.
    """
    renamed = {
        action.get("container"): action.get("target")
        for action in steps["retire"].members("actions")
        if action.get("action") == "rename" and isinstance(action.get("container"), str)
    }
    here = steps["containers"].by_name("endpoints")
    told = {name: _renamed(endpoint, renamed) for name, endpoint in here.items()}
    for name, endpoint in steps["workloads"].by_name("endpoints").items() if "workloads" in steps else ():
        told[name] = _both(told[name], endpoint) if name in told else endpoint
    return told


def _both(here: dict[str, Any], in_cluster: Mapping[str, Any]) -> dict[str, Any]:
    """What is known of a server on both sides: it runs where one of them does."""
    states = (here.get("state"), in_cluster.get("state"))
    state = next((each for each in ("running", "failed", "planned") if each in states), states[0])
    return {**here, "state": state, "workload": in_cluster.get("workload")}


def _renamed(endpoint: dict[str, Any], renamed: Mapping[Any, Any]) -> dict[str, Any]:
    identity = endpoint.get("container")
    new = renamed.get(identity) if isinstance(identity, str) else None
    return endpoint if new is None else {**endpoint, "container_name": new}
