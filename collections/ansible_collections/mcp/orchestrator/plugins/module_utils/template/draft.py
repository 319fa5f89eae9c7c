# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A template in the making, and what of a published file it cannot have."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.names import is_secret_name

ARGUMENT = "ARG_"
"""With it begin the variables that arguments take, so that none is one of the server's or the machine's."""
_LONGEST = 400


@dataclass(frozen=True)
class Remark:
    """What is said of a key of the file."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}" if self.key else self.text


@dataclass
class Draft:
    """``env`` are variables with their defaults, ``required`` those that an entry must give, each with what it is.

    ``errors`` are why there is no template, ``notes`` what it does not have of the file, each with the way out.
    """

    env: dict[str, str] = field(default_factory=dict)
    required: dict[str, str] = field(default_factory=dict)
    extension: dict[str, Any] = field(default_factory=dict)
    errors: list[Remark] = field(default_factory=list)
    notes: list[Remark] = field(default_factory=list)

    def error(self, key: str, text: str) -> None:
        """Notes why there is no template."""
        self.errors.append(Remark(key, text))

    def note(self, key: str, text: str) -> None:
        """Notes what the template does not have, and what to do about it."""
        self.notes.append(Remark(key, text))

    def require(self, name: str, what: str) -> None:
        """Asks entries for a variable."""
        self.required[name] = what[:_LONGEST]

    def plain(self, key: str, text: str) -> str:
        """Returns a text of the file, and refuses one that would mean something else here.

        A published file must not name values of the host: the server would get the host's secrets.
        """
        if "${" in text:
            self.error(
                key,
                f"'{printable(text)}' has ${{…}}, which stands for a value of the host here; if the server is meant to"
                " get it as it is written, write an entry of your own",
            )
        elif "\0" in text:
            self.error(key, "holds a NUL character, which no program can be given")
        return text

    def ask_in_argument(self, name: str, what: str, secret: bool) -> str:
        """Returns the word that stands for what an entry must give as the variable of this name."""
        variable = self._variable(name)
        self.require(variable, what)
        self._keep_secret(secret or is_secret_name(variable))
        return f"${{{variable}}}"

    def offer_in_argument(self, name: str, text: str, secret: bool) -> str:
        """Returns the word that stands for a value that an entry may change by the variable of this name."""
        if not text or re.search(r"[{}$\\]", text):
            return text
        self._keep_secret(secret or is_secret_name(self._variable(name)))
        return f"${{{self._variable(name)}:-{text}}}"

    @staticmethod
    def _variable(name: str) -> str:
        return ARGUMENT + (re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "VALUE")

    def _keep_secret(self, secret: bool) -> None:
        if secret:
            self.extension["secret_args"] = True


def one_line(text: str) -> str:
    """Returns a text of the file as one line that people can be shown."""
    return printable(" ".join(text.split()), _LONGEST)
