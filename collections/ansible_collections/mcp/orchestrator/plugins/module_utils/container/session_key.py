# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The keys by which all containers of a server, on every host of the fleet, know each other's sessions.

They matter where one process serves many clients: such a session is all in its id, which one container signs and any
other accepts (files/bridge/transport/session_ids.py).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import stat

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.isolation import shares_sessions
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import KeyFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec

VARIABLE = "MCP_BRIDGE_SESSION_KEYS"  # files/bridge/process/environment.py reads it
SHORTEST = 32
"""Characters of a line of the file; 64 hexadecimal digits are what is made."""


class SessionKeys:
    """The lines of a file, of which the first signs and all are accepted, so that one can be replaced.

    Without a file no server gets keys, and its sessions end with its container.
    """

    def __init__(self, path: str | None, fleet: str) -> None:
        self._path = path
        self._fleet = fleet

    def of(self, spec: Spec) -> list[str]:
        """Returns the variable of a server's containers that holds its own keys, for the engine only; none where each
        session has a process. No server can work out another's keys. Raises KeyFileError."""
        if not shares_sessions(spec):
            return []
        keys = [self._derived(line, spec.name) for line in self._lines()]
        return [f"{VARIABLE}={','.join(keys)}"] if keys else []

    def _derived(self, line: bytes, server: str) -> str:
        message = b"\0".join((b"session ids", self._fleet.encode(), server.encode()))
        return hmac.new(line, message, hashlib.sha256).hexdigest()

    def _lines(self) -> list[bytes]:
        if self._path is None or not os.path.exists(self._path):
            return []
        try:
            with open(self._path, "rb") as file:
                mode = stat.S_IMODE(os.fstat(file.fileno()).st_mode)
                lines = [line.strip() for line in file if line.strip()]
        except OSError as error:
            raise KeyFileError(
                f"{self._path}: the key file cannot be read: {error.strerror}; run as its owner"
            ) from error
        if mode & 0o077:
            raise KeyFileError(f"{self._path}: the key file has mode {mode:04o}; chmod 0600 it")
        if any(len(line) < SHORTEST for line in lines):
            raise KeyFileError(
                f"{self._path}: a line has fewer than {SHORTEST} characters; make one with openssl rand -hex 32"
            )
        return lines
