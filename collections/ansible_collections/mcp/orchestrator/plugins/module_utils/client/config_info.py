# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_config_info does: from its arguments to its result."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.client.entry import open_entry
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.placement import sides_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.remote import Remote
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.report import report
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import KeyFileError, read_key
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.overrides import (
    Applied,
    NotOverrides,
    Override,
    Overrides,
    apply,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.record import read_overrides
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.exposure import balancer_of, exposure_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.routing.host_address import ThisHost


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_config_info, as its documentation describes it.

    A wrong entry is one of its ``errors`` and no failure. Raises ModuleError where a file cannot be read.
    """
    started = datetime.now(UTC)
    config, settings = arguments["config"], arguments["settings"]
    try:
        key = read_key(arguments["key_file"])
        fleet = read_fleet(config, settings, key)
        exposure = _exposure(fleet.settings, settings) if config else {"balancer": balancer_of(fleet.settings)}
    except (ConfigFileError, KeyFileError) as error:
        raise ModuleError(str(error)) from error
    overrides = _overrides(arguments["overrides"])
    applied = _applied(fleet, overrides, key)
    return {
        "changed": False,
        "started": started.isoformat(),
        "servers": [spec.to_short_dict() for spec in applied.specs],
        "built": [spec.name for spec in fleet.specs if spec.build is not None],
        **_sides(fleet),
        "signed": [spec.name for spec in fleet.specs if any(each.signature_key is not None for each in spec.parts)],
        "settings": {**fleet.settings.to_dict(), "exposure": exposure},
        "errors": [{"server": error.server, "message": str(error)} for error in fleet.errors],
        "explain": fleet.explain,
        "remotes": [_remote(remote, fleet.clients.get(remote.name, {})) for remote in fleet.remotes],
        "clients": fleet.clients,
        # What keeps a renamed server's grants at LiteLLM; nobody else reads it.
        "entries": fleet.nameless_digests(key) if fleet.settings.litellm.config or fleet.settings.litellm.url else {},
        "report": report(fleet),
        "overrides": {name: _marks(each) for name, each in overrides.servers.items() if name not in applied.lapsed},
        "lapsed": applied.lapsed,
        "rebuild": applied.rebuild,
        "warnings": list(fleet.warnings),
    }


def _sides(fleet: Fleet) -> dict[str, Any]:
    sides = sides_of(fleet.specs, fleet.settings)
    return {
        "on_hosts": list(sides.on_hosts),
        "on_cluster": list(sides.on_cluster),
        "asks_cluster": sides.asks_cluster,
    }


def _overrides(path: str | None) -> Overrides:
    """What operators ask for. A file of something else is as none; the run's first step has said so."""
    try:
        return read_overrides(path) if path else Overrides()
    except NotOverrides:
        return Overrides()
    except OSError as error:
        raise ModuleError(f"{path}: the overrides cannot be read: {error.strerror}; run as its owner") from error


def _marks(override: Override) -> dict[str, dict[str, str]]:
    """Who asked for what, when, and by which request."""
    marks = {"stopped": override.stopped, "restarted": override.restarted}
    return {key: dict(vars(mark)) for key, mark in marks.items() if mark is not None}


def _applied(fleet: Fleet, overrides: Overrides, key: bytes) -> Applied:
    entries = {name: digest for name in overrides.servers if (digest := fleet.entry_digest(name, key)) is not None}
    return apply(overrides, fleet.specs, entries, [error.server for error in fleet.errors if error.server])


def _exposure(settings: Settings, path: str | None) -> dict[str, str]:
    """A teardown needs no address, and must not fail for want of one, so that it does not come here."""
    return asdict(exposure_of(settings, ThisHost(), path))


def _remote(remote: Remote, client: Mapping[str, Any]) -> dict[str, Any]:
    entry = open_entry(remote, client)
    left_out = [f"{key}: {reason}" for key, reason in entry.left_out.items()]
    return {**remote.to_dict(), "client": entry.told, "left_out": left_out}
