# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Splitting the arguments of ``docker run`` into flags, image and command, as docker's own parser does."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import (
    Findings,
    printable,
    suggestion,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.launch.docker_flags import (
    BY_LETTER,
    BY_NAME,
    Flag,
)

_LONG = [f"--{name}" for name in BY_NAME]
_SWITCHES = "".join(letter for letter, flag in BY_LETTER.items() if not flag.takes_value)
# A flag and its value in one word; not a value with a blank in it behind a letter, as in "-w/my folder".
_GLUED = re.compile(rf"(--[A-Za-z][A-Za-z0-9-]*|-[{_SWITCHES}]*[A-Za-z])\s")
_TRUE = frozenset({"1", "t", "T", "TRUE", "true", "True"})
_FALSE = frozenset({"0", "f", "F", "FALSE", "false", "False"})


@dataclass(frozen=True)
class FlagUse:
    """One flag as it was written: ``spelling`` without its value, and the position of the value in ``args``."""

    flag: Flag
    spelling: str
    value: str
    position: int

    @property
    def path(self) -> str:
        """Where the user finds it."""
        return f"args[{self.position}]"

    @property
    def is_on(self) -> bool:
        """Returns whether a flag without a value is switched on."""
        return self.value in _TRUE


@dataclass(frozen=True)
class DockerRun:
    """What stands behind ``docker run``: the flags, where the image is (None without one), and what follows it."""

    uses: tuple[FlagUse, ...]
    image: str | None
    image_position: int
    command: tuple[str, ...]


class _Reader:
    def __init__(self, args: Sequence[str], position: int, findings: Findings) -> None:
        self.args = args
        self.position = position
        self.findings = findings
        self.uses: list[FlagUse] = []

    def read(self) -> DockerRun:
        while self.position < len(self.args):
            word = self.args[self.position]
            if word == "--":
                self.position += 1
                break
            if not word.startswith("-") or word == "-":
                break
            glued = _GLUED.match(word)
            if glued:
                self._error(f"'{glued[1]}' has a blank between the flag and its value; make two words of it")
            elif word.startswith("--"):
                self._long(word)
            else:
                self._letters(word)
            self.position += 1
        if self.position >= len(self.args):
            return DockerRun(tuple(self.uses), None, len(self.args), ())
        command = tuple(self.args[self.position + 1 :])
        return DockerRun(tuple(self.uses), self.args[self.position], self.position, command)

    def _long(self, word: str) -> None:
        name, equals, value = word[2:].partition("=")
        flag = BY_NAME.get(name)
        if flag is None:
            shown = printable(f"--{name}")
            self._error(f"'{shown}' is not a flag of docker run{suggestion(shown, _LONG)}")
            return
        self._use(flag, f"--{name}", value if equals else None)

    def _letters(self, word: str) -> None:
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = BY_LETTER.get(letter)
            if flag is None:
                self._error(f"'-{printable(letter)}' is not a flag of docker run")
                return
            if letters.startswith("="):
                self._use(flag, f"-{letter}", letters[1:])
                return
            if flag.takes_value:
                self._use(flag, f"-{letter}", letters or None)
                return
            self._use(flag, f"-{letter}", None)

    def _use(self, flag: Flag, spelling: str, value: str | None) -> None:
        if flag.takes_value:
            if value is None:
                self.position += 1
                if self.position >= len(self.args):
                    self.position -= 1
                    self._error(f"'{spelling}' needs a value")
                    return
                value = self.args[self.position]
        else:
            value = "true" if value is None else value
            if value not in _TRUE | _FALSE:
                self._error(f"'{spelling}' takes true or false, not '{printable(value)}'")
                return
        self.uses.append(FlagUse(flag, spelling, value, self.position))

    def _error(self, message: str) -> None:
        self.findings.error(f"args[{self.position}]", message)


def parse_docker_run(args: Sequence[str], start: int, findings: Findings) -> DockerRun:
    """Reads ``args`` from ``start`` (behind the word ``run``). What is wrong goes to ``findings``."""
    return _Reader(args, start, findings).read()
