# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What paths of the host are, once every link in them is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from typing import Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.container.world import Source

_KINDS = (
    (stat.S_ISDIR, "directory"),
    (stat.S_ISREG, "file"),
    (stat.S_ISSOCK, "socket"),
    (stat.S_ISBLK, "device"),
    (stat.S_ISCHR, "device"),
)


class HostPaths(Protocol):
    """What observing and applying need of the host's files."""

    def look(self, paths: Iterable[str]) -> dict[str, Source]:
        """What each path is; nothing of those that cannot be looked at from here."""


class LocalPaths:
    """The files of the host on which the module runs. ``local``: whether the engine runs there too."""

    def __init__(self, local: bool) -> None:
        self._local = local

    def look(self, paths: Iterable[str]) -> dict[str, Source]:
        return {path: _source(path) for path in sorted(set(paths))} if self._local else {}


def _source(path: str) -> Source:
    try:
        real = os.path.realpath(path, strict=True)
        mode = os.stat(real).st_mode
    except FileNotFoundError:
        return Source(path, "missing")
    except OSError as error:
        return Source(path, "unknown", error.strerror or str(error))
    return Source(real, next((kind for fits, kind in _KINDS if fits(mode)), "pipe"))
