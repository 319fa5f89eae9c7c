# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Sizes and numbers as the docker command line writes them, and switches."""

from __future__ import annotations

import re
from configparser import ConfigParser

_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgtp]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_POWERS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}
_MOST = 2**63 - 1
SMALLEST_MEMORY = 6 * 1024**2  # the engine's own minimum


def size(text: str) -> int:
    """Reads ``512m``, ``1.5g`` or ``64MiB`` as bytes (units of 1024, as docker/go-units' RAMInBytes reads them).

    Raises ValueError with a reason that reads after the value.
    """
    match = _SIZE.fullmatch(text)
    if not match or len(text) > 32:
        raise ValueError("is not a size; write for example 512m or 2g")
    number = float(match[1]) * 1024 ** _POWERS[match[2].lower()]
    if number > _MOST:
        raise ValueError("is more than any machine has")
    return int(number)


def whole_number(text: str, least: int, most: int) -> int:
    """Reads an integer from ``least`` to ``most``. Raises ValueError with a reason that reads after the value."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", text):
        raise ValueError("is not a whole number")
    number = int(text)
    if not least <= number <= most:
        raise ValueError(f"is not between {least} and {most}")
    return number


def switch(text: str) -> bool:
    """Reads what configparser takes for true or false. Raises ValueError with a reason that reads after the value."""
    word = text.lower()
    if word not in ConfigParser.BOOLEAN_STATES:
        raise ValueError("is neither true nor false")
    return ConfigParser.BOOLEAN_STATES[word]


def cores(text: str) -> float:
    """Reads a number of CPU cores, to a thousandth. Raises ValueError as ``size`` does."""
    if not re.fullmatch(r"[0-9]{0,6}(\.[0-9]{0,9})?", text) or not re.search("[0-9]", text):
        raise ValueError("is not a number of cores; write for example 0.5 or 2")
    number = round(float(text), 3)
    if number < 0.01:
        raise ValueError("is less than the engine's smallest share, 0.01 cores")
    return number
