# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Our part of LiteLLM's config, among what others wrote there: every byte of theirs stays, comments and all.

Our entries stand between two marked lines, first under ``mcp_servers``. Each bears a mark as well, by which it is known
where a program has written the file anew without its comments, as LiteLLM itself does.
"""

from __future__ import annotations

import re
import traceback
from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.entry import service_of

YAML_ERROR = None
try:
    import yaml
except ImportError:
    YAML_ERROR = traceback.format_exc()

KEY = "mcp_servers"
_ENDS = "\r\n\x85\u2028\u2029"  # where YAML ends a line; str.splitlines knows others too
_LINE = re.compile(rf"[^{_ENDS}]*(?:\r\n|[{_ENDS}])|[^{_ENDS}]+$")


class NotMerged(Exception):
    """The text cannot hold our entries; the message says why and what to do."""


def entries_in(text: str) -> dict[str, Any]:
    """Returns what stands under ``mcp_servers``, by name. Raises NotMerged."""
    document = _document(text)
    found = document.get(KEY)
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise NotMerged(f"{KEY} is no mapping of servers by name; write it as in https://docs.litellm.ai/docs/mcp")
    return {str(name): told for name, told in found.items()}


def merged(text: str, fleet: str, entries: Mapping[str, Any]) -> str:
    """Returns the text with these entries, by name, in the place of the fleet's former ones. Raises NotMerged.

    The names are none of others'. An empty text becomes a file that LiteLLM's config can ``include``.
    """
    if not text.strip():
        text = f"# LiteLLM's {KEY}: name this file under include in its config.\n"
    before = _document(text)
    result = _with_block(_without_entries(_without_block(text, fleet), fleet), fleet, entries)
    theirs = {name: told for name, told in entries_in(text).items() if service_of(told, fleet) is None}
    wanted = {**before, KEY: {**theirs, **entries} or None}
    try:
        holds = yaml.safe_load(result) == wanted
    except yaml.YAMLError:
        holds = False
    if not holds:
        raise NotMerged(f"{KEY} cannot be added to without changing the rest; give it a line of its own, '{KEY}:'")
    return result


def _document(text: str) -> dict[Any, Any]:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise NotMerged(f"it is not YAML{where}; LiteLLM would not start with it either") from None
    if document is None:
        return {}
    if not isinstance(document, dict):
        raise NotMerged("it is no mapping of LiteLLM's settings")
    return document


def _lines(text: str) -> list[str]:
    return _LINE.findall(text)


def _marks(fleet: str) -> tuple[str, str]:
    end = f"# END MCP Orchestrator, fleet {fleet}"
    return f"# BEGIN MCP Orchestrator, fleet {fleet}: its runs write what is between these lines", end


def _without_block(text: str, fleet: str) -> str:
    begin, end = _marks(fleet)
    lines = _lines(text)
    places = [number for number, line in enumerate(lines) if line.strip() in (begin, end)]
    if not places:
        return text
    if len(places) != 2 or lines[places[0]].strip() != begin:
        numbers = ", ".join(str(number + 1) for number in places)
        raise NotMerged(f"the lines that mark our part are not one pair (lines {numbers}); remove them and run again")
    return "".join(lines[: places[0]] + lines[places[1] + 1 :])


def _without_entries(text: str, fleet: str) -> str:
    """Takes out the entries that bear our mark and have lost the lines around them."""
    ours = {name for name, told in entries_in(text).items() if service_of(told, fleet) is not None}
    node = _servers_node(text) if ours else None
    if node is None:
        return text
    lines = _lines(text)
    pairs = node[1].value
    starts = [key.start_mark.line for key, _value in pairs]
    stops = [*starts[1:], node[1].end_mark.line + (node[1].end_mark.column > 0)]
    if len(set(starts)) < len(starts) or node[1].flow_style:
        raise NotMerged(f"{KEY} is written in braces; write a line for each server")
    for (key, _value), start, stop in reversed(list(zip(pairs, starts, stops, strict=True))):
        if str(key.value) in ours:
            del lines[start:stop]
    return "".join(lines)


def _servers_node(text: str) -> tuple[Any, Any] | None:
    """The nodes of the key and of its value; None where there is no such key."""
    root = yaml.compose(text, Loader=yaml.SafeLoader)
    found = [pair for pair in root.value if pair[0].value == KEY] if isinstance(root, yaml.MappingNode) else []
    if len(found) > 1:
        raise NotMerged(f"{KEY} stands there twice, and LiteLLM reads the last alone; make one of them")
    return found[0] if found else None


def _with_block(text: str, fleet: str, entries: Mapping[str, Any]) -> str:
    newline = "\r\n" if "\r\n" in text else "\n"
    node = _servers_node(text)
    if node is None:
        return _ended(text, newline) + f"{KEY}:{newline}" + "".join(_block(fleet, entries, 2, newline))
    key, value = node
    column = 2
    if isinstance(value, yaml.MappingNode) and value.value:
        if value.flow_style or value.start_mark.line == key.start_mark.line:
            raise NotMerged(f"{KEY} is written in braces; write a line for each server")
        column = value.value[0][0].start_mark.column
    elif isinstance(value, (yaml.MappingNode, yaml.ScalarNode)):
        text = text[: value.start_mark.index] + text[value.end_mark.index :]  # {} or null
    lines = _lines(_ended(text, newline))
    at = key.start_mark.line + 1
    return "".join([*lines[:at], *_block(fleet, entries, column, newline), *lines[at:]])


def _ended(text: str, newline: str) -> str:
    return text if not text or text[-1] in _ENDS else text + newline


def _block(fleet: str, entries: Mapping[str, Any], column: int, newline: str) -> Iterator[str]:
    begin, end = _marks(fleet)
    # In ASCII: PyYAML 6 writes a U+0085 that it does not read again as the same.
    body = yaml.safe_dump(dict(sorted(entries.items())), sort_keys=False, width=10**6)
    for line in [begin, *(body.splitlines() if entries else ()), end]:
        yield f"{' ' * column}{line}{newline}"
