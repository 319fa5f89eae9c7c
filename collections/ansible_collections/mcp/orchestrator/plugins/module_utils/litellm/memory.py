# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What mcp_litellm remembers between runs: whether LiteLLM still has to be told, digests of the entries, and ids.

By the digests a renamed server is known again, and by the ids one that was switched off for a while and had an id that
somebody has written; without the file all else goes on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from ansible_collections.mcp.orchestrator.plugins.module_utils.common.atomic_file import OWNER_ONLY, write_json


@dataclass(frozen=True)
class Memory:
    """``reload`` is whether a file was written that LiteLLM has not read yet. By server, ``entries`` are digests and
    ``ids`` those of all that LiteLLM has known."""

    reload: bool = False
    entries: Mapping[str, str] = field(default_factory=dict)
    ids: Mapping[str, str] = field(default_factory=dict)


def read_memory(path: str) -> Memory:
    """Returns what the last run has left; nothing where that cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            told = json.load(file)
        entries, ids = ({str(name): str(text) for name, text in told[key].items()} for key in ("entries", "ids"))
        return Memory(bool(told["reload"]), entries, ids)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Memory()


def write_memory(path: str, memory: Memory) -> None:
    """Replaces the file. Raises FileNotWritten."""
    tables = {"entries": dict(sorted(memory.entries.items())), "ids": dict(sorted(memory.ids.items()))}
    write_json(path, {"reload": memory.reload, **tables}, OWNER_ONLY)
