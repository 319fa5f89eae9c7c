# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A config and its settings, read into the specs of one fleet."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.document import Document, read_document
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.draft import Draft
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.entry import is_enabled, read_entry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, key_path, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.reach import Reach, read_reach
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings import Settings, read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

SCRATCH = "/tmp"  # noqa: S108 - inside the container
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")


@dataclass(frozen=True)
class Fleet:
    """What a config says. A server with an error is in ``errors`` and not in ``specs``."""

    settings: Settings
    specs: list[Spec] = field(default_factory=list)
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    explain: dict[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Server:
    """One entry, read: ``draft`` and ``reach`` are None when it has errors."""

    name: str
    enabled: bool
    findings: Findings
    draft: Draft | None
    reach: Reach | None


def read_fleet(config_paths: Sequence[str], settings_path: str | None, key: bytes) -> Fleet:
    """Reads the config files and the settings; ``key`` digests the values of env.

    A wrong entry fails alone, in ``errors``. Raises ConfigFileError when a file or the settings cannot be used at all.
    """
    settings, servers = _read(config_paths, settings_path)
    fleet = Fleet(settings)
    for server in servers:
        fleet.errors.extend(server.findings.errors)
        fleet.warnings.extend(server.findings.warnings)
        fleet.explain[server.name] = server.findings.explained
        if server.draft is not None and server.reach is not None:
            fleet.specs.append(_spec(server, server.draft, server.reach, key))
    return fleet


def load_env(config_paths: Sequence[str], settings_path: str | None) -> dict[str, dict[str, Secret]]:
    """The values behind the digests of the specs' ``env``, by server and name; servers with errors are left out.

    Raises ConfigFileError as ``read_fleet`` does.
    """
    _settings, servers = _read(config_paths, settings_path)
    return {server.name: server.draft.env for server in servers if server.draft is not None}


def _read(config_paths: Sequence[str], settings_path: str | None) -> tuple[Settings, list[_Server]]:
    errors: list[ConfigError] = []
    settings = Settings()
    try:
        settings = read_settings(settings_path)
    except ConfigFileError as error:
        errors.extend(error.errors)
    documents: list[Document] = []
    for path in config_paths:
        try:
            documents.append(read_document(path, os.path.basename(path)))
        except ConfigFileError as error:
            errors.extend(error.errors)
    if errors:
        raise ConfigFileError(errors)
    return settings, [
        _server(document, name, entry) for document in documents for name, entry in sorted(document.entries.items())
    ]


def _server(document: Document, name: str, entry: Any) -> _Server:
    findings = Findings(document.label, key_path(document.root, name), name)
    if not _NAME.fullmatch(name):
        findings.error(
            "",
            f"'{printable(name)}' cannot name a server; use letters, digits, '_', '.' and '-', at most 63,"
            " and begin with a letter or digit",
        )
    if not isinstance(entry, dict):
        findings.error("", 'must be an object: {"command": "docker", "args": [...]}')
        return _Server(name, True, findings, None, None)
    return _entry(name, entry, findings)


def _entry(name: str, entry: Mapping[str, Any], findings: Findings) -> _Server:
    enabled = is_enabled(entry, findings)
    draft = read_entry(entry, findings)
    reach = read_reach(name, entry, draft.ports, findings) if draft is not None else None
    if findings.errors:
        draft = reach = None
    return _Server(name, enabled, findings, draft, reach)


def _spec(server: _Server, draft: Draft, reach: Reach, key: bytes) -> Spec:
    return Spec(
        name=server.name,
        enabled=server.enabled,
        image=draft.image,
        entrypoint=draft.entrypoint,
        command=draft.command,
        env={name: value.digest(key, server.name, name) for name, value in sorted(draft.env.items())},
        volumes=tuple(draft.volumes),
        tmpfs=_tmpfs(draft),
        user=draft.user,
        workdir=draft.workdir,
        memory=draft.memory,
        cpus=draft.cpus,
        pids=draft.pids,
        network=draft.network,
        read_only=draft.read_only,
        init=draft.init,
        **vars(reach),
    ).with_generation()


def _tmpfs(draft: Draft) -> tuple[str, ...]:
    """A read-only server still gets its own scratch folder, unless something is mounted there already."""
    mounted = {each.split(":")[1] for each in draft.volumes} | {each.partition(":")[0] for each in draft.tmpfs}
    return (*draft.tmpfs, *([SCRATCH] if draft.read_only and SCRATCH not in mounted else []))
