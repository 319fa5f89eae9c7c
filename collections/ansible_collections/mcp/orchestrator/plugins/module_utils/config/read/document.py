# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading one config file: its text, its JSON, and the servers in it."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import key_path, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.elsewhere import (
    servers_elsewhere,
    to_move,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.formats import hint_of_text, hint_of_value
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.jsonc import plain_json
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import INPUTS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.switches import Switches, read_switches
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret

# Where clients keep their servers: most of them, VS Code's mcp.json, VS Code's settings.json.
ROOTS = (("mcpServers",), ("servers",), ("mcp", "servers"), ("mcp", "mcpServers"))
_INPUTS = (("inputs",), ("mcp", "inputs"))
_ENTRY_KEYS = frozenset({"command", "url", "template"})
_TYPOGRAPHIC = "'\u2018\u2019\u201c\u201d"
LARGEST = 16 * 1024**2


@dataclass(frozen=True)
class Place:
    """Where an entry stands: the file's name as users are told it, and the path of the key in it."""

    label: str
    path: str
    repeated: tuple[str, ...] = ()
    """Keys that stand twice in the entry, each as its path below the entry and what is wrong."""

    def __str__(self) -> str:
        return f"{self.label}: {self.path}"


@dataclass(frozen=True)
class Document:
    """One file: its servers as they stand, each with its place, what switches some off, the defaults of its inputs."""

    entries: list[tuple[Place, str, Any]]
    inputs: Mapping[str, Secret] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)
    switches: Switches = field(default_factory=Switches)


class _Ambiguous(dict[str, Any]):
    """An object in which keys stand twice; it has the last of each."""

    repeated: tuple[str, ...] = ()


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) == len(pairs):
        return result
    ambiguous = _Ambiguous(pairs)
    counted = Counter(key for key, _value in pairs)
    ambiguous.repeated = tuple(key for key, count in counted.items() if count > 1)
    return ambiguous


def _repeated(value: Any) -> Iterator[tuple[str, str]]:
    """The path of each object in which a key stands twice, and the key; no nesting is too deep for it."""
    waiting: list[tuple[str, Any]] = [("", value)]
    while waiting:
        path, each = waiting.pop()
        if isinstance(each, _Ambiguous):
            yield from ((path, key) for key in each.repeated)
        if isinstance(each, dict):
            below = [(key_path(path, key), found) for key, found in each.items()]
        else:
            below = [(f"{path}[{position}]", found) for position, found in enumerate(each)]
        waiting += [(where, found) for where, found in reversed(below) if isinstance(found, (dict, list))]


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def read_text(path: str, label: str) -> str:
    """Reads a file as text. Raises ConfigFileError when it cannot be read or is not UTF-8."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigFileError([ConfigError(label, "", f"cannot be read: {error.strerror}")]) from error
    if len(data) > LARGEST:
        raise ConfigFileError([ConfigError(label, "", "is larger than 16 MiB, the most that a config may have")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 (byte {error.start}); save it as UTF-8"
        raise ConfigFileError([ConfigError(label, "", message)]) from error


def _load(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
    except json.JSONDecodeError:
        return json.loads(plain_json(text), object_pairs_hook=_object, parse_constant=_no_constant)


def parse(text: str, label: str) -> Any:
    """Reads the JSON value in ``text``, which may have comments and trailing commas.

    Raises ConfigFileError with line and column, or the key that stands twice.
    """
    value = _parse(text, label)
    for _path, key in _repeated(value) if isinstance(value, (dict, list)) else ():
        raise ConfigFileError([ConfigError(label, "", _twice(text, key))])
    return value


def _twice(text: str, key: str) -> str:
    return f"'{printable(key)}' is defined twice{_lines(text, key)}; keep one"


def _parse(text: str, label: str) -> Any:
    """As parse, with the last of keys that stand twice."""
    try:
        value = _load(text)
        json.dumps(value, ensure_ascii=False).encode()
        return value
    except json.JSONDecodeError as error:
        hint = _hint(text, error.pos) or hint_of_text(text)
        message = f"line {error.lineno}, column {error.colno}: is not JSON: {error.msg}{hint}"
    except UnicodeEncodeError:
        message = "holds half of a surrogate pair (\\ud800 to \\udfff alone); that is no character"
    except RecursionError:
        message = "is nested too deeply for a config"
    except ValueError as error:
        message = f"is not JSON: {error}"
    raise ConfigFileError([ConfigError(label, "", message)])


def _hint(text: str, position: int) -> str:
    around = text[position : position + 1]
    if around and around in _TYPOGRAPHIC:
        return '; use straight double quotes: "'
    if around == "\\" or (around == '"' and re.match(r'"[A-Za-z]:\\', text[position : position + 4])):
        return "; write a backslash twice: \\\\"
    return ""


def _lines(text: str, key: str) -> str:
    """The lines on which the key stands, as far as its spelling tells."""
    pattern = re.compile(re.escape(json.dumps(key, ensure_ascii=False)) + r"\s*:")
    lines = [str(text.count("\n", 0, match.start()) + 1) for match in pattern.finditer(text)]
    return f" (lines {' and '.join(lines)})" if 1 < len(lines) <= 4 else ""


def read_document(path: str, label: str) -> Document:
    """Reads the servers of one file. Raises ConfigFileError."""
    text = read_text(path, label)
    value = _parse(text, label)
    if not isinstance(value, dict):
        raise ConfigFileError([ConfigError(label, "", 'must be an object: {"mcpServers": {…}}')])
    errors: list[ConfigError] = []
    entries: list[tuple[Place, str, Any]] = []
    found = [(".".join(keys), below) for keys in ROOTS if (below := _at(value, keys)) is not None]
    for root, servers in found:
        if isinstance(servers, dict):
            entries += _entries(servers, root, label, text)
        else:
            errors.append(ConfigError(label, root, 'must be an object of servers by name: {"NAME": {…}}'))
    errors += _outside(value, [root for root, _servers in found], label, text)
    elsewhere = list(servers_elsewhere(value, frozenset(root for root, _servers in found)))
    if not found:
        errors.append(ConfigError(label, "", f"has no 'mcpServers'{_way_out(value, elsewhere)}"))
    inputs = _inputs(value, label, errors)
    if errors:
        raise ConfigFileError(errors)
    warnings = [f"{label}: {where}: is not read; {to_move(names)}" for where, names in elsewhere if where not in value]
    return Document(entries, inputs, [*_misspelt(value, label), *warnings], read_switches(value, label))


def _entries(servers: dict[str, Any], root: str, label: str, text: str) -> Iterator[tuple[Place, str, Any]]:
    """The servers of one object; what stands twice in an entry, or the entry itself, is that entry's mistake."""
    twice = servers.repeated if isinstance(servers, _Ambiguous) else ()
    for name, entry in servers.items():
        wrong = [f"is defined twice{_lines(text, name)}; keep one"] if name in twice else []
        for below, key in _repeated(entry) if isinstance(entry, (dict, list)) else ():
            wrong.append(f"{below.lstrip('.')}{': ' if below else ''}{_twice(text, key)}")
        yield Place(label, key_path(root, name), tuple(wrong)), name, entry


def _outside(value: Mapping[str, Any], roots: Sequence[str], label: str, text: str) -> list[ConfigError]:
    """The keys that stand twice outside the servers."""
    errors = []
    for path, key in _repeated(value):
        here = path.lstrip(".")
        if not any(here == root or here.startswith((f"{root}.", f"{root}[")) for root in roots):
            errors.append(ConfigError(label, "", _twice(text, key)))
    return errors


def _at(value: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None  # type: ignore[assignment]
    return value


def _way_out(value: Mapping[str, Any], elsewhere: Sequence[tuple[str, list[str]]]) -> str:
    misspelt = [key for key in value if _is_misspelt(key)]
    if misspelt:
        return f"; rename '{printable(misspelt[0])}'"
    if value and all(isinstance(each, dict) and _ENTRY_KEYS & set(each) for each in value.values()):
        return '; put the servers into it: {"mcpServers": {…}}'
    if _ENTRY_KEYS & set(value):
        return '; put the server into it under a name: {"mcpServers": {"NAME": {…}}}'
    mcp = value.get("mcp")
    if isinstance(mcp, dict) and mcp and all(isinstance(each, dict) and "type" in each for each in mcp.values()):
        return '; OpenCode\'s form is not read: write {"mcpServers": {"NAME": {"command": "…", "args": […]}}}'
    if elsewhere:
        where, names = elsewhere[0]
        return f"; {where} is not read: {to_move(names)}"
    return hint_of_value(value)


def _is_misspelt(key: str) -> bool:
    """Whether somebody meant mcpServers: ``mcp_servers``, ``mcpserver``, ``MCPServers``."""
    plain = re.sub(r"[^a-z]", "", key.lower())
    return key != "mcpServers" and plain in {"mcpservers", "mcpserver", "contextservers"}


def _misspelt(value: Mapping[str, Any], label: str) -> list[str]:
    return [f"{label}: {printable(key)}: is not read; do you mean 'mcpServers'?" for key in value if _is_misspelt(key)]


def _inputs(value: Mapping[str, Any], label: str, errors: list[ConfigError]) -> dict[str, Secret]:
    found = {}
    for keys in _INPUTS:
        inputs = _at(value, keys)
        if inputs is None:
            continue
        path = ".".join(keys)
        if isinstance(inputs, dict):  # Visual Studio has them by id
            inputs = [{"id": name, **each} for name, each in inputs.items() if isinstance(each, dict)]
        problems = [ConfigError(label, below, message) for below, message in INPUTS.errors(inputs, path)]
        errors.extend(problems)
        for each in inputs if not problems else ():
            if isinstance(each.get("default"), str) and each["default"]:
                found[str(each.get("id"))] = Secret(each["default"])
    return found
