# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is wrong with a config, in sentences that name file, key, value and the way out."""

from __future__ import annotations

from collections.abc import Sequence


class ConfigError(Exception):
    """One thing wrong in one file.

    ``file`` is the name shown to the user, ``path`` the key's path in it (``mcpServers.time.args[3]``),
    ``server`` the server that fails for it, or None when it is the whole file.
    """

    def __init__(self, file: str, path: str, message: str, server: str | None = None) -> None:
        super().__init__(file, path, message, server)
        self.file = file
        self.path = path
        self.message = message
        self.server = server

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.path, self.message) if part)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ConfigError) and self.args == other.args

    def __hash__(self) -> int:
        return hash(self.args)


class ConfigFileError(Exception):
    """Files that cannot be used as a whole; ``errors`` holds every reason."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        super().__init__(*errors)
        self.errors = list(errors)

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self.errors)
