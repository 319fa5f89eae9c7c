# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a registry's ``server.json`` to a version of a template. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import key_path, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.shape import Record
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.draft import Draft, one_line
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.packages import RUNTIMES, WAY_OUT, launch_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.server_json_keys import (
    ARGUMENT,
    PACKAGE,
    SERVER,
    TRANSPORT,
    UNDERSCORED,
    VARIABLE,
)

Json = dict[str, Any]

_BELOW = {"runtimeArguments": ARGUMENT, "packageArguments": ARGUMENT, "environmentVariables": VARIABLE}


def from_server_json(value: Json, draft: Draft, chosen: int | None = None) -> Json | None:
    """Returns how the chosen package is started, or the first that can be; None with the reasons in ``draft``."""
    inner = value.get("server")
    server = _camel(inner if isinstance(inner, dict) and "packages" not in value else value)
    for path, message in SERVER.errors(server, ""):
        draft.error(path, message)
    if draft.errors:
        return None
    _unknown(SERVER, server, "", draft)
    packages = server.get("packages", [])
    for position, remote in enumerate(server.get("remotes", ())):
        url = one_line(str(remote.get("url")))
        draft.note(f"remotes[{position}]", f'runs elsewhere; an entry for that is {{"url": "{url}"}}')
    taken = _choice(packages, chosen, draft)
    if taken is None:
        return None
    key, package = f"packages[{taken}]", packages[taken]
    _check_keys(package, key, draft)
    _say_others(packages, taken, draft)
    if any(not isinstance(package.get(name), str) or not package[name] for name in ("registryType", "identifier")):
        draft.error(key, "needs registryType and identifier")
        return None
    return launch_of(package, key, draft)


def described(value: Mapping[str, Any]) -> tuple[str, str]:
    """Returns the server's name and description."""
    inner = value.get("server")
    server = inner if isinstance(inner, dict) and "packages" not in value else value
    return str(server.get("name") or ""), one_line(str(server.get("description") or server.get("title") or ""))


def _choice(packages: list[Json], chosen: int | None, draft: Draft) -> int | None:
    if chosen is not None:
        if not 0 <= chosen < len(packages):
            draft.error("packages", f"has no packages[{chosen}]; there are {len(packages)}")
            return None
        kind = packages[chosen].get("registryType")
        if kind not in RUNTIMES:
            draft.error(f"packages[{chosen}].registryType", _refusal(kind))
            return None
        return chosen
    usable = [position for position, each in enumerate(packages) if each.get("registryType") in RUNTIMES]
    if usable:
        return usable[0]
    if not packages:
        draft.error("packages", "is missing: there is nothing to run in a container")
    for position, each in enumerate(packages):
        draft.error(f"packages[{position}].registryType", _refusal(each.get("registryType")))
    return None


def _refusal(kind: Any) -> str:
    if kind is None:
        return f"is missing: it says where the package is from, one of {', '.join(RUNTIMES)}"
    way_out = WAY_OUT.get(str(kind), "build an image of it, and write an entry of docker run")
    return f"'{printable(str(kind))}' cannot be run here, only {', '.join(RUNTIMES)}; {way_out}"


def _say_others(packages: list[Json], chosen: int, draft: Draft) -> None:
    for position, each in enumerate(packages):
        kind = each.get("registryType")
        if position == chosen:
            continue
        if kind in RUNTIMES:
            what = f"{kind} {one_line(str(each.get('identifier')))}"
            draft.note(f"packages[{position}]", f"is another way to run it: {what}; PACKAGE={position} takes it")
        else:
            draft.note(f"packages[{position}].registryType", _refusal(kind))


def _check_keys(package: Json, key: str, draft: Draft) -> None:
    _unknown(PACKAGE, package, key, draft)
    if isinstance(package.get("transport"), dict):
        _unknown(TRANSPORT, package["transport"], f"{key}.transport", draft)
    for name, record in _BELOW.items():
        for position, each in enumerate(package.get(name, ())):
            _unknown(record, each, f"{key}.{name}[{position}]", draft)


def _unknown(record: Record, value: Any, key: str, draft: Draft) -> None:
    for name in record.unknown(value):
        draft.note(
            key_path(key, name).lstrip("."), "is not a key of a server.json that is known here; look what it asks for"
        )


def _camel(value: Any) -> Any:
    """The same with the keys that had underscores once as they are written now."""
    if isinstance(value, dict):
        return {UNDERSCORED.get(name, name): _camel(each) for name, each in value.items()}
    return [_camel(each) for each in value] if isinstance(value, list) else value
