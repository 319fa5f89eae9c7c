# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_image does: from its arguments to its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import (
    fail_on_errors,
    fleet_error,
    require,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.arguments import ArgumentError, specs_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.build_network import (
    BuildNetwork,
    build_network,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import (
    DOCKER_ERROR,
    DockerEngine,
    EngineError,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import FirewallError, HostFirewall
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.lock import FleetBusy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.placement import speaks
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.builder import Limits
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.plan import Renewal
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.reconcile import DesiredImages, reconcile
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.cosign import CRYPTOGRAPHY_ERROR
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.verify import (
    Verified,
    asks_for_signature,
    verify_images,
)

# A build may be silent for long: a large package is.
_CALL_SECONDS = 1800


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_image, as its documentation describes it. Raises ModuleError."""
    require("docker", DOCKER_ERROR)
    try:
        specs = specs_of(arguments["servers"])
        pushed_for = _pushed_for(arguments)
        needed = [spec for spec in specs if arguments["on_hosts"] is None or spec.name in arguments["on_hosts"]]
        with closing(DockerEngine(arguments["docker_host"], timeout=_CALL_SECONDS)) as engine:
            desired = DesiredImages(
                specs=[*needed, *(each for each in specs if each.name in pushed_for and each not in needed)],
                templates=arguments["templates"],
                bases=arguments["bases"],
                limits=Limits(**arguments["limits"]),
                renewal=Renewal(arguments["rebuild"], arguments["rebuild_after_days"]),
                sboms=arguments["sboms"],
                require_digests=arguments["require_digests"],
                registry=arguments["registry"],
                pushed_for=pushed_for,
                network=lambda: _build_network(arguments, engine),
            )
            with engine.client("build images") as client:
                outcome = reconcile(client, desired, dry_run=check_mode)
        verified = _verified(needed, arguments["signatures"], dry_run=check_mode)
    except (ArgumentError, EngineError, FirewallError, FleetBusy) as error:
        raise fleet_error(str(error)) from error
    return fail_on_errors(
        {
            "changed": outcome.changed or bool(verified.after),
            "images": outcome.images,
            "pushed": outcome.pushed,
            "servers": [spec.to_short_dict() for spec in verified.servers],
            "errors": [*outcome.errors, *verified.errors],
            "unprotected": outcome.unprotected,
            "diff": {"before": outcome.before, "after": outcome.after + verified.after},
            "warnings": [outcome.unprotected] if outcome.unprotected else [],
        }
    )


def _pushed_for(arguments: Mapping[str, Any]) -> set[str]:
    """The servers whose images this host brings to the registry."""
    here = arguments["registry"] and speaks(arguments["host"] or "", arguments["hosts"])
    return set(arguments["push"]) if here else set()


def _build_network(arguments: Mapping[str, Any], engine: DockerEngine) -> BuildNetwork:
    policy = Policy(
        fleet=arguments["fleet"],
        port_range_start=arguments["port_range_start"],
        port_range_end=arguments["port_range_end"],
        host_ports=tuple(arguments["host_ports"]),
    )
    return build_network(engine, HostFirewall(engine.local, arguments["rules_directory"]), policy)


def _verified(specs: Sequence[Spec], folder: str | None, *, dry_run: bool) -> Verified:
    if folder is None or not any(asks_for_signature(each) for spec in specs for each in spec.parts):
        return Verified(list(specs))
    require("cryptography", CRYPTOGRAPHY_ERROR)
    return verify_images(specs, folder, dry_run=dry_run)
