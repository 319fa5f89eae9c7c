"""Words of HAProxy's configuration language, made from text that came from elsewhere."""

from __future__ import annotations

import re


def quoted(text: str) -> str:
    """Returns ``text`` as one word in which nothing has a meaning of its own."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'


def quoted_format(text: str) -> str:
    """Returns ``text`` as one word where HAProxy expects a log-format, without giving "%" its meaning."""
    return quoted(text.replace("%", "%%"))


def wildcard_regex(pattern: str, many: str = ".*", one: str = ".") -> str:
    """Returns an anchored expression for an ALB pattern: "*" is any text, "?" one character, "\\" escapes either."""
    parts = []
    for piece in re.findall(r"\\[*?\\]|.", pattern, re.DOTALL):
        if piece == "*":
            parts.append(many)
        elif piece == "?":
            parts.append(one)
        else:
            parts.append(re.escape(piece[-1]))
    return f"^{''.join(parts)}$"
