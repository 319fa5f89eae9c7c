# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names under which servers run: those of the file, or what is left of them in a path."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.reach import PREFIX
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.read.keys import SERVER_NAME


@dataclass(frozen=True)
class ServerName:
    """The name of a server, and what there is to say of it: at most one of ``error`` and ``warning``."""

    name: str
    error: str = ""
    warning: str = ""


def _is_right(name: str) -> bool:
    return not any(True for _error in SERVER_NAME.errors(name, ""))


def _taken(name: str) -> str:
    """The name itself where it is right, else with one dash for whatever cannot stand in a path."""
    if _is_right(name):
        return name
    plain = "".join(each for each in unicodedata.normalize("NFKD", name) if not unicodedata.combining(each))
    if any(each.isalnum() and not each.isascii() for each in plain):
        return ""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", plain).strip("-._")[:63].rstrip("-._")


def server_names(names: Iterable[str]) -> dict[str, ServerName]:
    """Returns, by the name in the file, that under which the server runs.

    A name that cannot stand in a path is replaced, with a warning. That is an error where letters would get lost, or
    where another server has the same name.
    """
    names = list(names)
    counted = Counter(map(_taken, names))
    result = {}
    for name in names:
        taken, shown = _taken(name), printable(name)
        if name and name == taken:
            result[name] = ServerName(name)
        elif not taken or counted[taken] > 1:
            reason = f"; '{taken}', which is left of it, is another server's" if taken else ""
            result[name] = ServerName(name, error=f"'{shown}' is not {SERVER_NAME.meaning}{reason}")
        else:
            warning = (
                f"'{shown}' cannot stand in a path; the server is called '{taken}' and answers at {PREFIX}/{taken}"
            )
            result[name] = ServerName(taken, warning=warning)
    return result
