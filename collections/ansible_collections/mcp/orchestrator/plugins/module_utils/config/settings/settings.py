# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of one installation: settings.conf."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.authentication import (
    Jwt,
    Oidc,
    incomplete,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.aws import Aws
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.builds import Builds
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.dashboard import Dashboard
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.defaults import Defaults
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.ini import IniFile
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.kubernetes import (
    Kubernetes,
    annotation_errors,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.litellm import Litellm
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.logging import Logging
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.notify import Notify
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.routes import Routes
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.security import Security
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.service import Service
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import readers_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.tags import tag_errors
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.traces import Traces
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.watcher import Watcher

# In the order of the sample file. Every key of a section is a field of its class, with its default and its reader.
SECTIONS: Mapping[str, type[Any]] = {
    "aws": Aws,
    "service": Service,
    "builds": Builds,
    "dashboard": Dashboard,
    "logging": Logging,
    "watcher": Watcher,
    "notify": Notify,
    "traces": Traces,
    "litellm": Litellm,
    "security": Security,
    "defaults": Defaults,
    "routes": Routes,
    "oidc": Oidc,
    "jwt": Jwt,
    "kubernetes": Kubernetes,
}
# The sections whose keys the user chooses, and what they are for.
FREE_SECTIONS: Mapping[str, str] = {
    "tags": "Further tags of the rules and target groups: NAME = value.",
    "inputs": "Values of ${input:NAME}, which VS Code asks a person for: NAME = value, or a reference such as"
    " ${ssm:/mcp/token}.",
    "ingress_annotations": "Annotations of the Ingress of each server on Kubernetes: NAME = value. {path} is its path,"
    " as /mcp/time, and {host} what it gets as Host; one with {host} is left out where that is the client's.",
    "ingress_strip_annotations": "Further ones for servers whose prefix the Ingress controller has to remove.",
}


@dataclass(frozen=True)
class Settings:
    """All of settings.conf, with defaults for what it does not say.

    ``tags`` are further ones for rules and target groups; ``inputs`` are the values of an editor's ``${input:…}``,
    which nobody can be asked for here; ``ingress_annotations`` and ``ingress_strip_annotations`` those of Ingresses.
    """

    aws: Aws = field(default_factory=Aws)
    service: Service = field(default_factory=Service)
    builds: Builds = field(default_factory=Builds)
    dashboard: Dashboard = field(default_factory=Dashboard)
    logging: Logging = field(default_factory=Logging)
    watcher: Watcher = field(default_factory=Watcher)
    notify: Notify = field(default_factory=Notify)
    traces: Traces = field(default_factory=Traces)
    litellm: Litellm = field(default_factory=Litellm)
    security: Security = field(default_factory=Security)
    defaults: Defaults = field(default_factory=Defaults)
    routes: Routes = field(default_factory=Routes)
    oidc: Oidc = field(default_factory=Oidc)
    jwt: Jwt = field(default_factory=Jwt)
    kubernetes: Kubernetes = field(default_factory=Kubernetes)
    tags: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, Secret] = field(default_factory=dict)
    ingress_annotations: Mapping[str, str] = field(default_factory=dict)
    ingress_strip_annotations: Mapping[str, str] = field(default_factory=dict)

    def permissions(self) -> Permissions:
        """Returns what entries may have beyond their container."""
        security = self.security
        return Permissions(
            keys=security.allowed(),
            host_path_roots=security.host_path_roots,
            shared_volumes=frozenset(security.shared_volumes),
            fleet=self.service.fleet,
        )

    def to_dict(self) -> dict[str, dict[str, Any]]:
        """Returns plain data by section; passwords, secrets, the inputs and the addresses of [notify] are left out."""
        sections = {
            section: {
                name: list(value) if isinstance(value, tuple) else value
                for name, value in vars(getattr(self, section)).items()
                if not isinstance(value, Secret)
            }
            for section in SECTIONS
        }
        return {**sections, "tags": dict(self.tags)}

    def contradictions(self) -> Iterator[tuple[str, str, str]]:
        """Yields what cannot hold together: section, key, and the reason with the way out."""
        found = {
            "aws": self.aws.contradictions(),
            "service": self.service.contradictions(),
            "dashboard": self.dashboard.contradictions(),
            "notify": self.notify.contradictions(),
            "traces": self.traces.contradictions(),
            "litellm": self.litellm.contradictions(),
            "routes": self.routes.contradictions(),
            "oidc": incomplete("oidc", self.oidc, is_used=self.routes.auth == "oidc"),
            "jwt": incomplete("jwt", self.jwt, is_used=self.routes.auth == "jwt"),
            "tags": tag_errors(self.tags),
            "ingress_annotations": annotation_errors(self.ingress_annotations),
            "ingress_strip_annotations": annotation_errors(self.ingress_strip_annotations),
        }
        for section, problems in found.items():
            for key, reason in problems:
                yield section, key, reason
        if self.traces.endpoint and not (self.watcher.enabled and self.logging.calls):
            yield (
                "traces",
                "endpoint",
                "needs calls = true in [logging] and enabled = true in [watcher]",
            )
        if self.traces.endpoint and self.service.runtime == "kubernetes":
            yield "traces", "endpoint", "gets no span of a pod; leave it empty with runtime = kubernetes"
        if self.dashboard.auth == "oidc" and not self.oidc.issuer:
            yield "dashboard", "auth", "'oidc' needs the provider under [oidc]"
        if self.routes.topology == "node-router" and "{path}" in self.jwt.audience:
            reason = "cannot have {path} with topology = node-router, where one rule is for all servers"
            yield "jwt", "audience", f"{reason}; name one audience, or use topology = direct"


def read_settings(path: str | None) -> Settings:
    """Reads settings.conf; without one all are defaults.

    Raises ConfigFileError with everything that is wrong in it.
    """
    if path is None:
        return Settings()
    file = IniFile(path, os.path.basename(path), (*SECTIONS, *FREE_SECTIONS))
    readers = {section: readers_of(kind) for section, kind in SECTIONS.items()}
    file.refuse_unknown(readers, tuple(FREE_SECTIONS))
    given = {section: kind(**file.section(section, readers[section])) for section, kind in SECTIONS.items()}
    inputs = {name: Secret(value) for name, value in file.texts("inputs").items() if value}
    settings = Settings(
        **given,
        tags=file.texts("tags"),
        inputs=inputs,
        ingress_annotations=file.texts("ingress_annotations"),
        ingress_strip_annotations=file.texts("ingress_strip_annotations"),
    )
    for section, key, reason in settings.contradictions():
        file.error(section, key, reason)
    if file.errors:
        raise ConfigFileError(file.errors)
    return settings
