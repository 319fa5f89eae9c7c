# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The names docker gives to images."""

from __future__ import annotations

import re

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.findings import printable
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.detection import looks_secret, quoted

LONGEST = 512
# The grammar of github.com/distribution/reference, "reference.go".
_COMPONENT = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])"
_REFERENCE = re.compile(
    rf"(?:{_DOMAIN}(?::[0-9]+)?/)?{_COMPONENT}(?:/{_COMPONENT})*"
    r"(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?(?:@[a-z0-9]+(?:[.+_-][a-z0-9]+)*:[0-9a-fA-F]{32,128})?"
)


def image_error(text: str) -> str | None:
    """Returns why this is not the name of an image, with the way out; None where it is one."""
    shown = quoted(text)
    if looks_secret(text):
        return f"{shown} stands where the image belongs; is '-e' missing before it?"
    if len(text) <= LONGEST and _REFERENCE.fullmatch(text):
        return None
    if "=" in text:
        return f"'{printable(text.partition('=')[0])}=…' stands where the image belongs; is '-e' missing before it?"
    if text != text.lower() and len(text) <= LONGEST and _REFERENCE.fullmatch(text.lower()):
        return f"{shown} is not an image: names of images are lower case"
    return f"{shown} is not an image; write name:tag behind the flags"
