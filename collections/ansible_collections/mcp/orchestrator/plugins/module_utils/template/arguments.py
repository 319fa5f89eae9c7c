# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The arguments and variables of a package, as a ``server.json`` has them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.draft import Draft
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.inputs import Input, read_input


def read_variable(found: Mapping[str, Any], key: str, known: dict[str, str], draft: Draft) -> None:
    """Reads a variable of the environment; ``known`` gets its value."""
    name = found.get("name")
    if not name or re.search(r"[=\s\0]", name):
        draft.error(f"{key}.name", f"'{printable(name or '')}' is not the name of a variable")
        return
    read = read_input(found, key, draft)
    if read.text is not None:
        draft.env[name] = known[name] = read.text
    elif read.is_required:
        draft.require(name, read.what)
    else:
        draft.note(key, f"{name} is left to the entry's env, which may have it: {read.what}")


def read_arguments(
    package: Mapping[str, Any], key: str, list_name: str, known: dict[str, str], draft: Draft
) -> list[str]:
    """Returns the words of a package's arguments; ``known`` gets the values that they have by their names."""
    words: list[str] = []
    for position, found in enumerate(package.get(list_name, ())):
        words += read_argument(found, f"{key}.{list_name}[{position}]", known, draft)
    return words


def read_argument(found: Mapping[str, Any], key: str, known: dict[str, str], draft: Draft) -> Iterator[str]:
    """Yields the words of one argument."""
    is_named = found.get("type") == "named" or ("type" not in found and "name" in found)
    option = [draft.plain(f"{key}.name", found["name"])] if is_named and found.get("name") else []
    if is_named and not option:
        draft.error(f"{key}.name", "is missing: a named argument has one, such as --port")
        return
    name = str(found.get("valueHint") or found.get("name") or "")
    if found.get("isRepeated") is True:
        draft.note(f"{key}.isRepeated", "is there once; an entry's args add more behind all others")
    read = read_input(found, key, draft)
    if option and read.text is None and not _takes_value(found):
        yield from option
    elif read.text is not None:
        known[name] = known[option[0] if option else name] = read.text
        yield from (*option, *_word(read, name, draft))
    elif read.is_required:
        yield from (*option, draft.ask_in_argument(name, read.what, read.is_secret))
    else:
        shown = " ".join([*option, f"<{name.lstrip('-')}>"])
        draft.note(key, f"'{printable(shown)}' is left out; an entry's args add it behind all others: {read.what}")


def _word(read: Input, name: str, draft: Draft) -> list[str]:
    if read.is_fixed:
        return [read.text or ""]
    return [draft.offer_in_argument(name, read.text or "", read.is_secret)]


def _takes_value(found: Mapping[str, Any]) -> bool:
    """Whether somebody is to be asked for the value of an option, which is a switch otherwise."""
    asked = ("isRequired", "isSecret", "placeholder", "choices", "valueHint", "variables")
    return any(found.get(each) for each in asked) or found.get("format") in ("number", "filepath")
