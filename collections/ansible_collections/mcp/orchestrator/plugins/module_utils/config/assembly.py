# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting a spec together from what the entry says, what it leaves to the defaults, and the digests of its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.client_header import headers_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress, EgressKind
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.entry import LocalServer
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.extension import (
    autoscaling,
    placement,
    replicas,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import SCRATCH, ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import UNSIGNED
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.requirement import Requirement
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.route_extension import read_conditions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.defaults import Defaults
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import COMPLETED, Spec

_T = TypeVar("_T")


def _said(value: _T | None, default: _T) -> _T:
    return default if value is None else value


Digests = Mapping[str, Mapping[str, str]]
"""Of the values of env: by server or requirement, and by name."""


def assemble(name: str, enabled: bool, started: LocalServer, digests: Digests, defaults: Defaults) -> Spec:
    """Makes the spec of one server, still without generation."""
    parsed, extension = started.parsed, started.extension
    read_only = _said(parsed.read_only, defaults.read_only)
    stdio = started.reach.transport == "stdio"
    return Spec(
        name=name,
        enabled=enabled,
        image=parsed.image,
        entrypoint=parsed.entrypoint,
        command=parsed.command,
        env=dict(sorted(digests.get(name, {}).items())),
        requires=tuple(
            _required(each, enabled, started, digests, defaults).with_generation().to_short_dict()
            for each in started.requirements
        ),
        volumes=tuple(parsed.volumes),
        tmpfs=_tmpfs(parsed, read_only),
        user=parsed.user,
        workdir=parsed.workdir,
        memory=_said(parsed.memory, defaults.memory),
        cpus=_said(parsed.cpus, defaults.cpus),
        pids=_said(parsed.pids, defaults.pids),
        egress=_egress(parsed.egress, bool(extension.instance_metadata), defaults),
        read_only=read_only,
        init=_said(parsed.init, defaults.init),
        build=None if parsed.recipe is None else parsed.recipe.to_dict(),
        platform=parsed.platform,
        pull="never" if parsed.recipe is not None else _said(parsed.pull, defaults.pull),
        signature_key=_key(_said(extension.signature_key, defaults.signature_key)),
        replicas=_said(replicas(extension), defaults.replicas),
        autoscaling=autoscaling(extension),
        placement=placement(extension),
        priority=extension.priority,
        group=extension.group,
        verify=bool(extension.verify),
        template=started.template,
        client_headers=headers_of(parsed),
        conditions=read_conditions(extension.conditions),
        auth=extension.auth,
        isolation=_said(extension.isolation, defaults.isolation) if stdio else None,
        idle_timeout=_said(extension.idle_timeout, defaults.idle_timeout) if stdio else None,
        sleep_after=_said(extension.sleep_after, defaults.sleep_after) if stdio else None,
        deep_check_interval=_said(extension.deep_check_interval, defaults.deep_check_interval) if stdio else None,
        bridge=started.bridge,
        restart=_said(extension.restart, defaults.restart),
        stop_timeout=_said(parsed.stop_timeout, defaults.stop_timeout),
        labels=dict(sorted(parsed.labels.items())),
        host_config=parsed.host_config,
        container_config=parsed.container_config,
        **vars(started.reach),
    )


def _required(required: Requirement, enabled: bool, started: LocalServer, digests: Digests, defaults: Defaults) -> Spec:
    """A requirement is confined as its server is, and reaches nothing but that and the others of it."""
    parsed = required.parsed
    read_only = _said(parsed.read_only, defaults.read_only)
    step = required.condition == COMPLETED
    return Spec(
        name=required.full_name,
        required_by=required.server,
        condition=required.condition,
        start_timeout=required.timeout,
        health=required.health,
        enabled=enabled,
        image=parsed.image,
        entrypoint=parsed.entrypoint,
        command=parsed.command,
        env=dict(sorted(digests.get(required.full_name, {}).items())),
        transport="http",  # whatever it speaks, no bridge is in front of it
        volumes=tuple(parsed.volumes),
        tmpfs=_tmpfs(parsed, read_only),
        user=parsed.user,
        memory=_said(parsed.memory, defaults.memory),
        cpus=_said(parsed.cpus, defaults.cpus),
        pids=_said(parsed.pids, defaults.pids),
        egress=Egress(EgressKind.NONE),
        read_only=read_only,
        init=defaults.init,
        signature_key=_key(_said(started.extension.signature_key, defaults.signature_key)),
        restart="no" if step else defaults.restart,
        stop_timeout=_said(parsed.stop_timeout, defaults.stop_timeout),
    )


def _egress(said: Egress | None, instance_metadata: bool, defaults: Defaults) -> Egress:
    egress = Egress.from_plain(defaults.network) if said is None else said
    return replace(egress, instance_metadata=True) if instance_metadata else egress


def _key(said: str | None) -> str | None:
    return None if said == UNSIGNED else said


def _tmpfs(parsed: ParsedEntry, read_only: bool) -> tuple[str, ...]:
    """A read-only server still gets its own scratch folder, unless something is mounted there already."""
    mounted = {each.split(":")[1] for each in parsed.volumes} | {each.partition(":")[0] for each in parsed.tmpfs}
    return (*parsed.tmpfs, *([SCRATCH] if read_only and SCRATCH not in mounted else []))
