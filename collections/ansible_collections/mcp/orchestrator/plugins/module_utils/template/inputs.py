# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An input of a ``server.json``: whether it is settled, and what people are told of one that is not.

https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json, ``Input`` and ``InputWithVariables``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import key_path, printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.template.draft import Draft, one_line

_BRACES = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Input:
    """``text`` is its value, None where it has none; ``is_fixed`` whether nobody may change that, ``is_required``
    whether somebody has to say it; ``what`` says what it is."""

    text: str | None
    is_fixed: bool
    is_required: bool
    is_secret: bool
    what: str


def read_input(found: Mapping[str, Any], key: str, draft: Draft) -> Input:
    """Returns what an input says; what the template cannot keep of it goes to ``draft``."""
    variables = found.get("variables") or {}
    secret = any(each.get("isSecret") is True for each in (found, *variables.values()))
    _check(found, key, draft)
    if found.get("value") is not None:
        return _of_value(found, variables, secret, key, draft)
    default = found.get("default")
    text = None if default is None else draft.plain(f"{key}.default", plain_text(default))
    return Input(text, False, found.get("isRequired") is True, secret, told(found))


def _of_value(found: Mapping[str, Any], variables: Mapping[str, Any], secret: bool, key: str, draft: Draft) -> Input:
    value = draft.plain(f"{key}.value", plain_text(found["value"]))
    used = [name for name in _BRACES.findall(value) if name in variables]
    if not used:
        return Input(value, True, True, secret, told(found))
    inner = {name: read_input(variables[name], key_path(f"{key}.variables", name), draft) for name in used}
    is_required = found.get("isRequired") is True or any(each.is_required for each in inner.values())
    open_ones = [name for name, each in inner.items() if each.text is None]
    if not open_ones:
        text = _BRACES.sub(lambda match: inner[match[1]].text or "" if match[1] in inner else match[0], value)
        return Input(text, all(each.is_fixed for each in inner.values()), is_required, secret, told(found))
    parts = ", ".join(f"{{{name}}} is {inner[name].what}" for name in dict.fromkeys(open_ones))
    return Input(None, False, is_required, secret, f"{told(found)}, as {one_line(value)}, where {parts}")


def _check(found: Mapping[str, Any], key: str, draft: Draft) -> None:
    choices, default = found.get("choices") or [], found.get("default")
    if choices and default is not None and plain_text(default) not in choices:
        draft.error(
            f"{key}.default", f"'{printable(plain_text(default))}' is none of choices: {one_line(', '.join(choices))}"
        )
    elif choices and (default is not None or found.get("value") is not None):
        draft.note(
            f"{key}.choices", f"is not compared with what an entry says; it is to be one of {', '.join(choices)}"
        )
    if found.get("format") == "filepath":
        draft.note(
            f"{key}.format",
            "is the path of a file: mount it by orchestrator.volumes of the entry, and give its path in the container",
        )


def told(found: Mapping[str, Any]) -> str:
    """Returns what people are told of an input."""
    return one_line("; ".join(_told(found)))


def _told(found: Mapping[str, Any]) -> Iterator[str]:
    yield str(found.get("description") or "not described")
    if found.get("choices"):
        yield f"one of {', '.join(found['choices'])}"
    if found.get("placeholder"):
        yield f"such as {found['placeholder']}"
    if found.get("format") in ("number", "boolean"):
        yield "a number" if found["format"] == "number" else "true or false"
    if found.get("isSecret") is True:
        yield "a secret"


def plain_text(value: Any) -> str:
    """Returns a value as a program gets it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
