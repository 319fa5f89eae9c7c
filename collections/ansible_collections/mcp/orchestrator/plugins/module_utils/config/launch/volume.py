# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``-v`` mounts, and which sources would hand a container more than its own."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.host_path import (
    absolute,
    below_any,
    is_engine_socket,
    is_system_directory,
    listed,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.client_machine import is_client_path
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions

_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")  # docker wants two characters at least
_MODES = frozenset(
    {"ro", "rw", "z", "Z", "nocopy", "private", "rprivate", "shared", "rshared", "slave", "rslave", "cached"}
    | {"delegated", "consistent"}
)
# The default, and what only means something on a Mac.
_MEANINGLESS = frozenset({"rw", "cached", "delegated", "consistent"})

# Names of volumes in which this fleet keeps its own data: container/fleet_resources.py, failure.py, step_mark.py …
_INTERNAL = ("hosts", "failures", "done", "unverified")


class UnsafeVolume(ValueError):
    """A volume that is understood and refused; the message reads after its value and says the way out."""


def guard(source: str, permissions: Permissions) -> str | None:
    """Returns why this path of the host is not mounted, with the way out; None where it may be.

    Whether it is what it seems, or a link that leads elsewhere, only the host itself can tell.
    """
    path = absolute(source)
    if is_engine_socket(path):
        needed = "allow_docker_socket"
        if needed in permissions:
            return None
        return f"it would give the container control of the host; set {needed} in settings.conf if you mean it"
    if "allow_host_paths" in permissions or below_any(path, permissions.host_path_roots):
        return None
    if is_system_directory(path):
        return "it would give the container control of the host; set allow_host_paths in settings.conf if you mean it"
    if not permissions.host_path_roots:
        return "host_path_roots in settings.conf allows no path of the host; add a directory to it, or remove it"
    if is_client_path(path):
        return (
            f"{path} is a path of the client's machine, which this host does not have; copy it below"
            f" {listed(permissions.host_path_roots)} and write that path, or add a directory that holds it to"
            " host_path_roots in settings.conf"
        )
    return (
        f"{path} is not in {listed(permissions.host_path_roots)}; add a directory that holds it to host_path_roots in"
        " settings.conf, or set allow_host_paths to allow any path"
    )


def is_internal(name: str, fleet: str) -> bool:
    """Returns whether a volume bears a name under which the fleet keeps what is its own."""
    return name.startswith(f"{fleet}-") and name.rpartition(".")[2] in _INTERNAL


def volume(text: str, permissions: Permissions) -> str:
    """Reads ``source:target[:mode]`` in one canonical spelling; the source is an absolute path or the name of a volume.

    Raises UnsafeVolume for what hands over more than a volume, ValueError for what is not one; both with a reason that
    reads after the value.
    """
    parts = text.split(":")
    if re.match(r"[A-Za-z]:[\\/]", text) or "\\" in text:
        raise ValueError("is a Windows path; the servers run on Linux: write an absolute path of the host")
    if len(parts) == 1:
        raise ValueError("has no source; an anonymous volume is lost with its container: write name:/path")
    if len(parts) > 3 or not all(parts):
        raise ValueError("is not source:target[:mode]")
    modes = set(parts[2].split(",")) if len(parts) == 3 else set()
    unknown = sorted(modes - _MODES)
    if unknown:
        shown = f"the mode '{unknown[0]}'" if unknown[0].isalpha() else "a mode that is none"
        raise ValueError(f"has {shown}; write ro or rw")
    if {"ro", "rw"} <= modes:
        raise ValueError("is both ro and rw")
    refuse_propagation(modes, permissions)
    kept = ",".join(sorted(modes - _MEANINGLESS))
    return ":".join([mount_source(parts[0], permissions), container_path(parts[1]), *([kept] if kept else [])])


def refuse_propagation(modes: Collection[str], permissions: Permissions) -> None:
    """Raises UnsafeVolume for a mode that would show the container's mounts to the host."""
    outward = sorted({"shared", "rshared"} & set(modes))
    if outward and "allow_host_paths" not in permissions:
        raise UnsafeVolume(
            f"its mode '{outward[0]}' would make mounts of the container mounts of the host;"
            " remove it, or set allow_host_paths in settings.conf if you mean it"
        )


def mount_source(source: str, permissions: Permissions) -> str:
    """Reads the name of a volume, or an absolute path of the host. Raises as ``volume`` does."""
    if source.startswith("/"):
        reason = guard(source, permissions)
        if reason:
            raise UnsafeVolume(reason)
        return posixpath.normpath("/" + source.lstrip("/"))
    if not _NAMED.fullmatch(source):
        raise ValueError("has a source that depends on who starts it; write an absolute path of the host")
    if is_internal(source, permissions.fleet):
        raise UnsafeVolume(f"the fleet keeps its own data in volumes like {source}; choose another name")
    return source


def container_path(text: str) -> str:
    """Reads an absolute path below the container's root. Raises ValueError."""
    path = posixpath.normpath("/" + text.lstrip("/"))
    if not text.startswith("/") or path == "/":
        raise ValueError("needs an absolute path in the container, not the root itself")
    if path == "/.mcp" or path.startswith("/.mcp/"):
        raise ValueError("is the bridge's own directory in every container; choose another path")
    return path


def tmpfs(text: str) -> str:
    """Reads ``/path[:options]`` in one canonical spelling. Raises ValueError."""
    path, _colon, options = text.partition(":")
    path = container_path(path)
    if options and not re.fullmatch(r"[a-z]+(=[0-9A-Za-z%]+)?(,[a-z]+(=[0-9A-Za-z%]+)?)*", options):
        raise ValueError("has options that tmpfs does not know; write for example /run:size=64m")
    if re.search(r"(^|,)size=[^,]*%", options):
        raise ValueError("has a share of the host's memory as size; write for example size=64m")
    return f"{path}:{options}" if options else path
