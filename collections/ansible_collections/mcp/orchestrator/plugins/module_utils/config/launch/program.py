# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding the program that really starts a server, behind ``cmd /c``, ``sudo``, ``env`` and the like."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

_ENDING = re.compile(r"\.(exe|cmd|bat|ps1)$", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Program:
    """A program and the position in args of its first argument.

    ``path`` is how the program is written, ``position`` where: in args, or -1 for the key ``command``.
    ``variables`` are those that ``env`` sets for it.
    """

    path: str
    position: int
    start: int
    variables: tuple[tuple[str, str], ...] = ()

    @property
    def name(self) -> str:
        """The program's plain name: ``npx`` for ``C:\\nodejs\\npx.cmd``."""
        return _plain(self.path)

    @property
    def key(self) -> str:
        """Where the user finds it."""
        return "command" if self.position < 0 else f"args[{self.position}]"


def _plain(path: str) -> str:
    return _ENDING.sub("", posixpath.basename(path.replace("\\", "/"))).lower()


def find_program(command: str, args: Sequence[str]) -> Program:
    """Finds the program behind those that only start another: ``cmd /c``, ``wsl``, ``sudo``, ``env A=b``, ``exec``."""
    found = Program(command, -1, 0)
    for _depth in range(4):
        start = _behind(found, args)
        if start is None or start >= len(args):
            return found
        variables = list(found.variables)
        while start < len(args) and found.name == "env" and (match := _ASSIGNMENT.fullmatch(args[start])):
            variables.append((match[1], match[2]))
            start += 1
        if start >= len(args):
            return found
        found = Program(args[start], start, start + 1, tuple(variables))
    return found


def _behind(program: Program, args: Sequence[str]) -> int | None:
    start = program.start
    following = args[start] if start < len(args) else ""
    if program.name == "cmd":
        return start + 1 if following.lower() in {"/c", "/k"} else None
    if program.name in {"wsl", "sudo"}:
        while following in {"--", "-e", "--exec", "-n", "-E"}:
            start += 1
            following = args[start] if start < len(args) else ""
        return None if following.startswith("-") else start
    if program.name in {"env", "exec", "nohup", "mise-exec"}:
        return None if following.startswith("-") else start
    return None
