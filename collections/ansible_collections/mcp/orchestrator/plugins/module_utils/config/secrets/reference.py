# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""References to values that stand elsewhere: ``${VAR}``, ``${env:VAR}``, ``${file:…}``, ``${ssm:…}`` and their kin."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

SOURCES = ("env", "file", "ssm", "secretsmanager", "input")
FROM_THE_REQUEST = "header"  # resolved by the bridge, when a session begins

# What editors put in for folders of the machine that they run on.
_EDITOR = frozenset(
    {
        "/",
        "__dirname",
        "cwd",
        "extensionPath",
        "fileDirname",
        "pathSeparator",
        "relativeFile",
        "userHome",
        "workspaceFolder",
        "workspaceFolderBasename",
        "workspaceRoot",
    }
)
_HOMES = frozenset(
    {"APPDATA", "CLAUDE_PLUGIN_ROOT", "CLAUDE_PROJECT_DIR", "HOME", "LOCALAPPDATA", "PWD", "USERPROFILE"}
)
_REFERENCE = re.compile(r"\$\{([^${}]*)\}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


@dataclass(frozen=True)
class Reference:
    """One reference: where its value stands, under which name, and what to take when it does not (``:-default``)."""

    source: str
    name: str
    default: str | None = None

    def __str__(self) -> str:
        # Without the default: it may be a password.
        return f"${{{self.name}}}" if self.source == "env" else f"${{{self.source}:{self.name}}}"


class InvalidReference(ValueError):
    """A reference that is not one; the reason reads after it."""


def _parse(text: str) -> Reference | None:
    """The reference between the braces; None for the bridge's own. Raises InvalidReference."""
    source, colon, name = text.partition(":")
    if colon and source == FROM_THE_REQUEST:
        return None
    if text.split(":")[0] in _EDITOR:
        raise InvalidReference("stands for a folder of the client's machine; write the path itself")
    if colon and source in SOURCES:
        return Reference(source, *_checked(source, name))
    variable, has_default, default = text.partition(":-")
    if _VARIABLE.fullmatch(variable):
        return Reference("env", variable, default if has_default else None)
    raise InvalidReference(f"is not a reference; write ${{VAR}}, or one of {', '.join(f'${{{s}:…}}' for s in SOURCES)}")


def _checked(source: str, name: str) -> tuple[str, str | None]:
    default = None
    if source == "env":
        name, has_default, rest = name.partition(":-")
        default = rest if has_default else None
        if not _VARIABLE.fullmatch(name):
            raise InvalidReference("has no name of a variable; write ${env:NAME}")
    elif source == "file" and not name.startswith("/"):
        raise InvalidReference("needs an absolute path of the host; write ${file:/run/secrets/name}")
    elif source == "ssm" and not re.fullmatch(r"/?[A-Za-z0-9_.:/-]+", name):
        raise InvalidReference("has no name of a parameter; write ${ssm:/path/name}")
    elif source == "secretsmanager" and not re.fullmatch(r"[A-Za-z0-9/_+=.@:-]+(#[^#]+)?", name):
        raise InvalidReference("has no name of a secret; write ${secretsmanager:name} or ${secretsmanager:name#key}")
    elif not name:
        raise InvalidReference(f"has no name; write ${{{source}:name}}")
    return name, default


def references_in(text: str) -> Iterator[Reference]:
    """Yields all references of a text, in order. Raises InvalidReference for the first that is not one."""
    for match in _REFERENCE.finditer(text):
        reference = _parsed(match)
        if reference is not None:
            yield reference


def whole_reference(text: str) -> Reference | None:
    """Returns the reference that a text is, None for a text that is more or something else."""
    match = _REFERENCE.fullmatch(text)
    try:
        return _parse(match[1]) if match else None
    except InvalidReference:
        return None


def _parsed(match: re.Match[str]) -> Reference | None:
    try:
        return _parse(match[1])
    except InvalidReference as error:
        raise InvalidReference(f"'{_shown(match[1])}' {error}") from None


def _shown(body: str) -> str:
    return "${" + body.partition(":-")[0][:60] + "}"


def has_reference(text: str) -> bool:
    """Returns whether the text holds anything in ``${…}``."""
    return bool(_REFERENCE.search(text))


def editor_folder_in(text: str) -> str | None:
    """Returns the first ``${workspaceFolder}`` or its like, or None."""
    for match in _REFERENCE.finditer(text):
        name = match[1].split(":")[0]
        variable = match[1].split(":")[1] if name in {"env", "localEnv"} and ":" in match[1] else ""
        if name in _EDITOR | _HOMES or variable in _HOMES:
            return _shown(match[1])
    return None


def replaced(text: str, value_of: Callable[[Reference], str]) -> str:
    """Returns the text with each reference replaced by its value."""

    def value(match: re.Match[str]) -> str:
        reference = _parsed(match)
        return match[0] if reference is None else value_of(reference)

    return _REFERENCE.sub(value, text)
