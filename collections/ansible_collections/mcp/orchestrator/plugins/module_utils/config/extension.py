# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The ``orchestrator`` key of an entry, once its shape has been checked."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.addresses import is_private, is_reserved
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_flag_values import label, network
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.volume import UnsafeVolume, volume
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import size
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions

KEY = "orchestrator"
_SIDES = ("hosts", "cluster", "both")
CPU_SHARE = 70
"""Percent of its cores above which an autoscaled server gets more replicas."""


@dataclass(frozen=True)
class Extension:
    """What an entry says to this orchestrator alone; None is what it does not say."""

    transport: str | None = None
    port: int | None = None
    path: str | None = None
    health_path: str | None = None
    priority: int | None = None
    conditions: Mapping[str, Any] = field(default_factory=dict)
    auth: str | None = None
    resources: Mapping[str, Any] = field(default_factory=dict)
    isolation: str | None = None
    bridge: Mapping[str, Any] | None = None
    replicas: int | Mapping[str, int] | None = None
    placement: str | int | Mapping[str, Any] | None = None
    network: str | list[str] | None = None
    instance_metadata: bool | None = None
    volumes: tuple[str, ...] = ()
    read_only: bool | None = None
    restart: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    stop_timeout: int | None = None
    idle_timeout: int | None = None
    sleep_after: int | None = None
    deep_check_interval: int | None = None
    strip_prefix: bool | None = None
    host_header: str | None = None
    signature_key: str | None = None
    secret_args: bool | None = None
    group: str | None = None
    verify: bool | None = None
    requires: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def read_extension(entry: Mapping[str, Any]) -> Extension:
    """Reads the ``orchestrator`` key of an entry whose shape is right."""
    given = entry.get(KEY, {})
    known = {name: value for name, value in given.items() if name in Extension.__dataclass_fields__}
    return Extension(**{**known, "volumes": tuple(known.get("volumes", ()))})


def apply_extension(extension: Extension, parsed: ParsedEntry, permissions: Permissions, findings: Findings) -> None:
    """Puts what the extension says of the container into the entry: it goes before what argv says."""
    resources = extension.resources
    memory = resources.get("memory")
    if memory is not None:
        parsed.memory = size(memory) if isinstance(memory, str) else memory
    parsed.cpus = float(resources["cpus"]) if "cpus" in resources else parsed.cpus
    parsed.pids = resources.get("pids", parsed.pids)
    if extension.read_only is not None:
        parsed.read_only = extension.read_only
    if extension.stop_timeout is not None:
        parsed.stop_timeout = extension.stop_timeout
    if isinstance(extension.network, list):
        parsed.egress = Egress.to_hosts(sorted(set(extension.network)))
        _check_hosts(extension.network, findings)
    elif extension.network is not None:
        try:
            network(parsed, extension.network, permissions)
        except ValueError as error:
            findings.error(f"{KEY}.network", f"'{printable(extension.network)}' {error}")
    _check_replicas(extension, findings)
    for position, text in enumerate(extension.volumes):
        try:
            parsed.volumes.append(volume(text, permissions))
            parsed.volume_places.setdefault(parsed.volumes[-1].partition(":")[0], f"{KEY}.volumes[{position}]")
        except UnsafeVolume as error:
            findings.error(f"{KEY}.volumes[{position}]", f"'{printable(text)}' is not allowed: {error}")
        except ValueError as error:
            findings.error(f"{KEY}.volumes[{position}]", f"'{printable(text)}' {error}")
    for name, text in extension.labels.items():
        try:
            label(parsed, f"{name}={text}")
        except ValueError as error:
            findings.error(f"{KEY}.labels.{name}", str(error))


def _check_replicas(extension: Extension, findings: Findings) -> None:
    said = extension.replicas
    if not isinstance(said, Mapping):
        return
    if said.get("max", said.get("min", 1)) < said.get("min", 1):
        findings.error(f"{KEY}.replicas.max", f"'{said['max']}' is less than min ({said.get('min', 1)})")
    findings.explain(f"{KEY}.replicas", f"hosts run {said.get('min', 1)}; only Kubernetes runs more when they are busy")


def _check_hosts(hosts: Collection[str], findings: Findings) -> None:
    for host in hosts:
        if is_reserved(host):
            findings.error(
                f"{KEY}.network",
                f"'{printable(host)}' is link-local or leads to the metadata of the instance, which no list can allow;"
                f' leave it out, or set "instance_metadata": true in {KEY} if the server is to read them',
            )
        elif is_private(host):
            findings.explain(f"{KEY}.network", f"{printable(host)} is not a public address; it is allowed as written")


def replicas(extension: Extension) -> int | None:
    """Returns how many containers serve the server at least, as ``Spec.replicas``; None where it does not say."""
    said = extension.replicas
    return int(said.get("min", 1)) if isinstance(said, Mapping) else said


def autoscaling(extension: Extension) -> dict[str, int] | None:
    """Returns how many may serve it when it is busy, as ``Spec.autoscaling``; None where their number is fixed."""
    said = extension.replicas
    if not isinstance(said, Mapping) or said.get("max", 0) <= said.get("min", 1):
        return None
    return {"max": said["max"], "cpu": said.get("cpu", CPU_SHARE)}


def placement(extension: Extension) -> dict[str, Any] | None:
    """Returns where the server runs, as ``Spec.placement``; None is all hosts, or the cluster."""
    said = extension.placement
    if not isinstance(said, Mapping):
        said = {"on": said} if said in _SIDES else {"hosts": said}
    labels = dict(sorted(said.get("labels", {}).items()))
    found = {"on": said.get("on"), "hosts": said.get("hosts"), "labels": labels}
    return {key: value for key, value in found.items() if value and value != "all"} or None
