# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Putting a spec together from what the entry says, what it leaves to the defaults, and the digests of its values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.client_header import headers_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.egress import Egress
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.entry import LocalServer
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.extension import (
    autoscaling,
    placement,
    replicas,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import SCRATCH, ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import UNSIGNED
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.route_extension import read_conditions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.defaults import Defaults
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

_T = TypeVar("_T")


def _said(value: _T | None, default: _T) -> _T:
    return default if value is None else value


def assemble(name: str, enabled: bool, started: LocalServer, digests: Mapping[str, str], defaults: Defaults) -> Spec:
    """Makes the spec of one server, still without generation. ``digests`` are those of its env, by name."""
    parsed, extension = started.parsed, started.extension
    read_only = _said(parsed.read_only, defaults.read_only)
    stdio = started.reach.transport == "stdio"
    return Spec(
        name=name,
        enabled=enabled,
        image=parsed.image,
        entrypoint=parsed.entrypoint,
        command=parsed.command,
        env=dict(sorted(digests.items())),
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


def _egress(said: Egress | None, instance_metadata: bool, defaults: Defaults) -> Egress:
    egress = Egress.from_plain(defaults.network) if said is None else said
    return replace(egress, instance_metadata=True) if instance_metadata else egress


def _key(said: str | None) -> str | None:
    return None if said == UNSIGNED else said


def _tmpfs(parsed: ParsedEntry, read_only: bool) -> tuple[str, ...]:
    """A read-only server still gets its own scratch folder, unless something is mounted there already."""
    mounted = {each.split(":")[1] for each in parsed.volumes} | {each.partition(":")[0] for each in parsed.tmpfs}
    return (*parsed.tmpfs, *([SCRATCH] if read_only and SCRATCH not in mounted else []))
