# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a published description of a server to a template, as ``templates/`` holds it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.entry import Context, read_entry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.template_registry import TemplateRegistry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.bundle import (
    capabilities,
    from_manifest,
    is_manifest,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.draft import Draft, Remark, one_line
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.server_json import described, from_server_json

Json = dict[str, Any]

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}", re.ASCII)
_ANY_PORT = 8000


@dataclass(frozen=True)
class Conversion:
    """``template`` is None where there are ``errors``; ``notes`` are what it does not have of the file."""

    name: str
    template: Json | None = None
    errors: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)


def convert(value: Any, name: str | None = None, package: int | None = None) -> Conversion:
    """Returns the template of a ``server.json``, a registry's answer with one, or a bundle's manifest.

    ``name`` is the template's, the server's own without one; ``package`` which of several packages it is to run.
    """
    draft = Draft()
    if not isinstance(value, dict):
        draft.error("", "is neither a server.json nor the manifest of a bundle, each of which is an object: {…}")
        return Conversion(name or "", None, draft.errors)
    is_bundle = is_manifest(value)
    own, description = described(value) if not is_bundle else _described_by_manifest(value)
    name = name or template_name(own)
    if not NAME.fullmatch(name):
        shown = (
            f"'{printable(name)}' is not the name of a template" if name else "is missing, or has no letter or digit"
        )
        draft.error("name", f"{shown}; give it one of small letters and digits: NAME=weather")
        return Conversion(name, None, draft.errors)
    version = from_manifest(value, name, draft) if is_bundle else from_server_json(value, draft, package)
    if version is None or draft.errors:
        return Conversion(name, None, draft.errors, draft.notes)
    # What an entry is asked for is not given by the template too.
    for each in draft.required:
        draft.env.pop(each, None)
    version |= {
        key: found
        for key, found in (("env", draft.env), ("required_env", draft.required), ("orchestrator", draft.extension))
        if found
    }
    template: Json = {
        "description": description,
        "capabilities": capabilities(value) if is_bundle else [],
        "versions": {"1": version},
    }
    errors = list(_refused(template, name))
    return Conversion(name, None if errors else template, errors, draft.notes)


def template_name(name: str) -> str:
    """Returns the name of a template that a server's name becomes: what follows its namespace, in small letters."""
    return re.sub(r"[^a-z0-9_-]+", "-", name.rpartition("/")[2].lower()).strip("-_")[:63]


def added(existing: Mapping[str, Any], template: Json) -> tuple[Json, str]:
    """Returns a template with another as its newest version, and the number of that; one that it has stays as it is."""
    versions: dict[str, Any] = dict(existing.get("versions", {}))
    made = template["versions"]["1"]
    number = next((number for number, each in versions.items() if each == made), None)
    if number is None:
        number = str(max((int(each) for each in versions), default=0) + 1)
        versions[number] = made
    return {**existing, **template, "versions": versions}, number


def _described_by_manifest(value: Mapping[str, Any]) -> tuple[str, str]:
    return str(value.get("name") or ""), one_line(str(value.get("description") or ""))


def _refused(template: Json, name: str) -> list[Remark]:
    """What the config's reader says of an entry of the template that has all that it asks for."""
    version = template["versions"]["1"]
    registry = TemplateRegistry(None, {name: template})
    entry: Json = {"template": f"{name}@1", "env": dict.fromkeys(version.get("required_env", {}), "x")}
    extension = version.get("orchestrator", {})
    if extension.get("transport", "stdio") != "stdio" and "port" not in extension:
        entry["orchestrator"] = {"port": _ANY_PORT}
    findings = Findings("", "", name)
    try:
        read_entry(name, entry, Context(Permissions(), registry), findings)
    except ConfigFileError as error:
        return [Remark(each.path, each.message) for each in error.errors]
    return [Remark("", f"an entry of the template would be refused: {each}") for each in findings.errors]
