# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A directory of an export: what is in it, what is to be in it, and how it gets there."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import READABLE, replace_file
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes import names
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.text import objects_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object

LIST = "kustomization.yaml"
ENDING = ".yaml"
LARGEST = 4 * 1024**2


class DirectoryError(Exception):
    """The directory cannot be used; the sentence names the file and the way out."""


@dataclass(frozen=True)
class Plan:
    """What is to be done, by the names of files: ``write`` has their content."""

    write: Mapping[str, str] = field(default_factory=dict)
    remove: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether anything is to be done."""
        return bool(self.write or self.remove)


def mark(fleet: str) -> str:
    """Returns the comment with which each file of a fleet begins."""
    return f"Written by MCP Orchestrator for the fleet {fleet}; changes are lost"


def observe(path: str) -> dict[str, str]:
    """Returns the text of each ``*.yaml`` in the directory, by its name; nothing where there is none.

    Raises DirectoryError.
    """
    try:
        listed = sorted(name for name in os.listdir(path) if name.endswith(ENDING))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise DirectoryError(f"{path} cannot be read: {error.strerror}; name a directory") from error
    return {name: _text(os.path.join(path, name)) for name in listed}


def plan(present: Mapping[str, str], desired: Mapping[str, str], fleet: str, kept: Iterable[str] = ()) -> Plan:
    """Returns what makes the files those of ``desired``. Only files with the fleet's mark are replaced or removed;
    ``kept`` are left as they are.

    Raises DirectoryError where another's file bears the name of one of ours.
    """
    foreign = sorted(name for name in desired if name in present and not _is_ours(present[name], fleet))
    if foreign:
        raise DirectoryError(
            f"{foreign[0]} exists and was not written for the fleet {fleet}; name another directory, or move it away"
        )
    gone = [name for name, text in present.items() if name not in desired and _is_ours(text, fleet)]
    write = {name: text for name, text in desired.items() if present.get(name) != text}
    return Plan(write, tuple(sorted(set(gone) - set(kept))))


def apply(path: str, planned: Plan) -> None:
    """Does what was planned. The list of files is replaced when all that it names are there, and before those go that
    it no longer names, so that it is right at any moment. Raises DirectoryError."""
    try:
        os.makedirs(path, exist_ok=True)
        for name in sorted(planned.write, key=lambda each: (each == LIST, each)):
            replace_file(os.path.join(path, name), planned.write[name].encode(), READABLE)
        for name in planned.remove:
            os.unlink(os.path.join(path, name))
    except OSError as error:
        raise DirectoryError(f"{path} cannot be written: {error.strerror}; check its owner, mode and room") from error


def addresses_before(present: Mapping[str, str], fleet: str) -> dict[str, dict[str, tuple[str, ...]]]:
    """Returns the addresses that the former export has of each host, by the file's name and the host."""
    return {
        name: hosts_of(objects_of(text))
        for name, text in present.items()
        if _is_ours(text, fleet) and names.HOSTS in text
    }


def hosts_of(objects: Iterable[Object]) -> dict[str, tuple[str, ...]]:
    """Returns the addresses of each host that objects allow, as the annotation of the NetworkPolicy says them."""
    found: dict[str, tuple[str, ...]] = {}
    for each in objects:
        said = ((each.get("metadata") or {}).get("annotations") or {}).get(names.HOSTS)
        found |= _hosts(said) if said else {}
    return found


def _hosts(text: object) -> dict[str, tuple[str, ...]]:
    try:
        said = json.loads(str(text))
    except ValueError:
        return {}
    return {host: tuple(map(str, each)) for host, each in said.items()} if isinstance(said, dict) else {}


def _is_ours(text: str, fleet: str) -> bool:
    return text.startswith(f"# {mark(fleet)}\n")


def _text(path: str) -> str:
    """A file's text; of one that is none, or too large, what is enough to see that it is not ours."""
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read(LARGEST)
    except IsADirectoryError:
        return ""
    except OSError as error:
        raise DirectoryError(f"{path} cannot be read: {error.strerror}; check its owner and mode") from error
