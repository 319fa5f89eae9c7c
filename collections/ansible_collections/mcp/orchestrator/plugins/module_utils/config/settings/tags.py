# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""[tags]: further tags of everything that is made at AWS."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

_MOST_TAGS = 40  # of 50; the others are ours


def tag_errors(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yields what is wrong with tags: the key, and why (user guide, "Tags for your Application Load Balancers")."""
    if len(given) > _MOST_TAGS:
        yield "", f"has {len(given)} tags; AWS takes {_MOST_TAGS} beside ours"
    for name, value in given.items():
        if name.startswith(("aws:", "mcp_")):
            yield name, "is a reserved name; take one that begins with neither aws: nor mcp_"
        elif not re.fullmatch(r"[\w .:/=+@-]{1,128}", name):
            yield name, "is not the name of a tag; use letters, digits, blanks and _.:/=+-@, at most 128"
        elif not re.fullmatch(r"[\w .:/=+@-]{0,256}", value):
            yield name, "is not the value of a tag; use letters, digits, blanks and _.:/=+-@, at most 256"
