# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A config and its settings, read into the specs of one fleet."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.assembly import assemble
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.confinement import conflicts
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.entry import (
    Context,
    LocalServer,
    client_keys,
    is_enabled,
    private_keys,
    read_entry,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, key_path
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.shared_volume import shared_volumes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.parsed_entry import ParsedEntry
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.placement import check_placement
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.reach import PREFIX
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.document import Place
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.sources import Sources, read_sources
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.template_registry import (
    FOLDER,
    TemplateRegistry,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.remote import Remote
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.requirement import check_names
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.route_extension import check_route
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.reference import (
    Reference,
    whole_reference,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import Resolver, boto3_client
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.variables import resolve_variables
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.server_name import ServerName, server_names
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.publish_address import (
    publish_address_warnings,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import Settings, read_settings
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec


@dataclass(frozen=True)
class Fleet:
    """What a config says. A server with an error is in ``errors``, and neither in ``specs`` nor in ``remotes``.

    ``clients`` holds, by server, what its entry says to clients alone and is no secret; ``private`` the rest of that,
    each as JSON. ``entries`` holds, by server, the entry as it is written, and ``files`` the file where it stands.
    ``references`` holds, by server and name, the variables whose value is a reference and nothing else.
    """

    settings: Settings
    specs: list[Spec] = field(default_factory=list)
    remotes: list[Remote] = field(default_factory=list)
    errors: list[ConfigError] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    explain: dict[str, list[str]] = field(default_factory=dict)
    clients: dict[str, dict[str, Any]] = field(default_factory=dict)
    private: dict[str, dict[str, Secret]] = field(default_factory=dict)
    entries: dict[str, Any] = field(default_factory=dict, repr=False)
    files: dict[str, str] = field(default_factory=dict)
    references: dict[str, dict[str, Reference]] = field(default_factory=dict)

    def entry_digest(self, name: str, key: bytes) -> str | None:
        """Returns a keyed digest of a server's entry, which changes when the entry does; None without an entry.

        Unlike a generation it does not change with the defaults, the release, or a value behind a reference.
        """
        return None if name not in self.entries else self._written(name).digest(key, name, "entry")

    def nameless_digests(self, key: bytes) -> dict[str, str]:
        """Returns by server a keyed digest of its entry, which is the same under another name."""
        return {name: self._written(name).digest(key, "", "entry") for name in self.entries}

    def _written(self, name: str) -> Secret:
        return Secret(json.dumps(self.entries[name], sort_keys=True, separators=(",", ":")))


@dataclass(frozen=True)
class _Server:
    """One entry, read: ``found`` is None when it has errors. ``env`` has the values behind the references, of the
    server and of each of its requirements."""

    name: str
    enabled: bool
    findings: Findings
    found: LocalServer | Remote | None
    clients: Mapping[str, Any] = field(default_factory=dict)
    private: Mapping[str, Secret] = field(default_factory=dict)
    env: Mapping[str, Mapping[str, Secret]] = field(default_factory=dict)
    entry: Any = field(default=None, repr=False)

    @property
    def parsed(self) -> dict[str, ParsedEntry]:
        """What it runs, by the names of the server and its requirements; nothing where it runs elsewhere."""
        if not isinstance(self.found, LocalServer):
            return {}
        return {self.name: self.found.parsed, **{each.full_name: each.parsed for each in self.found.requirements}}


def read_fleet(
    config_paths: Sequence[str], settings_path: str | None, key: bytes, resolver: Resolver | None = None
) -> Fleet:
    """Reads the config files and the settings; ``key`` digests the values of env.

    Each path is a file, with its drop-in folder where there is one (mcp.config.json, mcp.config.d/*.json), or a folder.
    Templates are looked for in the folder ``templates`` beside the settings, or beside the first config without.
    A wrong entry fails alone, in ``errors``. Raises ConfigFileError when a file or the settings cannot be used at all.
    """
    settings, sources, servers, resolver = _read(config_paths, settings_path, resolver)
    fleet = Fleet(settings, warnings=[*publish_address_warnings(settings, settings_path), *sources.warnings])
    for server in _resolved(servers, resolver):
        fleet.errors.extend(server.findings.errors)
        fleet.warnings.extend(server.findings.warnings)
        fleet.explain[server.name] = server.findings.explained
        fleet.entries[server.name], fleet.files[server.name] = server.entry, server.findings.file
        if server.clients:
            fleet.clients[server.name] = dict(server.clients)
        if server.private:
            fleet.private[server.name] = dict(server.private)
        if isinstance(server.found, Remote):
            fleet.remotes.append(replace(server.found, enabled=server.enabled))
        elif server.found is None and not server.findings.errors:
            # Disabled, and nothing that could be started.
            fleet.specs.append(
                Spec(name=server.name, image="", enabled=False, path=f"{PREFIX}/{server.name}").with_generation()
            )
        elif server.found is not None:
            digests = {
                whose: {name: value.digest(key, whose, name) for name, value in env.items()}
                for whose, env in server.env.items()
            }
            spec = assemble(server.name, server.enabled, server.found, digests, settings.defaults)
            fleet.specs.append(spec.with_generation())
            fleet.references[server.name] = _references(server.found.parsed)
    return fleet


def _references(parsed: ParsedEntry) -> dict[str, Reference]:
    written = {name: whole_reference(value.reveal()) for name, value in parsed.env.items()}
    return {name: each for name, each in written.items() if each is not None and name not in parsed.verbatim}


def load_env(
    config_paths: Sequence[str], settings_path: str | None, resolver: Resolver | None = None
) -> dict[str, dict[str, Secret]]:
    """Reads the values behind the digests of the specs' ``env``, by server or requirement and by name; servers with
    errors are left out.

    Raises ConfigFileError as ``read_fleet`` does.
    """
    _settings, _sources, servers, resolver = _read(config_paths, settings_path, resolver)
    resolved = _resolved(servers, resolver)
    return {
        whose: dict(env)
        for server in resolved
        if isinstance(server.found, LocalServer)
        for whose, env in server.env.items()
    }


def load_remotes(
    config_paths: Sequence[str], settings_path: str | None, resolver: Resolver | None = None
) -> dict[str, tuple[dict[str, Secret], dict[str, str]]]:
    """Reads ``url`` and ``headers.NAME`` of each remote server with the values of references, and why some have none.

    Raises ConfigFileError as ``read_fleet`` does.
    """
    _settings, _sources, servers, resolver = _read(config_paths, settings_path, resolver)
    written = {
        server.name: {"url": remote.url, **{f"headers.{name}": value for name, value in remote.headers.items()}}
        for server in servers
        if isinstance(remote := server.found, Remote)
    }
    return resolve_variables(written, dict.fromkeys(written, ()), resolver)


def _read(
    config_paths: Sequence[str], settings_path: str | None, resolver: Resolver | None
) -> tuple[Settings, Sources, list[_Server], Resolver]:
    """Settings, files, the servers without the values behind their references, and who knows those."""
    errors: list[ConfigError] = []
    settings, sources = Settings(), Sources({}, {}, [])
    try:
        settings = read_settings(settings_path)
    except ConfigFileError as error:
        errors.extend(error.errors)
    try:
        sources = read_sources(config_paths)
    except ConfigFileError as error:
        errors.extend(error.errors)
    if errors:
        raise ConfigFileError(errors)
    resolver = resolver or Resolver(client=boto3_client(settings.aws.effective_region))
    beside = settings_path or (config_paths[0] if config_paths else "")
    registry = TemplateRegistry(os.path.join(os.path.dirname(os.path.abspath(beside)), FOLDER))
    context = Context(
        settings.permissions(),
        registry,
        settings.service.strict,
        isolation=settings.defaults.isolation,
        require_digests=settings.security.require_digests,
        environment=resolver.environment if resolver.looks_up else None,
    )
    names = server_names(sources.entries)
    servers = [
        _server(names[name], places, context, settings, sources.off.get(name, ""))
        for name, places in sorted(sources.entries.items())
    ]
    for server in servers:
        if server.enabled and isinstance(server.found, LocalServer):
            check_names(server.found.requirements, {each.name for each in servers}, server.findings)
    servers = [replace(each, found=None) if each.findings.errors else each for each in servers]
    servers = _without_shared_volumes(servers, context.permissions)
    resolver = replace(resolver, inputs={**sources.inputs, **settings.inputs, **resolver.inputs})
    return settings, sources, servers, resolver


def _server(
    named: ServerName, places: list[tuple[Place, Any]], context: Context, settings: Settings, off: str
) -> _Server:
    """Reads an entry; ``off`` is the path of what switches it off beside the servers, or empty."""
    (place, entry), *others = places
    name = named.name
    findings = Findings(place.label, place.path, name)
    if named.error:
        findings.error("", named.error)
    elif named.warning:
        findings.warn("", named.warning)
    for message in place.repeated:
        findings.error("", message)
    if others:
        listed = " and ".join(str(each) for each, _entry in others)
        findings.error("", f"is defined twice: here and in {listed}; keep one")
        return _Server(name, True, findings, None, entry=[each for _place, each in places])
    certain = list(findings.errors)
    found = read_entry(name, entry, context, findings)
    if isinstance(found, LocalServer):
        check_route(found.extension, settings, findings)
        check_placement(found.extension, settings, findings)
        for problem in conflicts(assemble(name, True, found, {}, settings.defaults)):
            findings.error("orchestrator.network" if found.extension.network is not None else "", problem)
    mistakes = [error for error in findings.errors if error not in certain]
    enabled = (is_enabled(entry, findings) if isinstance(entry, dict) else True) and not off
    if off:
        findings.explain("", f"is switched off by {off}")
    if not enabled:
        findings.postpone(mistakes)
        found = None if mistakes else found
    clients = client_keys(entry) if isinstance(entry, dict) else {}
    private = private_keys(entry) if isinstance(entry, dict) else {}
    return _Server(name, enabled, findings, None if findings.errors else found, clients, private, entry=entry)


def _without_shared_volumes(servers: list[_Server], permissions: Permissions) -> list[_Server]:
    """The servers; one that names a volume of another has an error, unless the settings share the volume."""
    places = {
        server.name: {source: path for each in server.parsed.values() for source, path in each.volume_places.items()}
        for server in servers
        if isinstance(server.found, LocalServer)
    }
    problems = shared_volumes(places, permissions.shared_volumes)
    for server in servers:
        for path, message in problems.get(server.name, {}).items():
            server.findings.error(path, message)
    return [replace(server, found=None) if server.name in problems else server for server in servers]


def _resolved(servers: list[_Server], resolver: Resolver) -> list[_Server]:
    """The servers with the values of their variables; one whose references have none fails, unless it is disabled."""
    started = {whose: parsed for server in servers for whose, parsed in server.parsed.items()}
    values = resolve_variables(
        {whose: parsed.env for whose, parsed in started.items()},
        {whose: parsed.verbatim for whose, parsed in started.items()},
        resolver,
    )
    result = []
    for server in servers:
        problems = [
            (started[whose].places.get(variable, key_path("env", variable)), message)
            for whose in server.parsed
            for variable, message in values[whose][1].items()
        ]
        for path, message in problems:
            if server.enabled:
                server.findings.error(path, message)
            else:
                server.findings.explain(path, f"{message}; that does no harm while the server is disabled")
        found = None if problems and server.enabled else server.found
        result.append(replace(server, env={whose: values[whose][0] for whose in server.parsed}, found=found))
    return result
