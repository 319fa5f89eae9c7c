# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading one config file into its entries."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable, suggestion

ROOT = "mcpServers"
LARGEST = 16 * 1024**2


@dataclass(frozen=True)
class Document:
    """One file: the name shown to users, the path of its servers, and each server's entry as it stands."""

    label: str
    root: str
    entries: dict[str, Any]
    warnings: list[str] = field(default_factory=list)


class _Repeated(Exception):
    """A key that an object holds twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        seen: set[str] = set()
        for key, _value in pairs:
            if key in seen:
                raise _Repeated(key)
            seen.add(key)
    return result


def _no_constant(word: str) -> Any:
    raise ValueError(f"{word} is not JSON")


def read_text(path: str, label: str) -> str:
    """The file's text. Raises ConfigFileError when it cannot be read or is not UTF-8."""
    try:
        with open(path, "rb") as file:
            data = file.read(LARGEST + 1)
    except OSError as error:
        raise ConfigFileError([ConfigError(label, "", f"cannot be read: {error.strerror}")]) from error
    if len(data) > LARGEST:
        raise ConfigFileError([ConfigError(label, "", "is larger than 16 MiB; that is no config")])
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"is not UTF-8 (byte {error.start}); save it as UTF-8"
        raise ConfigFileError([ConfigError(label, "", message)]) from error


def parse(text: str, label: str) -> Any:
    """The JSON value in ``text``. Raises ConfigFileError with line and column, or the key that stands twice."""
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant)
        json.dumps(value, ensure_ascii=False).encode()
        return value
    except json.JSONDecodeError as error:
        message = f"line {error.lineno}, column {error.colno}: is not JSON: {error.msg}"
    except _Repeated as error:
        message = f"'{printable(str(error))}' is defined twice; keep one"
    except UnicodeEncodeError:
        message = "holds half of a surrogate pair (\\ud800 to \\udfff alone); that is no character"
    except RecursionError:
        message = "is nested too deeply; that is no config"
    except ValueError as error:
        message = f"is not JSON: {error}"
    raise ConfigFileError([ConfigError(label, "", message)])


def read_document(path: str, label: str) -> Document:
    """Reads the ``mcpServers`` of one file. Raises ConfigFileError."""
    value = parse(read_text(path, label), label)
    if not isinstance(value, dict):
        raise ConfigFileError([ConfigError(label, "", 'must be an object: {"mcpServers": {…}}')])
    if ROOT not in value:
        near = suggestion_among(value, ROOT)
        raise ConfigFileError([ConfigError(label, "", f"has no 'mcpServers'{near}")])
    entries = value[ROOT]
    if not isinstance(entries, dict):
        raise ConfigFileError([ConfigError(label, ROOT, "must be an object of servers by name")])
    return Document(label, ROOT, entries)


def suggestion_among(keys: Iterable[str], wanted: str) -> str:
    """``; do you mean 'mcpservers'?`` when one of the keys is nearly the wanted one."""
    for key in keys:
        if suggestion(key, [wanted.lower()]):
            return f"; rename '{printable(key)}'"
    return ""
