# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The config files of a fleet: those that are named, those in drop-in folders, and what they say together."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.errors import ConfigError, ConfigFileError
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.document import (
    Document,
    Place,
    read_document,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret


@dataclass(frozen=True)
class Sources:
    """All servers of all files: each name with every place where it stands and the entry there."""

    entries: Mapping[str, list[tuple[Place, Any]]]
    inputs: Mapping[str, Secret]
    warnings: list[str]
    off: Mapping[str, str] = field(default_factory=dict)
    """By server, what switches it off beside the lists of servers."""


def _files(path: str) -> list[str]:
    """The file itself and its drop-ins (mcp.config.json, mcp.config.d/*.json), or the files of a folder."""
    folder = path if os.path.isdir(path) else f"{path.removesuffix('.json')}.d"
    dropped = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    files = [os.path.join(folder, name) for name in dropped if name.endswith(".json") and not name.startswith(".")]
    return files if folder == path else [path, *files]


def _labels(files: Sequence[str]) -> dict[str, str]:
    """What users are told each file is called: its name, with its folder's where that would not tell it apart."""
    names = [os.path.basename(file) for file in files]
    return {
        file: name if names.count(name) == 1 and not file.endswith(f".d/{name}") else os.path.join(*_last_two(file))
        for file, name in zip(files, names, strict=True)
    }


def _last_two(file: str) -> tuple[str, str]:
    folder, name = os.path.split(os.path.abspath(file))
    return os.path.basename(folder), name


def read_sources(paths: Sequence[str]) -> Sources:
    """Reads all files. Raises ConfigFileError with the errors of all that cannot be used."""
    files = list(dict.fromkeys(file for path in paths for file in _files(path)))
    labels = _labels(files)
    errors: list[ConfigError] = []
    documents: list[Document] = []
    for file in files:
        try:
            documents.append(read_document(file, labels[file]))
        except ConfigFileError as error:
            errors.extend(error.errors)
    if errors:
        raise ConfigFileError(errors)
    entries: dict[str, list[tuple[Place, Any]]] = {}
    for document in documents:
        for place, name, entry in document.entries:
            entries.setdefault(name, []).append((place, entry))
    inputs = {name: value for document in documents for name, value in document.inputs.items()}
    warnings = [warning for document in documents for warning in document.warnings]
    return Sources(entries, inputs, [*warnings, *_unknown_names(documents, entries)], _switched_off(documents))


def _switched_off(documents: Sequence[Document]) -> dict[str, str]:
    """The servers that a list switches off: that of any file by its name, or one of its own file."""
    off: dict[str, str] = {}
    for document in documents:
        for _place, name, entry in document.entries:
            found = document.switches.switched_off_by(name, entry)
            others = (each.switches.denied_by(name, entry) for each in documents)
            found = found or next((path for path in others if path), None)
            if found:
                off[name] = found
    return off


def _unknown_names(documents: Sequence[Document], entries: Mapping[str, object]) -> list[str]:
    known = {name.strip().casefold() for name in entries}
    return [
        f"{document.entries[0][0].label}: {path}: '{printable(name)}' is no server of the config"
        for document in documents
        for path, name in document.switches.names()
        if document.entries and name.strip().casefold() not in known
    ]
