# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What ``-v`` mounts, and which sources would hand the host to a container."""

from __future__ import annotations

import posixpath
import re

_NAMED = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]+")  # docker wants two characters at least
_MODES = frozenset(
    {"ro", "rw", "z", "Z", "nocopy", "private", "rprivate", "shared", "rshared", "slave", "rslave", "cached"}
    | {"delegated", "consistent"}
)
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
    """A volume that is understood and refused."""


def absolute(path: str) -> str:
    """The path without ``//``, ``.`` and ``..``; ``/var/run`` is ``/run``, as on every systemd host."""
    normal = posixpath.normpath("/" + path.lstrip("/"))
    return "/run" + normal[len("/var/run") :] if (normal + "/").startswith("/var/run/") else normal


def is_guarded(source: str) -> bool:
    """Whether mounting this host path would hand over the host: a guarded path, its parent, or what is in it."""
    path = absolute(source)
    inside = path.rstrip("/") + "/"
    return bool(_SOCKETS.fullmatch(posixpath.basename(path))) or any(
        inside.startswith(guarded + "/") or guarded.startswith(inside) for guarded in _GUARDED
    )


def volume(text: str) -> str:
    """``source:target[:mode]`` in one canonical spelling, the source an absolute path or a volume's name.

    Raises UnsafeVolume for sources that hand over the host, ValueError for what is not a volume; both with a reason
    that reads after the value.
    """
    parts = text.split(":")
    if re.match(r"[A-Za-z]:[\\/]", text) or "\\" in text:
        raise ValueError("is a Windows path; the servers run on Linux: write an absolute path of the host")
    if len(parts) == 1:
        raise ValueError("names no source; an anonymous volume is lost with its container: write name:/path")
    if len(parts) > 3 or not all(parts):
        raise ValueError("is not source:target[:mode]")
    source, target = parts[0], parts[1]
    modes = sorted(set(parts[2].split(","))) if len(parts) == 3 else []
    unknown = [mode for mode in modes if mode not in _MODES]
    if unknown:
        raise ValueError(f"has the mode '{unknown[0]}'; write ro or rw")
    if "ro" in modes and "rw" in modes:
        raise ValueError("is both ro and rw")
    if source.startswith("/"):
        if is_guarded(source):
            raise UnsafeVolume("is not allowed: it would hand the host to the container; mount a folder of its own")
        source = posixpath.normpath("/" + source.lstrip("/"))
    elif source.startswith(("~", ".", "$")) or not _NAMED.fullmatch(source):
        raise ValueError("has a source that depends on who starts it; write an absolute path of the host")
    modes = [mode for mode in modes if mode not in {"rw", "cached", "delegated", "consistent"}]
    return ":".join([source, container_path(target), *([",".join(modes)] if modes else [])])


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
