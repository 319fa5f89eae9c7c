# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One server's entry in the state file. What readers would otherwise decide for themselves is decided here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client.entry import hosted_entry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec_text import (
    limits_text,
    transport_text,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.condition import Condition, condition_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.facts import RunFacts
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.health import health_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.text import (
    moment,
    number,
    one_of,
    texts,
    whole,
    word,
)

SHORT_ID = 12


def server_entry(name: str, facts: RunFacts) -> dict[str, Any]:
    """Returns one server's entry in the state file, as files/state.schema.json describes it."""
    spec = facts.specs.get(name, {})
    endpoint = facts.endpoints.get(name, {})
    desired = _desired(name, facts)
    observed = _observed(name, desired, facts)
    route = _route(facts.routes.get(name))
    health = health_of(facts.reports.get(name), is_disabled=desired == "disabled")
    error = "; ".join(each.message for each in facts.errors.get(name, [])) or None
    retry = _retry(facts.retries.get(name))
    condition = condition_of(
        desired=desired,
        observed=observed,
        status=health["status"],
        has_error=error is not None,
        is_new=name in facts.new,
        on_other_hosts=_is_on_other_hosts(name, facts),
        in_cluster=_is_in_cluster(name, facts),
        quarantined=retry is not None and retry["quarantined"],
    )
    draining = _draining(facts.draining.get(name, []))
    described = {**_config_of(spec), "condition": condition.name, "severity": condition.severity}
    return {
        "name": name,
        "desired": desired,
        "observed": observed,
        **described,
        "text": {
            **_text(_said(condition, health, spec, retry), described, draining),
            "where": _where(endpoint, texts(facts.hosts.get(name))),
        },
        "group": word(spec.get("group")),
        "hosts": texts(facts.hosts.get(name)),
        "template": word(spec.get("template")),
        "headers": texts(spec.get("client_headers")) or [],
        "override": _override(facts.overrides.get(name)),
        "package": _package(facts.packages.get(name), spec.get("build")),
        "generation": word(endpoint.get("generation")) or word(spec.get("generation")),
        "container": container_of(endpoint),
        "replicas": _replicas(spec, endpoint),
        "draining": draining,
        "requires": _requires(spec, endpoint, observed),
        "endpoint": _address(endpoint),
        "route": route,
        "health": health,
        "exceptions": texts(endpoint.get("exceptions")) or [],
        "notes": [
            *(texts(facts.notes.get(name)) or []),
            *(texts(facts.shadows.get(name)) or []),
            *facts.on_cluster.get(name, []),
            *_log_of_pods(endpoint),
        ],
        "client": _client(name, spec, route, facts) if desired == "running" else None,
        "error": error,
        "retry": retry,
        "since": None,
    }


def container_of(endpoint: Mapping[str, Any]) -> dict[str, Any] | None:
    """Returns the container behind an endpoint, where there is none the Deployment: its id, its name, and the command
    that shows its log."""
    workload = _workload(endpoint)
    if workload and word(endpoint.get("container")) is None:
        deployment = word(workload.get("name")) or ""
        return {"id": f"deployment/{deployment}", "name": deployment, "logs": word(workload.get("logs")) or ""}
    identity, name = word(endpoint.get("container")), word(endpoint.get("container_name"))
    if identity is None:
        return None
    return {"id": identity, "name": name, "logs": f"docker logs {name or identity[:SHORT_ID]}"}


def _config_of(spec: Mapping[str, Any]) -> dict[str, Any]:
    """What the entry asks for; all null where it is wrong."""
    return {
        "image": word(spec.get("image")),
        "command": texts(spec.get("command")),
        "transport": one_of(spec.get("transport"), ("stdio", "http", "sse")),
        "port": whole(spec.get("port"), 1, 65535),
        "path": word(spec.get("path")),
        "limits": _limits(spec) if spec else None,
        "network": _network(spec) if spec else None,
    }


def _replicas(spec: Mapping[str, Any], endpoint: Mapping[str, Any]) -> dict[str, int] | None:
    """How many containers are to serve here, how many pods in the cluster, together where both do, and how many serve;
    None where its entry is wrong."""
    desired = whole(spec.get("replicas", 1), 1, 2**31) if spec else None
    if desired is None:
        return None
    ports = endpoint.get("ports")
    serving = len(ports) if isinstance(ports, (list, tuple)) and endpoint.get("state") == "running" else 0
    if not _workload(endpoint):
        return {"desired": desired, "serving": serving}
    wanted, ready = _pods(endpoint)
    here = desired if word(endpoint.get("container")) is not None else 0
    return {"desired": here + max(desired, wanted), "serving": serving + ready}


def _log_of_pods(endpoint: Mapping[str, Any]) -> list[str]:
    """How the log of a server's pods is shown, where a container on this host has one as well."""
    logs = word(_workload(endpoint).get("logs")) if word(endpoint.get("container")) is not None else None
    return [f"the log of its pods is shown by: {logs}"] if logs else []


def _pods(endpoint: Mapping[str, Any]) -> tuple[int, int]:
    """How many pods are desired, and how many are ready."""
    desired, ready = (whole(_workload(endpoint).get(key), 0, 2**31) or 0 for key in ("desired", "ready"))
    return desired, ready


def _where(endpoint: Mapping[str, Any], hosts: Sequence[str] | None) -> str | None:
    """On how many hosts and in how many pods a server runs that is in the cluster, as people read it."""
    if not _workload(endpoint):
        return None
    desired, ready = _pods(endpoint)
    count = str(desired) if ready == desired else f"{ready} of {desired}"
    pods = f"{count} pod{'' if desired == 1 else 's'}"
    on = max(len(hosts or ()), 1 if word(endpoint.get("container")) is not None else 0)
    return f"{on} host{'' if on == 1 else 's'}, {pods}" if on else pods


def _workload(endpoint: Mapping[str, Any]) -> Mapping[str, Any]:
    found = endpoint.get("workload")
    return found if isinstance(found, Mapping) else {}


def _requires(spec: Mapping[str, Any], endpoint: Mapping[str, Any], observed: str) -> list[dict[str, Any]]:
    """What it needs beside itself, in the order in which that starts; it is stopped with the server."""
    told = _tables(endpoint.get("requires"))
    if not told and observed == "stopped":
        prefix = f"{spec.get('name')}."
        told = [
            {**each, "name": (word(each.get("name")) or "").removeprefix(prefix), "state": "stopped"}
            for each in _tables(spec.get("requires"))
        ]
    return [
        {
            "name": word(each.get("name")),
            "image": word(each.get("image")),
            "condition": one_of(each.get("condition"), ("started", "healthy", "completed")),
            "state": word(each.get("state")),
            "container": container_of(each),
        }
        for each in told
    ]


def _tables(said: Any) -> list[Mapping[str, Any]]:
    return [each for each in said if isinstance(each, Mapping)] if isinstance(said, (list, tuple)) else []


def _draining(containers: Sequence[Mapping[str, Any]]) -> dict[str, int] | None:
    """What is left of replaced containers: how many there are, and the sessions that they finish."""
    if not containers:
        return None
    sessions = sum(whole(each.get("sessions"), 0, 2**31) or 0 for each in containers)
    return {"containers": len(containers), "sessions": sessions}


def _retry(postponed: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """How often a server has failed in a row, and when it is tried again; None where nothing keeps it waiting."""
    next_try = moment(postponed.get("next_try")) if postponed is not None else None
    if postponed is None or next_try is None:
        return None
    return {
        "failures": whole(postponed.get("count"), 1, 2**31),
        "quarantined": postponed.get("quarantined") is True,
        "next_try": next_try,
    }


def _said(
    condition: Condition, health: Mapping[str, Any], spec: Mapping[str, Any], retry: Mapping[str, Any] | None
) -> str:
    """The condition for people.

    With when one that sleeps was last seen answering, who stopped one that is stopped, and when one that has failed is
    tried again.
    """
    if retry is not None and condition.name in ("failing", "quarantined", "degraded"):
        return f"{condition.text}, next try {retry['next_try'][11:16]} UTC"
    if condition.name == "asleep":
        return str(health["reason"] or condition.text)
    by = word(spec.get("stopped")) if condition.name == "stopped" else None
    return f"{condition.text} {by}" if by else condition.text


def _override(said: Any) -> dict[str, Any] | None:
    """What an operator has asked for on top of the config: who, when, and by which request."""
    if not isinstance(said, Mapping) or not said:
        return None
    return {key: _mark(said.get(key)) for key in ("stopped", "restarted")}


def _mark(said: Any) -> dict[str, Any] | None:
    if not isinstance(said, Mapping):
        return None
    return {"by": word(said.get("by")), "at": moment(said.get("at")), "request": word(said.get("request"))}


def _text(condition: str, entry: Mapping[str, Any], draining: Mapping[str, int] | None) -> dict[str, str | None]:
    """The entry's values as people read them."""
    limits = entry["limits"]
    left = draining["sessions"] if draining is not None else 0
    plural = "" if left == 1 else "s"
    known = limits is not None and None not in limits.values()
    return {
        "condition": condition if draining is None else f"{condition}, draining: {left} session{plural}",
        "transport": transport_text(entry["transport"], entry["port"]) if entry["transport"] else None,
        "limits": limits_text(limits["memory"], limits["cpus"], limits["pids"]) if known else None,
        "network": Egress.from_plain(entry["network"]).description if entry["network"] is not None else None,
    }


def _package(built: Mapping[str, Any] | None, recipe: Any) -> dict[str, Any] | None:
    """What was installed into a server's image, or what was to be."""
    told = built if built is not None else recipe if isinstance(recipe, dict) else None
    if told is None:
        return None
    version = (word(told.get("version")) or "").removeprefix("==") or None
    return {"name": word(told.get("package")), "version": version, "digest": word(told.get("digest"))}


def _limits(spec: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "memory": whole(spec.get("memory"), 1, 2**63),
        "cpus": number(spec.get("cpus")),
        "pids": whole(spec.get("pids"), 1, 2**31),
    }


def _network(spec: Mapping[str, Any]) -> str | list[str]:
    said = spec.get("network")
    hosts = texts(said)
    # A list without a host leads nowhere.
    return (word(said) or "internet") if hosts is None else hosts


def _client(
    name: str, spec: Mapping[str, Any], route: Mapping[str, Any] | None, facts: RunFacts
) -> dict[str, Any] | None:
    if route is None or route["url"] is None:
        return None
    said = facts.clients.get(name)
    return hosted_entry(str(spec.get("transport")), route["url"], said if isinstance(said, dict) else {})


def _desired(name: str, facts: RunFacts) -> str:
    if name not in facts.specs:
        return "invalid"
    return "running" if facts.specs[name].get("enabled", True) else "disabled"


def _observed(name: str, desired: str, facts: RunFacts) -> str:
    """What is known of the server's container; ``unknown`` when no step came so far as to look."""
    state = one_of(facts.endpoints.get(name, {}).get("state"), ("running", "failed", "stopped", "absent", "planned"))
    if state is not None:
        return "absent" if state == "planned" else state
    if _is_on_other_hosts(name, facts) or _is_in_cluster(name, facts):
        return "absent"
    failed = any(error.step in ("containers", "workloads", "retire", "leave") for error in facts.errors.get(name, []))
    if desired == "running":
        return "failed" if failed else "unknown"
    # Nothing superseded, and the step to take it away is spared.
    settled = facts.steps["containers"].result.get("retire_needed") is False
    if failed or not (facts.steps["retire"].completed or settled):
        return "unknown"
    return "stopped" if desired == "disabled" else "absent"


def _is_on_other_hosts(name: str, facts: RunFacts) -> bool:
    """Whether its placement gives the server to other hosts of the fleet."""
    return name in (texts(facts.steps["containers"].result.get("on_other_hosts")) or [])


def _is_in_cluster(name: str, facts: RunFacts) -> bool:
    """Whether the cluster runs the server, and another host speaks to it."""
    workloads = facts.steps.get("workloads")
    return workloads is not None and name in (texts(workloads.result.get("on_other_hosts")) or [])


def _address(endpoint: Mapping[str, Any]) -> dict[str, Any] | None:
    port = whole(endpoint.get("port"), 1, 65535)
    if port is None:
        return None
    return {"address": word(endpoint.get("address")), "port": port, "url": word(endpoint.get("url"))}


def _route(route: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if route is None:
        return None
    return {
        "url": word(route.get("mcp_url")),
        "rule_arn": word(route.get("rule_arn")),
        "target_group_arn": word(route.get("target_group_arn")),
        "priority": whole(route.get("priority"), 1, 50000),
    }
