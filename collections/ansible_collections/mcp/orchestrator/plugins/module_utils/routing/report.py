# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run tells of its routes: the hops' results as one, with the addresses that clients and the probe call."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.endpoint import Endpoint
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.backend import HopResult
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.fleet_route import FleetRoute, is_guarded
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.topology import Hop

# What a run reports that another has superseded: that one knows newer desired state and routes to what it has made.
SUPERSEDED: dict[str, Any] = {
    "changed": False,
    "diff": {"before": "", "after": ""},
    "actions": [],
    "routes": [],
    "public_url": None,
    "errors": [],
    "handing_over": [],
    "served_from_cluster": [],
    "draining": {},
    "superseded_by_newer_run": True,
    "notes": [],
    "shadows": {},
    "listeners": [],
    "warnings": [],
}


def report(hops: Sequence[Hop], results: Sequence[HopResult]) -> dict[str, Any]:
    """Returns the hops' results as one: a route for each that a hop was asked for, by the address of the last hop.

    ``failed`` and ``msg`` are in it where something went wrong. A hop that failed as a whole adds an error whose server
    is None.
    """
    public_url = results[-1].base_url if len(results) == len(hops) else None
    errors = [error for result in results for error in _errors(result)]
    warnings = [warning for result in results for warning in result.warnings]
    return {
        "changed": any(result.changed for result in results),
        "diff": {key: "".join(result.diff[key] for result in results) for key in ("before", "after")},
        "actions": [dict(action) for result in results for action in result.actions],
        "routes": [
            _route(route, result, public_url)
            for hop, result in zip(hops, results, strict=False)
            if result.failure is None
            for route in hop.routes
        ],
        "public_url": public_url,
        "errors": errors,
        "handing_over": sorted({name for result in results for name in result.handing_over}),
        "served_from_cluster": sorted({name for result in results for name in result.served_from_cluster}),
        "draining": _draining(results),
        "superseded_by_newer_run": False,
        # Once more under a name of our own: Ansible prints the warnings of a result, and keeps them to itself.
        "notes": warnings,
        "shadows": {name: list(notes) for result in results for name, notes in result.shadows.items()},
        "listeners": [dict(result.listener) for result in results if result.listener is not None],
        "warnings": warnings,
        **({"failed": True, "msg": _summary(errors)} if errors else {}),
    }


def fleet_report(
    hops: Sequence[Hop], results: Sequence[HopResult], endpoints: Iterable[Endpoint], routes: Routes
) -> dict[str, Any]:
    """Returns ``report`` with what clients and the probe call: ``mcp_url`` in each route, and ``probes``."""
    told = report(hops, results)
    reached = {endpoint.name: endpoint for endpoint in endpoints}
    with_urls = [
        {
            **route,
            "mcp_url": _below(route["url"], reached[route["name"]].mcp_path) if route["name"] in reached else None,
        }
        for route in told["routes"]
    ]
    return {**told, "routes": with_urls, "probes": list(_probes(with_urls, reached, routes))}


def _draining(results: Iterable[HopResult]) -> dict[str, list[int]]:
    found: dict[str, set[int]] = {}
    for result in results:
        for name, ports in result.draining.items():
            found.setdefault(name, set()).update(ports)
    return {name: sorted(ports) for name, ports in sorted(found.items())}


def _route(route: FleetRoute, result: HopResult, public_url: str | None) -> dict[str, Any]:
    known = result.routes.get(route.name, {})
    return {"name": route.name, "path": route.path, **known, "url": _below(public_url, route.path)}


def _below(base: str | None, path: str) -> str | None:
    return None if base is None else base + path


def _errors(result: HopResult) -> list[dict[str, Any]]:
    whole = [{"server": None, "message": result.failure}] if result.failure is not None else []
    return whole + [dict(error) for error in result.errors]


def _probes(
    told: Iterable[Mapping[str, Any]], reached: Mapping[str, Endpoint], routes: Routes
) -> Iterable[dict[str, Any]]:
    """Where each server is asked whether it answers: where its clients call it, or on this host where the balancer lets
    not everybody pass and this host is perhaps none of those who may. With where its bridges tell whether it
    sleeps, and how many sessions they hold."""
    for route in told:
        endpoint = reached.get(route["name"])
        if endpoint is None or route["mcp_url"] is None:
            continue
        if endpoint.state == "stopped" and endpoint.port is None:
            continue  # it is meant not to answer
        own = endpoint.url if is_guarded(endpoint, routes) else None
        probe: dict[str, Any] = {"name": endpoint.name, "url": own or route["mcp_url"]}
        if endpoint.bridged and endpoint.ports:
            host = f"[{endpoint.address}]" if ":" in endpoint.address else endpoint.address
            probe["bridges"] = [f"http://{host}:{port}/health" for port in endpoint.ports]
        yield probe


def _summary(errors: Iterable[Mapping[str, Any]]) -> str:
    by_message: dict[str, list[str]] = {}
    for error in errors:
        by_message.setdefault(error["message"], []).append(error["server"] or "all routes")
    return "; ".join(f"{', '.join(servers)}: {message}" for message, servers in by_message.items())
