# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The templates registry: named and versioned types of servers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, key_path, suggestion
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.document import parse, read_text
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import TEMPLATE, TEMPLATE_VERSION

FOLDER = "templates"


@dataclass
class TemplateRegistry:
    """The templates of one folder, read when they are asked for. Without a folder there are none."""

    folder: str | None = None
    _read: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def names(self) -> list[str]:
        """Returns all templates, each as ``name@version``. Raises ConfigFileError for one that cannot be read."""
        files = sorted(os.listdir(self.folder)) if self.folder and os.path.isdir(self.folder) else []
        names = [name.removesuffix(".json") for name in files if name.endswith(".json")]
        return [f"{name}@{version}" for name in names for version in self.template(name).get("versions", {})]

    def template(self, name: str) -> Mapping[str, Any]:
        """Returns one template with all its versions. Raises ConfigFileError when there is none or it is wrong."""
        if name not in self._read:
            self._read[name] = _read_template(self.folder, name)
        return self._read[name]


def _read_template(folder: str | None, name: str) -> Mapping[str, Any]:
    label = f"{FOLDER}/{name}.json"
    path = os.path.join(folder or "", f"{name}.json")
    if folder is None or not os.path.exists(path):
        raise ConfigFileError([ConfigError(label, "", "there is no such template")])
    value = parse(read_text(path, label), label)
    problems = list(TEMPLATE.errors(value, ""))
    problems += [(key, "is not a key of a template") for key in TEMPLATE.unknown(value)]
    versions = value.get("versions") if isinstance(value, dict) else None
    for version, content in versions.items() if isinstance(versions, dict) else ():
        below = f"versions.{version}"
        problems += [(f"{below}.{key}", "is not a key of a template") for key in TEMPLATE_VERSION.unknown(content)]
        if isinstance(content, dict) and ("image" in content) == ("command" in content):
            problems.append((below, "needs either an image or a command"))
    if problems:
        raise ConfigFileError([ConfigError(label, path, message) for path, message in problems])
    template: Mapping[str, Any] = value
    return template


def expand(entry: Mapping[str, Any], registry: TemplateRegistry, findings: Findings) -> Mapping[str, Any] | None:
    """Returns the entry that a template makes of one that names it; None when it cannot be made.

    What the entry says of env and of the extension goes before what the template says.
    """
    wanted = str(entry["template"])
    name, _at, number = wanted.partition("@")
    if "command" in entry or "url" in entry:
        findings.error("template", "cannot be combined with 'command' or 'url'; keep one")
        return None
    try:
        versions = registry.template(name).get("versions", {})
        if number not in versions:
            known = " or ".join(f"'{name}@{each}'" for each in versions)
            findings.error("template", f"'{wanted}' is not a version of the template; write {known}")
            return None
    except ConfigFileError as error:
        if any(each.path or "no such template" not in each.message for each in error.errors):
            findings.error("template", f"cannot be read: {error.errors[0]}")
        else:
            findings.error("template", f"'{wanted}' is not a template{suggestion(wanted, _known(registry))}")
        return None
    return _filled(entry, wanted, versions[number], findings)


def _known(registry: TemplateRegistry) -> list[str]:
    try:
        return registry.names()
    except ConfigFileError:
        return []


def _filled(
    entry: Mapping[str, Any], wanted: str, version: Mapping[str, Any], findings: Findings
) -> Mapping[str, Any] | None:
    given = entry.get("env", {})
    env = {**version.get("env", {}), **(given if isinstance(given, dict) else {})}
    missing = {name: what for name, what in version.get("required_env", {}).items() if name not in env}
    for name, what in missing.items():
        findings.error(key_path("env", name), f"is missing: the template '{wanted}' needs it: {what}")
    if missing:
        return None
    arguments = entry.get("args", [])
    arguments = arguments if isinstance(arguments, list) else []
    filled: dict[str, Any] = {key: value for key, value in entry.items() if key not in {"template", "args"}}
    filled["env"] = env
    extension = entry.get("orchestrator", {})
    filled["orchestrator"] = {**version.get("orchestrator", {}), **(extension if isinstance(extension, dict) else {})}
    if "image" in version:
        names = [word for name in env for word in ("-e", name)]
        own = version.get("arguments", [])
        filled.update(command="docker", args=["run", *names, version["image"], *own, *arguments])
    else:
        filled.update(command=version["command"], args=[*version.get("args", []), *arguments])
    findings.explain("template", f"'{wanted}' stands for {filled['command']} with {len(filled['args'])} arguments")
    return filled
