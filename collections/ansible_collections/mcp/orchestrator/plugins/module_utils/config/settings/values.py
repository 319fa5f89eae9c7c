# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Readers of single values of settings.conf, for several sections.

Each raises ValueError with a reason that reads after the value: ``'7' is not …``.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.quantity import (
    SMALLEST_MEMORY,
    size,
    whole_number,
)


def matching(pattern: str, meaning: str) -> Callable[[str], str]:
    """Returns a reader of what ``pattern`` matches as a whole; ``meaning`` says what that is."""

    def read(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise ValueError(f"is not {meaning}")
        return text

    return read


def one_of(*choices: str) -> Callable[[str], str]:
    """Returns a reader of one of these words."""

    def read(text: str) -> str:
        if text not in choices:
            raise ValueError(f"is not one of {', '.join(choices)}")
        return text

    return read


def number(least: int, most: int) -> Callable[[str], int]:
    """Returns a reader of whole numbers from ``least`` to ``most``."""
    return lambda text: whole_number(text, least, most)


def number_or_zero(least: int, most: int) -> Callable[[str], int]:
    """Returns a reader of whole numbers from ``least`` to ``most``, and of 0, which switches something off."""
    return lambda text: 0 if text == "0" else whole_number(text, least, most)


def several(read: Callable[[str], str]) -> Callable[[str], tuple[str, ...]]:
    """Returns a reader of several values, separated by spaces or commas."""
    return lambda text: tuple(read(word) for word in re.split(r"[\s,]+", text.strip(", \t\n")) if word)


def memory(text: str) -> int:
    """Reads an amount of memory as bytes, at least the engine's minimum."""
    found = size(text)
    if found < SMALLEST_MEMORY:
        raise ValueError("is less than 6m, the least that the engine gives")
    return found


def address(text: str) -> str:
    """Reads an IPv4 or IPv6 address."""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError("is not an IP address; write for example 127.0.0.1") from None


def network(text: str) -> str:
    """Reads a source of requests as a CIDR block."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        raise ValueError("is not a network; write for example 10.0.0.0/8") from None


def host_name(text: str) -> str:
    """Reads a host name of a condition; ``*`` stands for any text and ``?`` for any character.

    Behind the last dot there are letters only, so an address is none (API reference, HostHeaderConditionConfig).
    """
    if not re.fullmatch(r"([A-Za-z0-9*?-]+\.)+[A-Za-z*?]+", text) or len(text) > 128:
        raise ValueError("is not a host name; write for example mcp.example.com or *.example.com")
    return text.lower()


def https_url(text: str) -> str:
    """Reads an address that begins with https://."""
    if not re.fullmatch(r"https://[^\s/?#]+(/[^\s#]*)?", text):
        raise ValueError("is not an address that begins with https://")
    return text


def line(text: str) -> str:
    """Reads a line of plain text of at most 1,024 characters."""
    if not text.isprintable() or len(text) > 1024:
        raise ValueError("is not a line of plain text")
    return text
