# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readers of single values of settings.conf, for several sections.

Each raises ValueError with a reason that reads after the value: ``'7' is not …``.
"""

from __future__ import annotations

import ipaddress
import re
from typing import TypeVar

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import (
    SMALLEST_MEMORY,
    size,
    whole_number,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import cores as read_cores
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import switch as read_switch
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.setting import Reader

_T = TypeVar("_T")


def matching(pattern: str, meaning: str) -> Reader[str]:
    """Returns a reader of what ``pattern`` matches as a whole; ``meaning`` says what that is."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is not {meaning}")
        return text

    return Reader(read, meaning.replace("; write for example", ", for example"))


def one_of(*choices: str) -> Reader[str]:
    """Returns a reader of one of these words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}")
        return text

    return Reader(read, f"{', '.join(choices[:-1])} or {choices[-1]}", choices)


def number(least: int, most: int) -> Reader[int]:
    """Returns a reader of whole numbers from ``least`` to ``most``."""
    return Reader(lambda text: whole_number(text, least, most), f"{least} to {most}")


def number_or_zero(least: int, most: int) -> Reader[int]:
    """Returns a reader of whole numbers from ``least`` to ``most``, and of 0, which switches something off."""
    return Reader(lambda text: 0 if text == "0" else whole_number(text, least, most), f"0, or {least} to {most}")


def several(read: Reader[_T]) -> Reader[tuple[_T, ...]]:
    """Returns a reader of several values, separated by spaces or commas."""
    return Reader(
        lambda text: tuple(read(word) for word in re.split(r"[\s,]+", text.strip(", \t\n")) if word),
        f"a list, each {read.accepts}",
    )


def optional(read: Reader[_T]) -> Reader[_T | None]:
    """Returns the same reader for a key whose default is None."""
    return Reader(read.read, read.accepts, read.choices)


def _memory(text: str) -> int:
    found = size(text)
    if found < SMALLEST_MEMORY:
        raise ValueError("is less than 6m, the engine's minimum")
    return found


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("is not an IP address; write for example 127.0.0.1") from None


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("is not a network; write for example 10.0.0.0/8") from None


def _host_name(text: str) -> str:
    # Behind the last dot there are letters only, so an address is none (API reference, HostHeaderConditionConfig).
    if not re.fullmatch(r"([A-Za-z0-9*?-]+\.)+[A-Za-z*?]+", text) or len(text) > 128:
        raise ValueError("is not a host name; write for example mcp.example.com or *.example.com")
    return text.lower()


def _https_url(text: str) -> str:
    if not re.fullmatch(r"https://[^\s/?#]+(/[^\s#]*)?", text):
        raise ValueError("is not an address that begins with https://")
    return text


def _line(text: str) -> str:
    if not text.isprintable() or len(text) > 1024:
        raise ValueError("is not a line of plain text")
    return text


switch = Reader(read_switch, "true or false")
cores = Reader(read_cores, "a number of cores, for example 0.5 or 2")
memory = Reader(_memory, "a size, for example 512m or 2g")
address = Reader(_address, "an IP address")
network = Reader(_network, "a network, for example 10.0.0.0/8")
host_name = Reader(_host_name, "a host name, for example mcp.example.com or *.example.com")
https_url = Reader(_https_url, "an address that begins with https://")
line = Reader(_line, "a line of plain text")
secret = Reader(Secret, "a text")
