# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The options of docker run that a ``server.json`` has for an image. Some have its whole command line there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.template.arguments import read_argument, read_variable
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.draft import Draft
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.inputs import plain_text

# What every entry of docker run has, or the orchestrator decides.
_OURS = ("run", "-i", "--interactive", "--rm", "-t", "--tty", "-it", "-d", "--detach", "--init")
_VARIABLE = ("-e", "--env")


def read_docker_options(
    package: Mapping[str, Any], key: str, list_name: str, known: dict[str, str], draft: Draft
) -> list[str]:
    """Returns the words of the options that are to stand before the image."""
    words: list[str] = []
    for position, found in enumerate(package.get(list_name, ())):
        words += _words(found, f"{key}.{list_name}[{position}]", str(package["identifier"]), known, draft)
    return words


def _words(found: Mapping[str, Any], key: str, image: str, known: dict[str, str], draft: Draft) -> Iterator[str]:
    value = None if found.get("value") is None else plain_text(found["value"])
    name = found.get("name") if found.get("type") == "named" else value
    if name in _OURS or (found.get("type") == "positional" and value is not None and _is_image(value, image)):
        return
    if found.get("type") == "named" and name in _VARIABLE and value is not None:
        variable, equals, text = value.partition("=")
        inner = {each: said for each, said in found.items() if each not in ("value", "type")}
        if equals:
            inner["value"] = text
        else:
            inner["isRequired"] = True
        if variable not in known and variable not in draft.required:
            read_variable({**inner, "name": variable}, key, known, draft)
    elif found.get("type") == "named" and found.get("format") == "boolean" and value in ("true", "false"):
        yield from ([str(name)] if value == "true" else [])
    else:
        yield from read_argument(found, key, known, draft)


def _is_image(value: str, image: str) -> bool:
    bare = image.partition("@")[0]
    return value in (image, bare, bare.rpartition(":")[0])
