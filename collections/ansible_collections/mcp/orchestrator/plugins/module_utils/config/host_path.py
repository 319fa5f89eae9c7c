# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Paths of the host: how they are written, and below which directories servers may have some. Pure.

The default roots are the places that the Filesystem Hierarchy Standard 3.0 leaves to the site's own data (``/srv``) and
to what is mounted there (``/mnt``), and the customary ``/data``: no program of the system reads what lies there.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

DEFAULT_ROOTS = ("/data", "/mnt", "/srv")
# Whoever can write somewhere in these, or above them, has the host, other containers, or this fleet's secrets.
_SYSTEM = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/opt/mcp-orchestrator",
    "/proc",
    "/root",
    "/run",
    "/sbin",
    "/sys",
    "/usr",
    "/var/cache",
    "/var/lib/containerd",
    "/var/lib/containers",
    "/var/lib/docker",
    "/var/lib/dpkg",
    "/var/lib/mcp-orchestrator",
    "/var/lib/rpm",
    "/var/lib/systemd",
    "/var/log",
    "/var/spool",
)
# Where secrets are laid for services to read them: by Docker and others, and by whoever keeps this fleet.
_SECRETS = ("/run/secrets", "/etc/mcp-orchestrator/secrets")
_HOME = re.compile(r"/home(/[^/]+(/\..*)?)?")
_ENGINE_SOCKET = re.compile(r"(docker|podman|containerd|crio|buildkitd)[^/]*\.sock")


def absolute(path: str) -> str:
    """Returns the path without ``//``, ``.`` and ``..``; ``/var/run`` is ``/run``, as on every systemd host."""
    normal = posixpath.normpath("/" + path.lstrip("/"))
    return "/run" + normal[len("/var/run") :] if (normal + "/").startswith("/var/run/") else normal


def is_below(path: str, folder: str) -> bool:
    """Returns whether ``path`` is ``folder`` or lies in it; both absolute."""
    return (path.rstrip("/") + "/").startswith(folder.rstrip("/") + "/")


def below_any(path: str, roots: Iterable[str]) -> bool:
    """Returns whether ``path`` is one of ``roots`` or lies in one."""
    return any(is_below(path, root) for root in roots)


def is_engine_socket(path: str) -> bool:
    """Returns whether a path has the name of an engine's socket: whoever has that has the host."""
    return bool(_ENGINE_SOCKET.fullmatch(posixpath.basename(path)))


def is_system_directory(path: str) -> bool:
    """Returns whether a directory is, contains or is part of a system directory, or is a whole home directory."""
    return any(is_below(path, each) or is_below(each, path) for each in _SYSTEM) or bool(_HOME.fullmatch(path))


def is_readable_for_entries(path: str) -> bool:
    """Returns whether a file of the host may be read for an entry, as root does it; ``path`` has no link in it."""
    return below_any(path, _SECRETS) or not is_system_directory(path)


def root(text: str) -> str:
    """Reads one directory of ``host_path_roots`` in its canonical spelling. Raises ValueError."""
    if not text.startswith("/") or "\0" in text:
        raise ValueError("is not an absolute path; write for example /srv")
    path = absolute(text)
    if is_system_directory(path):
        raise ValueError(
            f"has '{path}', which is or contains a system directory of the host;"
            " write a directory that contains only data, for example /srv"
        )
    return path


def listed(paths: Iterable[str]) -> str:
    """Returns one path or several in words: ``/data, /mnt or /srv``."""
    *some, last = sorted(paths)
    return f"{', '.join(some)} or {last}" if some else last
