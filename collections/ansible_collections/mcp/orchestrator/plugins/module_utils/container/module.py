# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_container does: from its arguments to its result."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import (
    fail_on_errors,
    fleet_error,
    require,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.arguments import (
    ArgumentError,
    draining_ports,
    environment_of,
    labels_by_host,
    policy_of,
    specs_of,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import (
    DOCKER_ERROR,
    DockerEngine,
    EngineError,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.host import Host
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.lock import FleetBusy, fleet_lock
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.placement import hosts_by_server, placed_here
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.reconcile import DesiredFleet, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.seccomp import ProfileError

# A run that is superseded by a newer one has done nothing, and nothing of what it would have seen still counts.
_SUPERSEDED: dict[str, Any] = {
    "changed": False,
    "diff": {"before": "", "after": ""},
    "actions": [],
    "endpoints": [],
    "errors": [],
    "postponed": [],
    "on_other_hosts": [],
    "hosts_by_server": {},
    "unschedulable": [],
    "unprotected": "",
    "draining": [],
    "kept": [],
    "retire_needed": True,
    "run_token": None,
    "superseded_by_newer_run": True,
}


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_container, as its documentation describes it. Raises ModuleError.

    Where it cannot look at the engine it returns no ``endpoints``: what is not known must not be taken for a fleet that
    has none, which would cost it its routes.
    """
    require("docker", DOCKER_ERROR)
    try:
        all_specs = specs_of(arguments["servers"])
        hosts = labels_by_host(arguments)
        specs, unschedulable = placed_here(all_specs, arguments["host"] or "", hosts)
        desired = DesiredFleet(
            specs=specs,
            policy=policy_of(arguments),
            environment=environment_of(arguments, specs),
            retire=arguments["retire"],
            protected=[*arguments["protected"], *unschedulable],
            prune_images=arguments["prune_images"],
            check_mode=check_mode,
            draining=draining_ports(arguments["draining"]),
        )
        result = _reconciled(desired, arguments)
    except (ArgumentError, ProfileError, EngineError, FleetBusy) as error:
        raise fleet_error(str(error), actions=[]) from error
    if result["superseded_by_newer_run"]:
        return result
    here = {spec.name for spec in specs}
    errors = [{"server": server, "message": message} for server, message in unschedulable.items()]
    return fail_on_errors(
        {
            **result,
            "errors": [*result["errors"], *errors],
            "on_other_hosts": sorted({spec.name for spec in all_specs} - here - unschedulable.keys()),
            "hosts_by_server": hosts_by_server(all_specs, hosts),
            "unschedulable": sorted(unschedulable),
            "warnings": [*filter(None, [result["unprotected"]]), *result["kept"], *result["warnings"]],
        }
    )


def _reconciled(desired: DesiredFleet, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The fleet's result, under the fleet's lock where anything may be changed."""
    with closing(DockerEngine(arguments["docker_host"])) as engine:
        host = Host.of(engine, arguments["rules_directory"], arguments["verify"])
        if desired.check_mode:
            return {**reconcile(desired, host), "run_token": None, "superseded_by_newer_run": False}
        with fleet_lock(desired.policy.fleet) as lock:
            if desired.retire and not lock.is_current(arguments["run_token"]):
                return _SUPERSEDED
            result = reconcile(desired, host)
            token = None if desired.retire else lock.issue_token()
            return {**result, "run_token": token, "superseded_by_newer_run": False}
