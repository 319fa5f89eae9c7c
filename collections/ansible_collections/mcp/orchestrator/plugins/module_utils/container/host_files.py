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


class FileError(Exception):
    """A file of the host that cannot be written; the message names it and the reason."""


class HostFiles(Protocol):
    """What observing and applying need of the host's files."""

    def look(self, paths: Iterable[str]) -> dict[str, Source]:
        """Returns what each path is; nothing of those that cannot be looked at from here."""

    def write_text(self, path: str, text: str) -> None:
        """Writes a small ASCII file in place, for a container may have it mounted. Raises FileError."""


class LocalFiles:
    """The files of the host on which the module runs. ``local``: whether the engine runs there too."""

    def __init__(self, local: bool) -> None:
        self._local = local

    def look(self, paths: Iterable[str]) -> dict[str, Source]:
        return {path: _source(path) for path in sorted(set(paths))} if self._local else {}

    def write_text(self, path: str, text: str) -> None:
        try:
            with open(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o644), "r+", encoding="ascii") as file:
                if file.read() != text:
                    file.seek(0)
                    file.write(text)
                    file.truncate()
        except OSError as error:
            raise FileError(f"{path} cannot be written: {error.strerror}") from error


def _source(path: str) -> Source:
    try:
        real = os.path.realpath(path, strict=True)
        mode = os.stat(real).st_mode
    except FileNotFoundError:
        return Source(path, "missing")
    except OSError as error:
        return Source(path, "unknown", error.strerror or str(error))
    return Source(real, next((kind for fits, kind in _KINDS if fits(mode)), "pipe"))
