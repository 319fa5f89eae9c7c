# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What mcp_kubernetes_manifest does: from its arguments to its result."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import ModuleError, fail_on_errors, require
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import Fleet, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import KeyFileError, read_key
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.directory import (
    LIST,
    DirectoryError,
    Plan,
    addresses_before,
    apply,
    mark,
    observe,
    plan,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.fleet import (
    Rendering,
    file_name,
    render_fleet,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.text import YAML_ERROR, document
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Workload
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload_facts import (
    addresses_of,
    images_of,
    unresolved,
    values_digest,
)


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_kubernetes_manifest, as its documentation describes it. Raises ModuleError."""
    require("yaml", YAML_ERROR)
    path = arguments["path"]
    try:
        fleet, is_keyed = _read(arguments)
        name = fleet.settings.service.fleet
        present = observe(path)
        specs = [unresolved(spec) if not is_keyed else spec for spec in fleet.specs if spec.enabled]
        images, silence = images_of(specs, arguments["docker_host"])
        before = addresses_before(present, name)
        workloads = [
            Workload(
                spec,
                fleet.settings,
                images.get(spec.image),
                addresses_of(spec, before.get(file_name(name, spec.name), {})),
                fleet.references.get(spec.name, {}),
                values_digest(spec.env) if is_keyed else None,
                is_for_files=True,
            )
            for spec in specs
        ]
        rendering = render_fleet(workloads, fleet.settings, for_operator=arguments["format"] == "mcpserver")
        planned = _plan(rendering, fleet, present)
        if planned.changes and not check_mode:
            apply(path, planned)
    except (ConfigFileError, KeyFileError, DirectoryError) as error:
        raise ModuleError(str(error)) from error
    return fail_on_errors(_result(planned, present, rendering, fleet, silence))


def _read(arguments: Mapping[str, Any]) -> tuple[Fleet, bool]:
    """The fleet, and whether the digests of its variables mean anything: where there is no key nobody is asked for
    values."""
    key_file = arguments["key_file"]
    is_keyed = key_file is not None and os.path.exists(key_file)
    resolver = None if is_keyed else EmptyResolver()
    return read_fleet(arguments["config"], arguments["settings"], read_key(key_file), resolver), is_keyed


def _plan(rendering: Rendering, fleet: Fleet, present: Mapping[str, str]) -> Plan:
    """What to do with the files. A server with an error keeps the file that it has."""
    name = fleet.settings.service.fleet
    if rendering.errors:
        return Plan()
    desired = {file_name(name, server): _file(server, name, rendering) for server in rendering.objects}
    wrong = {error.server for error in fleet.errors if error.server} | {
        server for server, found in rendering.findings.items() if found.errors
    }
    kept = {file for file in (file_name(name, server) for server in wrong) if file in present and file not in desired}
    resources = sorted({*desired, *kept})
    listed = {"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization", "resources": resources}
    return plan(present, {**desired, LIST: document([mark(name)], [listed])}, name, kept)


def _file(server: str, fleet: str, rendering: Rendering) -> str:
    needs = [f"Needs {need}" for need in rendering.findings[server].needs]
    return document([mark(fleet), *needs], rendering.objects[server])


def _result(
    planned: Plan, present: Mapping[str, str], rendering: Rendering, fleet: Fleet, silence: str
) -> dict[str, Any]:
    errors = [{"server": error.server, "message": str(error)} for error in fleet.errors]
    errors += [{"server": None, "message": f"settings.conf: {message}"} for message in rendering.errors]
    notes, needs = [{"server": None, "message": message} for message in rendering.notes], []
    for server, found in rendering.findings.items():
        file = fleet.files.get(server, "")
        errors += [{"server": server, "message": f"{file}: {message}" if file else message} for message in found.errors]
        notes += [{"server": server, "message": message} for message in found.notes]
        needs += [{"server": server, "message": message} for message in found.needs if server in rendering.objects]
    return {
        "changed": planned.changes,
        "servers": sorted(rendering.objects),
        "errors": errors,
        "notes": notes,
        "needs": needs,
        "report": _report(rendering, fleet, notes, needs),
        "diff": [_diff(name, present.get(name, ""), planned.write.get(name, "")) for name in _touched(planned)],
        "warnings": [silence] if silence else [],
    }


def _touched(planned: Plan) -> list[str]:
    return sorted({*planned.write, *planned.remove})


def _diff(name: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": name, "after_header": name, "before": before, "after": after}


def _report(
    rendering: Rendering, fleet: Fleet, notes: Iterable[Mapping[str, Any]], needs: Iterable[Mapping[str, Any]]
) -> list[str]:
    servers = sorted(rendering.objects)
    count = f"{len(servers)} server{'' if len(servers) == 1 else 's'} exported"
    lines = [f"{count}: {', '.join(servers)}" if servers else "no server is exported"]
    off = [spec.name for spec in fleet.specs if not spec.enabled]
    lines += [f"left out: {', '.join(off)}: disabled"] if off else []
    lines += [f"left out: {', '.join(each.name for each in fleet.remotes)}: remote"] if fleet.remotes else []
    lines += [f"needs: {each['server']}: {each['message']}" for each in needs]
    return lines + [f"note: {each['server'] or 'fleet'}: {each['message']}" for each in notes]
