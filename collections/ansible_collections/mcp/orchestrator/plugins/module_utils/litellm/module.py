# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_litellm does: from its arguments to its result."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import FileNotWritten
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import fail_on_errors, fleet_error, require
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import Resolver, boto3_client
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.variables import resolve_variables
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings, read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.admin_api import AdminApi, AdminError
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.config_file import YAML_ERROR, NotMerged
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.entry import Entry, outline
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.identity import renamed, server_ids
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.memory import (
    Memory,
    read_memory,
    write_memory,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.naming import heard_as, without_rivals
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.place import (
    ConfigFile,
    Database,
    Held,
    Place,
    PlaceError,
    Planned,
    reload,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.wanted import Wanted, advice, wanted


def run(arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    """Returns the result of mcp_litellm, as its documentation describes it. Raises ModuleError."""
    require("PyYAML", YAML_ERROR)
    try:
        settings = read_settings(arguments["settings"])
        return _run(settings, arguments, check_mode)
    except (ConfigFileError, PlaceError, AdminError, FileNotWritten) as error:
        raise fleet_error(str(error)) from error
    except NotMerged as error:
        raise fleet_error(f"{settings.litellm.config}: {error}") from error


def _run(settings: Settings, arguments: Mapping[str, Any], check_mode: bool) -> dict[str, Any]:
    fleet, config = settings.service.fleet, arguments["config"]
    place: Place = (
        Database(AdminApi(settings.litellm.url, _key(settings)), fleet)
        if settings.litellm.url
        else ConfigFile(settings.litellm.config, fleet)
    )
    told = Wanted()
    if arguments["state"] == "present":
        told = wanted(config, arguments["public_url"], in_database=bool(settings.litellm.url))
    held = place.held()
    memory = read_memory(arguments["memory"])
    digests = dict(config.get("entries") or {})
    entries, errors = _named(told, held, fleet, memory, digests)
    refused = [error["server"] for error in errors]
    planned = place.planned(entries, [*told.kept, *refused])
    changed = bool(planned.actions) or memory.reload
    after = replace(memory, reload=False, entries=digests, ids=_ids(memory, held, entries))
    if changed and not check_mode:
        # Noted first: a run that ends in between leaves a file that LiteLLM does not know, and the next one sees that.
        command = settings.litellm.reload
        write_memory(arguments["memory"], replace(after, reload=bool(command)))
        if planned.actions:
            place.apply(planned.actions)
        if command:
            reload(command)
    if not check_mode and (changed or memory != after):
        write_memory(arguments["memory"], after)
    return fail_on_errors(_result(changed, planned, entries, told, errors))


def _named(
    told: Wanted, held: Held, fleet: str, memory: Memory, digests: Mapping[str, str]
) -> tuple[list[Entry], list[dict[str, str]]]:
    """The entries that can be, with their ids, and an error for each that cannot."""
    others = {heard_as(name): name for name in held.others}
    errors = {
        entry.service: f"LiteLLM has another server '{others[heard_as(entry.name)]}', which is not of this fleet;"
        " rename one of them, or remove that one"
        for entry in told.entries
        if heard_as(entry.name) in others
    }
    services = [entry.service for entry in told.entries if entry.service not in errors]
    kept = [service for service in told.kept if service in held.ours]
    fitting, refused = without_rivals([*services, *kept], {name: service for service, name in held.names.items()})
    errors.update({service: reason for service, reason in refused.items() if service not in kept})
    free = [entry for entry in told.entries if entry.service in fitting and entry.service not in kept]
    world = {service: str(entry.get("server_id") or "") for service, entry in held.ours.items()}
    staying = {entry.service for entry in told.entries} | set(told.kept)
    gone = [service for service in held.ours if service not in staying]
    new = [entry.service for entry in free if entry.service not in held.ours]
    former = renamed(gone, new, memory.entries, digests)
    taken = {*world.values(), *held.ids}
    earlier = {service: id for service, id in memory.ids.items() if service not in world and id not in taken}
    ids = server_ids(fleet, [entry.service for entry in free], {**earlier, **world}, former, held.ids)
    entries = [replace(entry, server_id=ids[entry.service]) for entry in free]
    return entries, [{"server": service, "message": message} for service, message in sorted(errors.items())]


def _ids(memory: Memory, held: Held, entries: Sequence[Entry]) -> dict[str, str]:
    """The ids of all servers that LiteLLM has known; one that a renamed server has taken along is its alone."""
    ids = {service: str(told.get("server_id")) for service, told in held.ours.items()}
    ids.update({entry.service: entry.server_id for entry in entries})
    now = {entry.server_id for entry in entries}
    kept = {service: id for service, id in {**memory.ids, **ids}.items() if id not in now}
    return {**kept, **{entry.service: entry.server_id for entry in entries}}


def _key(settings: Settings) -> Secret:
    """The key of the admin API, with the value of its reference. Raises PlaceError."""
    written = {"[litellm]": {"key": settings.litellm.key}}
    resolver = Resolver(inputs=settings.inputs, client=boto3_client(settings.aws.effective_region))
    values, problems = resolve_variables(written, {"[litellm]": ()}, resolver)["[litellm]"]
    if problems:
        raise PlaceError(f"[litellm] key: {problems['key']}")
    return Secret(values["key"].reveal().strip())


def _result(
    changed: bool, planned: Planned, entries: Sequence[Entry], told: Wanted, errors: list[dict[str, str]]
) -> dict[str, Any]:
    said = advice(told.costly)
    return {
        "changed": changed,
        "servers": {entry.service: entry.name for entry in entries},
        "actions": [
            {"server": action.service or None, "action": action.action, "reason": f"LiteLLM: {action.reason}"}
            for action in planned.actions
        ],
        "left_out": dict(sorted(told.left_out.items())),
        "advice": said,
        "errors": errors,
        "diff": {"before": outline(planned.before), "after": outline(planned.after)},
        "warnings": said if changed else [],  # each run would be too often
    }
