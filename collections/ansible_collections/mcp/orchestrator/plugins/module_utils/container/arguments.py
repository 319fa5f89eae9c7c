# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From the arguments of mcp_container to what a run works with."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import KeyFileError, read_key
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.environment import (
    EnvChanged,
    Environment,
    Values,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.seccomp import Profile, ProfileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.session_key import SessionKeys

Arguments = Mapping[str, Any]


class ArgumentError(ValueError):
    """An argument of the module that cannot be used; the message names it and says what to give."""


def specs_of(servers: list[dict[str, Any]]) -> list[Spec]:
    """Returns the specs of the argument ``servers``, a list of dicts as mcp_config_info returns them.

    Raises ArgumentError for the first one that is no spec, and for a name that occurs twice.
    """
    specs = []
    for index, server in enumerate(servers):
        try:
            specs.append(Spec.from_dict(server))
        except TypeError as error:
            raise ArgumentError(
                f"servers[{index}] ({server.get('name', 'without a name')}) is not a spec: {error};"
                " give what mcp_config_info returned"
            ) from error
    names = [spec.name for spec in specs]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ArgumentError(f"servers names {', '.join(twice)} more than once; give each server once")
    return specs


def labels_by_host(arguments: Arguments) -> dict[str, dict[str, str]]:
    """Returns the labels of all hosts, by host name. Raises ArgumentError when this host is not among them."""
    hosts = {
        str(name): {str(k): str(v) for k, v in (labels or {}).items()} for name, labels in arguments["hosts"].items()
    }
    if hosts and arguments["host"] not in hosts:
        raise ArgumentError(f"host is {arguments['host']}, which hosts does not name; give one of {', '.join(hosts)}")
    return hosts


def draining_ports(servers: Mapping[str, Any]) -> dict[str, frozenset[int]]:
    """Returns the ports of the argument ``draining`` by server. Raises ArgumentError."""
    try:
        return {str(name): frozenset(int(port) for port in ports) for name, ports in servers.items()}
    except (TypeError, ValueError) as error:
        raise ArgumentError("draining is no table of ports by server; give what mcp_route returned") from error


def policy_of(arguments: Arguments) -> Policy:
    """Returns what holds for every server. Raises ProfileError."""
    return Policy(
        fleet=arguments["fleet"],
        bridge=bridge_directory(arguments["bridge"]),
        port_range_start=arguments["port_range_start"],
        port_range_end=arguments["port_range_end"],
        publish_address=arguments["publish_address"],
        host_ports=tuple(arguments["host_ports"]),
        health_timeout=arguments["health_timeout"],
        seccomp=seccomp_profile(arguments["seccomp"]),
        permissions=Permissions(
            keys=frozenset(key for key in ("allow_host_paths", "allow_docker_socket") if arguments[key]),
            host_path_roots=tuple(arguments["host_path_roots"]),
            fleet=arguments["fleet"],
        ),
        allowed_origins=tuple(arguments["allowed_origins"]),
        log_level=arguments["log_level"],
        call_record=arguments["call_record"],
        traces=arguments["traces"],
    )


def environment_of(arguments: Arguments, specs: list[Spec]) -> Environment:
    """Returns the values for the servers that may get a new container; they are read when the first is needed."""

    def read() -> tuple[Values, bytes]:
        if not arguments["config"] or not any(spec.env for spec in specs):
            return {}, b""
        # Most of the module's start would be the reader's, and hardly a run needs it.
        from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import load_env

        try:
            return load_env(arguments["config"], arguments["settings"]), read_key(arguments["key_file"])
        except (ConfigFileError, KeyFileError) as error:
            raise EnvChanged(str(error)) from error

    return Environment(read, SessionKeys(arguments["session_key_file"], arguments["fleet"]))


def bridge_directory(path: str | None) -> str | None:
    """Returns the directory behind ``path``: a link to the current runtime must not change under a container."""
    return os.path.realpath(path) if path else None


def seccomp_profile(path: str | None) -> Profile | None:
    """Returns the profile at ``path``. Raises ProfileError."""
    if not path:
        return None
    try:
        with open(path, encoding="utf-8") as file:
            return Profile.of(os.path.realpath(path), file.read())
    except (OSError, UnicodeDecodeError) as error:
        raise ProfileError(
            f"the seccomp profile {path} cannot be read: {error}; install it again (setup.sh)"
        ) from error
