# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was found while one server's entry was read."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError

_PLAIN_KEY = re.compile(r"[A-Za-z0-9_-]+")


def key_path(base: str, key: str) -> str:
    """Returns ``base.key``, or ``base["key"]`` where a dot or a blank in the key would mislead."""
    return f"{base}.{key}" if _PLAIN_KEY.fullmatch(key) else f'{base}["{printable(key)}"]'


def printable(text: str, longest: int = 80) -> str:
    """Returns the text on one line of a terminal: control characters escaped, long ones cut."""
    shown = "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
    return shown if len(shown) <= longest else shown[: longest - 1] + "…"


def suggestion(word: str, known: Iterable[str]) -> str:
    """Returns ``; do you mean 'env'?`` where a known word is close, else nothing."""
    candidates = list(known)
    close = difflib.get_close_matches(word.lower(), candidates, n=1, cutoff=0.7)
    close += [each for each in candidates if len(word) >= 3 and each.startswith(word.lower())]
    return f"; do you mean '{close[0]}'?" if close else ""


class Findings:
    """Errors, warnings and explanations of one server, each with the path of its key."""

    def __init__(self, file: str, base: str, server: str) -> None:
        self.file = file
        self.base = base
        self.server = server
        self.errors: list[ConfigError] = []
        self.warnings: list[str] = []
        self.explained: list[str] = []

    def error(self, path: str, message: str) -> None:
        """Notes what makes the server fail. ``path`` is relative to the entry: ``args[3]``."""
        self.errors.append(ConfigError(self.file, self._full(path), message, self.server))

    def postpone(self, errors: Sequence[ConfigError]) -> None:
        """Makes notes of errors that do no harm, because their server is disabled."""
        base = self._full("")
        for error in errors:
            self.errors.remove(error)
            path = error.path.removeprefix(base).lstrip(".")
            self.explain(path, f"{error.message}; that does no harm while the server is disabled")

    def warn(self, path: str, message: str) -> None:
        """Notes what is probably a mistake, for the user's eyes and in the explanation."""
        self.warnings.append(f"{self.file}: {self._full(path)}: {message}")
        self.explain(path, message)

    def explain(self, path: str, message: str) -> None:
        """Notes what was ignored or decided, and why."""
        self.explained.append(f"{path}: {message}" if path else message)

    def _full(self, path: str) -> str:
        return f"{self.base}.{path}" if path and not path.startswith("[") else f"{self.base}{path}"
