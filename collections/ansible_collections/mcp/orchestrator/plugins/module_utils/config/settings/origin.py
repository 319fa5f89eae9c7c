# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Web origins: which pages a browser lets speak to a server (RFC 6454; https://fetch.spec.whatwg.org/#origin-header)."""

from __future__ import annotations

import re

_DEFAULT_PORTS = {"http": "80", "https": "443"}
_ORIGIN = re.compile(
    r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<host>[a-z0-9]([a-z0-9._-]*[a-z0-9])?|\[[0-9a-f:.]+\])(:(?P<port>[0-9]{1,5}))?"
)


def origin(text: str) -> str:
    """Reads an origin as browsers write it in ``Origin``: in small letters and without the scheme's own port.

    Raises ValueError for what no browser sends, and for what would let every page in.
    """
    if "*" in text:
        raise ValueError("would allow every page; write each origin, for example https://app.example.com")
    if text.lower() == "null":
        raise ValueError("is what every sandboxed page and local file sends; write the origin of a page that is served")
    match = _ORIGIN.fullmatch(text.lower())
    if match is None or int(match["port"] or 1) not in range(1, 65536):
        raise ValueError("is not an origin; write for example https://app.example.com, without a path")
    port = (match["port"] or "").lstrip("0")
    suffix = "" if port in ("", _DEFAULT_PORTS.get(match["scheme"])) else f":{port}"
    return f"{match['scheme']}://{match['host']}{suffix}"


def host(text: str) -> str:
    """Reads a name or IPv4 address that requests may be addressed to, in small letters; ``*`` is any text in it.

    Raises ValueError, also for a pattern that every name fulfils.
    """
    if not re.fullmatch(r"[A-Za-z0-9*?](?:[A-Za-z0-9.*?-]{0,251}[A-Za-z0-9*?])?", text):
        raise ValueError("is not a host name; write for example mcp.example.com, without a port")
    if not re.search(r"[A-Za-z0-9]", text):
        raise ValueError("would allow every name; write each name, or one such as *.example.com")
    return text.lower()
