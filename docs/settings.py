#!/usr/bin/env python3
"""Writes files/settings.conf and docs/settings.md from the settings' declarations: make docs.

The declarations are the dataclasses of module_utils/config/settings: each field has its default, its reader, which says
what it accepts, and its meaning.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import Field, fields
from pathlib import Path
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.logging import log_rate, log_size
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.settings import FREE_SECTIONS, SECTIONS
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.values import memory

PROJECT = Path(__file__).parents[1]
SAMPLE, TABLE = PROJECT / "files" / "settings.conf", PROJECT / "docs" / "settings.md"
WIDTH = 120
# What needs no words beside the meaning of a key.
_PLAIN = ("true or false", "a text", "a line of plain text")


def sample() -> str:
    """Returns the text of files/settings.conf: every key with its meaning and its default."""
    lines = ["# Settings of the whole installation. Every key has its default here, and an empty value is the default."]
    for section, kind in SECTIONS.items():
        lines += ["", f"[{section}]"]
        for each in fields(kind):
            lines += [*_comment(_explanation(each)), f"{each.name} = {written_default(each)}".rstrip()]
    for section, meaning in FREE_SECTIONS.items():
        lines += ["", f"[{section}]", *_comment(meaning)]
    return "\n".join(lines) + "\n"


def table() -> str:
    """Returns the text of docs/settings.md: a table for each section."""
    parts = [
        "# The settings",
        "`/etc/mcp-orchestrator/settings.conf`. Every key may be left out, and an empty value is the default. The\n"
        "sample, [settings.conf](../files/settings.conf), has every key with its default.",
    ]
    for section, kind in SECTIONS.items():
        rows = [_row(each) for each in fields(kind)]
        head = ["| key | default | values | meaning |", "| --- | --- | --- | --- |"]
        parts += [f"## `[{section}]`", "\n".join([*head, *rows])]
    for section, meaning in FREE_SECTIONS.items():
        parts += [f"## `[{section}]`", meaning]
    parts.append("Written from the declarations in `module_utils/config/settings` by `make docs`.")
    return "\n\n".join(parts) + "\n"


def written_default(each: Field[Any]) -> str:
    """Returns the default as settings.conf has it; empty where its reader does not take the default as a text."""
    default = each.default_factory()  # type: ignore[misc,operator]
    read = each.metadata["read"]
    if default is None or default == "" or default == () or isinstance(default, Secret):
        return ""
    if read in (memory, log_size, log_rate):
        text = _memory(default)
    elif isinstance(default, bool):
        text = str(default).lower()
    elif isinstance(default, tuple):
        text = ", ".join(default)
    else:
        text = f"{default:g}" if isinstance(default, float) else str(default)
    try:
        return text if read(text) == default else ""
    except ValueError:
        return ""


_UNITS = {"g": 1024**3, "m": 1024**2, "k": 1024, "": 1}


def _memory(count: int) -> str:
    return next(f"{count // size}{unit}" for unit, size in _UNITS.items() if count % size == 0)


def _explanation(each: Field[Any]) -> str:
    accepts, empty = each.metadata["read"].accepts, each.metadata["empty"]
    return " ".join(
        filter(
            None,
            (
                each.metadata["meaning"],
                f"Values: {accepts}." if accepts not in _PLAIN else "",
                f"Empty: {empty}." if empty else "",
            ),
        )
    )


def _comment(text: str) -> Iterator[str]:
    options = {"break_long_words": False, "break_on_hyphens": False}
    yield from textwrap.wrap(text, WIDTH, initial_indent="# ", subsequent_indent="# ", **options)  # type: ignore[arg-type]


def _row(each: Field[Any]) -> str:
    default = written_default(each)
    shown = f"`{default}`" if default else f"empty: {each.metadata['empty']}" if each.metadata["empty"] else "empty"
    cells = (f"`{each.name}`", shown, each.metadata["read"].accepts, each.metadata["meaning"])
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def main() -> None:
    """Writes both files."""
    SAMPLE.write_text(sample(), encoding="utf-8")
    TABLE.write_text(table(), encoding="utf-8")


if __name__ == "__main__":
    main()
