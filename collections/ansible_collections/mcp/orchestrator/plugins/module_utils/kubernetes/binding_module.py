# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_target_group_binding does: from its arguments to its result."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import fail_on_errors, fleet_error
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.arguments import environment_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.labels import SERVICE
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.cluster_error import ClusterError
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.converge import Desired, converge
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.fleet import Rendering
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import binding_kind, fleet_kinds
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.names import selector
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.observe import observe_kind
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.secret_values import SecretValues
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.target_group_binding import bindings
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.wait import Clock
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_module import open_cluster
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_report import actions_of, diffs_of


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_target_group_binding, as its documentation describes it. Raises ModuleError."""
    try:
        settings = read_settings(arguments["settings"])
        fleet, kind = settings.service.fleet, binding_kind(settings)
        objects = bindings(arguments["endpoints"], arguments["routes"], settings)
        cluster = open_cluster(settings)
        world = observe_kind(cluster, fleet, kind)
    except (ClusterError, ConfigFileError) as error:
        raise fleet_error(str(error), actions=[]) from error
    on_cluster = [each["name"] for each in arguments["endpoints"] if each.get("workload")]
    labels = {name: selector(fleet, name)[SERVICE] for name in (*on_cluster, *arguments["protected"])}
    # Where nobody knows a server's target group, the pods stay where they are registered.
    unknown = [name for name in on_cluster if name not in objects]
    values = SecretValues(environment_of({"config": [], "session_key_file": None, "fleet": fleet}, []), {})
    desired = Desired(fleet, Rendering(objects), fleet_kinds(settings), labels, [*unknown, *arguments["protected"]])
    try:
        outcome = converge(desired, world, cluster, values, Clock(time.time, time.sleep), check_mode=check_mode)
    except ClusterError as error:
        raise fleet_error(str(error), actions=[]) from error
    names = {label: server for server, label in labels.items()}
    errors = [{"server": server, "message": message} for server, each in outcome.errors.items() for message in each]
    return fail_on_errors(
        {
            "changed": bool(outcome.actions),
            "actions": actions_of(outcome, names),
            "diff": diffs_of(outcome.planned.actions),
            "errors": errors,
            "warnings": list(outcome.planned.left),
        }
    )
