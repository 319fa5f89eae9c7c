# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Imports this collection's own code the way Python imports any other: compiled once, and kept beside the source.

Ansible's finder of collections compiles every file in every process that imports it, and reads no ``__pycache__``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.machinery import SOURCE_SUFFIXES, FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType

_OURS = "ansible_collections.mcp.orchestrator.plugins."


class CompiledOnce(MetaPathFinder):
    """Finds the modules and what they share; plugins and the packages around them stay Ansible's to find."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Returns where a module of ours lies; None leaves it to the next finder."""
        if path is None or not fullname.startswith((f"{_OURS}modules.", f"{_OURS}module_utils.")):
            return None
        specs = (_folder(each).find_spec(fullname, target) for each in path)
        return next((spec for spec in specs if spec is not None), None)


@cache
def _folder(path: str) -> FileFinder:
    return FileFinder(path, (SourceFileLoader, SOURCE_SUFFIXES))
