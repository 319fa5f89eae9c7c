# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Finding the program that really starts a server, behind ``cmd /c``, ``sudo``, ``env`` and the like."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import Findings, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import quoted

_ENDING = re.compile(r"\.(exe|cmd|bat|ps1)$", re.IGNORECASE)
_PYTHON = re.compile(r"python(3(\.[0-9]+)?)?|py")
# What starts the program behind it unchanged: its switches, and its options that take a value.
_PASSING: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    "wsl": (
        frozenset({"-e", "--exec"}),
        frozenset({"-d", "--distribution", "-u", "--user", "--cd", "--shell-type"}),
    ),
    "sudo": (frozenset({"-E", "-n", "-H"}), frozenset({"-u", "-g"})),
    "doas": (frozenset({"-n"}), frozenset({"-u"})),
    "env": (frozenset({"-i", "-", "-v"}), frozenset({"-u"})),
    "nice": (frozenset(), frozenset({"-n"})),
    "stdbuf": (frozenset({"-oL", "-o0", "-i0", "-e0", "-eL"}), frozenset({"-o", "-i", "-e"})),
    "arch": (frozenset({"-arm64", "-x86_64"}), frozenset()),
    "winpty": (frozenset({"-Xallow-non-tty"}), frozenset()),
    "caffeinate": (frozenset({"-i", "-s", "-d", "-m"}), frozenset()),
    "flatpak-spawn": (frozenset({"--host"}), frozenset()),
    **dict.fromkeys(("exec", "nohup", "setsid", "command", "corepack", "mise-exec"), (frozenset(), frozenset())),
}
# What chooses the version of a tool, which the runtime template does here; the words that start a program with it.
_VERSIONS: dict[str, tuple[str, ...]] = {
    "mise": ("exec", "x"),
    "rtx": ("exec", "x"),
    "asdf": ("exec",),
    "pyenv": ("exec",),
    "nodenv": ("exec",),
    "nvm": ("exec",),
    "fnm": ("exec",),
    "volta": ("run",),
}
_WINDOWS = re.compile(r"\.(exe|cmd|bat|ps1)(?=$|[@=\[])", re.IGNORECASE)
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)=(.*)", re.DOTALL)


@dataclass(frozen=True)
class Program:
    """A program and the position in args of its first argument.

    ``path`` is how the program is written, ``position`` where: in args, or -1 for the key ``command``.
    ``variables`` are those that ``env`` sets for it. ``folder`` is the key of the entry that names a folder of the
    client's machine, where python finds modules first.
    """

    path: str
    position: int
    start: int
    variables: tuple[tuple[str, str], ...] = ()
    folder: str = ""

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


def program_at(args: Sequence[str], position: int, findings: Findings) -> str:
    """Returns the name of a program without ``.exe``, ``.cmd`` and the like, which pip and npm make on Windows only."""
    word = args[position]
    program = _WINDOWS.sub("", word) if "/" not in word or word.startswith("@") else word
    if program != word:
        findings.explain(f"args[{position}]", f"is taken to be {quoted(program)}, as it is called outside Windows")
    return program


def installed_program(path: str) -> str:
    """Returns the name of a program in ``node_modules/.bin`` of the client's machine; empty for any other path."""
    match = re.fullmatch(r"(?:.*[/\\])?node_modules[/\\]\.bin[/\\]([^/\\]+)", path)
    return _ENDING.sub("", match[1]) if match else ""


def installed_program_error(program: str) -> str:
    """Returns what is wrong with such a program."""
    return (
        f"is a program of a package of the client's machine; write npx with the package that has '{printable(program)}'"
    )


def find_program(command: str, args: Sequence[str]) -> Program:
    """Finds the program behind those that only start another: ``cmd /c``, ``wsl``, ``env A=b``, ``mise exec --``."""
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
    """The position of the program that another one starts; None where it starts none, or nobody can tell which."""
    start = program.start
    following = args[start] if start < len(args) else ""
    if program.name == "cmd":
        while re.fullmatch(r"/[dsqDSQ]", following):
            start += 1
            following = args[start] if start < len(args) else ""
        return start + 1 if following.lower() in {"/c", "/k"} else None
    if _PYTHON.fullmatch(program.name):
        runs_tool = following == "-m" and tuple(args[start + 1 : start + 2]) in {("uv",), ("pipx",)}
        return start + 1 if runs_tool else None
    if program.name in _VERSIONS:
        return _behind_version(_VERSIONS[program.name], args, start)
    if program.name not in _PASSING:
        return None
    switches, values = _PASSING[program.name]
    while following in switches or following in values or following == "--":
        start += 2 if following in values else 1
        following = args[start] if start < len(args) else ""
    return None if following.startswith("-") else start


def _behind_version(words: Sequence[str], args: Sequence[str], start: int) -> int | None:
    """Behind what chooses the version of a tool: ``mise exec node@22 -- npx``, ``volta run npx``."""
    if not args[start : start + 1] or (words and args[start] not in words):
        return None
    start += 1 if words else 0
    rest = list(args[start:])
    if "--" in rest:
        return start + rest.index("--") + 1
    while rest and re.fullmatch(r"[a-z:]+@[\w.-]+|v?[0-9]+(\.[0-9]+)*", rest[0]):
        start += 1
        rest = rest[1:]
    return None if not rest or rest[0].startswith("-") else start
