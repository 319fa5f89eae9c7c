# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The history on disk: a file for each report, two of what is known of the servers, and nothing that grows for ever.

Each file is replaced in one step, so that a reader sees the former one or the new one, whole. Nothing that is wrong
with the folder fails a run.
"""

from __future__ import annotations

import contextlib
import grp
import json
import os
import re
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import (
    GROUP_READABLE,
    FileNotWritten,
    write_json,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.conditions import (
    Conditions,
    conditions_from,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.memory import Memory, memory_from
from ansible_collections.mcp.orchestrator.plugins.module_utils.state.history.record import Json, folded

MOST_RECORDS = 1000
MOST_BYTES = 16 * 1024 * 1024
LARGEST_FILE = 4 * 1024 * 1024
FOLDER_MODE = 0o750

_RECORD = re.compile(r"\d{8}T\d{6}Z-[A-Za-z0-9._-]{1,64}\.json", re.ASCII)
_MEMORY = "servers.json"
_CONDITIONS = "conditions.json"


class HistoryFailure(Exception):
    """The history could not be kept. The message names the file and the way out."""


class HistoryFolder:
    """The folder of the history; ``group`` is the name of the group that may read it, None for the process's own."""

    def __init__(self, path: str, group: str | None = None) -> None:
        self._path = path
        self._group = group

    def memory(self) -> Memory:
        """Returns what earlier runs found; nothing where it cannot be read."""
        return memory_from(self._read(_MEMORY))

    def conditions(self) -> Conditions:
        """Returns in which condition each server was, and when; nothing where it cannot be read."""
        return conditions_from(self._read(_CONDITIONS))

    def keep_conditions(self, conditions: Conditions) -> None:
        """Writes in which condition each server was. Raises HistoryFailure."""
        path = os.path.join(self._path, _CONDITIONS)
        try:
            self._create()
            write_json(path, conditions.to_dict(), GROUP_READABLE, self._group, indent=None)
        except FileNotWritten as error:
            raise HistoryFailure(str(error)) from error
        except OSError as error:
            raise HistoryFailure(f"{path}: cannot be kept: {error.strerror or error}") from error

    def keep(self, record: Json, before: Memory, after: Memory) -> bool:
        """Writes a report and what is known of the servers now, and removes what is beyond the bounds.

        Returns whether the report was folded into the one before. Raises HistoryFailure.
        """
        try:
            self._create()
            names = self._records()
            last = self._read(names[-1]) if names else None
            counted = folded(last if isinstance(last, dict) else None, record)
            name = names[-1] if counted is not None else f"{record['id']}.json"
            if counted is None and not _RECORD.fullmatch(name):
                raise HistoryFailure(f"{self._path}: the id {record['id']!r} does not begin with the time of the run")
            write_json(os.path.join(self._path, name), counted or record, GROUP_READABLE, self._group)
            if before != after:
                write_json(os.path.join(self._path, _MEMORY), after.to_dict(), GROUP_READABLE, self._group)
            if counted is None:  # nothing has come that another would have to go for
                self._prune()
        except FileNotWritten as error:
            raise HistoryFailure(str(error)) from error
        except OSError as error:
            raise HistoryFailure(f"{self._path}: the history cannot be kept: {error.strerror or error}") from error
        return counted is not None

    def _create(self) -> None:
        if os.path.isdir(self._path):
            return
        os.mkdir(self._path, 0o700)
        if self._group is not None:
            try:
                os.chown(self._path, -1, grp.getgrnam(self._group).gr_gid)
            except KeyError:
                os.rmdir(self._path)
                raise HistoryFailure(f"{self._path}: there is no group '{self._group}' to read it") from None
        os.chmod(self._path, FOLDER_MODE)

    def _records(self) -> list[str]:
        """The names of the reports, the oldest first: each begins with the time of its run."""
        return sorted(name for name in os.listdir(self._path) if _RECORD.fullmatch(name))

    def _read(self, name: str) -> Any:
        try:
            with open(os.path.join(self._path, name), "rb") as file:
                return json.loads(file.read(LARGEST_FILE))
        except (OSError, ValueError, RecursionError):
            return None

    def _prune(self) -> None:
        """Removes the oldest reports beyond the bounds, and what a run that was killed has left half-written."""
        for name in os.listdir(self._path):
            if name.startswith("."):
                with contextlib.suppress(OSError):
                    os.unlink(os.path.join(self._path, name))
        kept = 0
        for count, name in enumerate(reversed(self._records())):
            path = os.path.join(self._path, name)
            with contextlib.suppress(OSError):
                kept += os.stat(path).st_size
                if count >= MOST_RECORDS or kept > MOST_BYTES:
                    os.unlink(path)
