# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Values out of the steps' results, which may hold anything: each function returns a clean value or None."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

LONGEST_TEXT = 1000
LONGEST_LIST = 1000

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", re.ASCII)

# What looks like a credential although it stands in a sentence. The state is kept on disk and shown to people, and a
# server may put its own key into its error; the parts that know secret values never send them here, this is the net.
_CREDENTIALS = re.compile(
    r"""(?xi)
    (?P<kept>
        \b(?:bearer|basic)\s+(?=[\w+/=.~-]{16})
      | \b\w*(?:password|passwd|secret|token|api_?key)(?:=|["']\s*:\s*["'])
      | ://[^\s/@:]*:(?=[^\s/]+@)
    )
    [^\s"'@&,;]+
  | \b(?:
        gh[pousr]_\w{16,} | github_pat_\w{16,} | sk-[\w-]{16,} | xox[abeoprs]-[\w-]{10,} | AKIA[A-Z0-9]{12,}
      | eyJ[\w-]{8,}\.[\w.-]+
    )
    """
)


def text(value: Any) -> str | None:
    """The value if it is a text: one line of at most 1,000 characters, without control characters and credentials."""
    if not isinstance(value, str):
        return None
    line = " ".join("".join(c if c.isprintable() else " " for c in value).split())
    line = _CREDENTIALS.sub(lambda found: f"{found['kept'] or ''}***", line)
    return line if len(line) <= LONGEST_TEXT else line[: LONGEST_TEXT - 1] + "…"


def texts(value: Any) -> list[str] | None:
    """The texts of a list; None where there is no list."""
    if not isinstance(value, (list, tuple)):
        return None
    return [line for each in value[:LONGEST_LIST] if (line := text(each)) is not None]


def word(value: Any) -> str | None:
    """The value if it is a text that is not empty: a name, an id, an address. Nothing is taken for a credential."""
    if not isinstance(value, str):
        return None
    return "".join(c for c in value if c.isprintable())[:LONGEST_TEXT].strip() or None


def one_of(value: Any, known: Sequence[str]) -> str | None:
    """The value if it is one of the known words."""
    return value if isinstance(value, str) and value in known else None


def moment(value: Any) -> str | None:
    """The value if it is a time in UTC as the state file writes it."""
    return value if isinstance(value, str) and _MOMENT.fullmatch(value) else None


def whole(value: Any, least: int, most: int) -> int | None:
    """The value as a whole number, if it is one within the limits; Ansible may have made a text of it."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        count = int(value)
    except (ValueError, OverflowError):
        return None
    return count if least <= count <= most else None


def number(value: Any) -> float | None:
    """The value if it is a finite number of 0 or more."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value < float("inf"):
        return None
    return value


def dicts(value: Any) -> list[dict[str, Any]]:
    """Those members of a list that are dicts; nothing where there is no list."""
    return [member for member in value if isinstance(member, dict)] if isinstance(value, list) else []
