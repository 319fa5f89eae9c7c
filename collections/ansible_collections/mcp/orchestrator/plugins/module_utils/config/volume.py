# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``-v`` mounts, and which sources would hand the host to a container."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection

_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")  # docker wants two characters at least
_MODES = frozenset(
    {"ro", "rw", "z", "Z", "nocopy", "private", "rprivate", "shared", "rshared", "slave", "rslave", "cached"}
    | {"delegated", "consistent"}
)
# The default, and what only means something on a Mac.
_MEANINGLESS = frozenset({"rw", "cached", "delegated", "consistent"})
_SOCKETS = re.compile(r"(docker|podman|containerd|crio|buildkitd)[^/]*\.sock")

# Whoever can read or write these has the host, other containers, or this fleet's own secrets.
_GUARDED = (
    "/boot",
    "/dev",
    "/etc/mcp-orchestrator",
    "/etc/shadow",
    "/opt/mcp-orchestrator",
    "/proc",
    "/root",
    "/run/containerd",
    "/run/docker.sock",
    "/run/podman",
    "/sys",
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/lib/mcp-orchestrator",
)


class UnsafeVolume(ValueError):
    """A volume that is understood and refused; ``allow`` is the key of [security] that lets it through."""

    def __init__(self, message: str, allow: str) -> None:
        super().__init__(message)
        self.allow = allow


def absolute(path: str) -> str:
    """The path without ``//``, ``.`` and ``..``; ``/var/run`` is ``/run``, as on every systemd host."""
    normal = posixpath.normpath("/" + path.lstrip("/"))
    return "/run" + normal[len("/var/run") :] if (normal + "/").startswith("/var/run/") else normal


def guard(source: str) -> str | None:
    """The key of [security] without which this host path is not mounted, or None when it is harmless.

    Guarded are the engine's socket, the paths above, what is in them, and their parents.
    """
    path = absolute(source)
    inside = path.rstrip("/") + "/"
    if _SOCKETS.fullmatch(posixpath.basename(path)):
        return "allow_docker_socket"
    if any(inside.startswith(guarded + "/") or guarded.startswith(inside) for guarded in _GUARDED):
        return "allow_host_paths"
    return None


def volume(text: str, allowed: Collection[str] = ()) -> str:
    """``source:target[:mode]`` in one canonical spelling, the source an absolute path or a volume's name.

    ``allowed`` are the keys of [security] that are on. Raises UnsafeVolume for sources that hand over the host,
    ValueError for what is not a volume; both with a reason that reads after the value.
    """
    parts = text.split(":")
    if re.match(r"[A-Za-z]:[\\/]", text) or "\\" in text:
        raise ValueError("is a Windows path; the servers run on Linux: write an absolute path of the host")
    if len(parts) == 1:
        raise ValueError("names no source; an anonymous volume is lost with its container: write name:/path")
    if len(parts) > 3 or not all(parts):
        raise ValueError("is not source:target[:mode]")
    modes = set(parts[2].split(",")) if len(parts) == 3 else set()
    unknown = sorted(modes - _MODES)
    if unknown:
        raise ValueError(f"has the mode '{unknown[0]}'; write ro or rw")
    if {"ro", "rw"} <= modes:
        raise ValueError("is both ro and rw")
    kept = ",".join(sorted(modes - _MEANINGLESS))
    return ":".join([mount_source(parts[0], allowed), container_path(parts[1]), *([kept] if kept else [])])


def mount_source(source: str, allowed: Collection[str] = ()) -> str:
    """A volume's name, or an absolute path of the host. Raises as ``volume`` does."""
    if source.startswith("/"):
        needed = guard(source)
        if needed and needed not in allowed:
            raise UnsafeVolume("would hand the host to the container", needed)
        return posixpath.normpath("/" + source.lstrip("/"))
    if not _NAMED.fullmatch(source):
        raise ValueError("has a source that depends on who starts it; write an absolute path of the host")
    return source


def container_path(text: str) -> str:
    """An absolute path below the container's root. Raises ValueError."""
    path = posixpath.normpath("/" + text.lstrip("/"))
    if not text.startswith("/") or path == "/":
        raise ValueError("needs an absolute path in the container, not the root itself")
    if path == "/.mcp" or path.startswith("/.mcp/"):
        raise ValueError("is where the bridge lives in every container; choose another path")
    return path


def tmpfs(text: str) -> str:
    """``/path[:options]`` in one canonical spelling. Raises ValueError."""
    path, _colon, options = text.partition(":")
    path = container_path(path)
    if options and not re.fullmatch(r"[a-z]+(=[0-9A-Za-z%]+)?(,[a-z]+(=[0-9A-Za-z%]+)?)*", options):
        raise ValueError("has options that tmpfs does not know; write for example /run:size=64m")
    return f"{path}:{options}" if options else path
