# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Path patterns of listener rules.

``*`` stands for any characters, also none and also ``/``; ``?`` for exactly one; everything else for itself,
case-sensitively, see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/rule-condition-types.html.
"""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=65536)
def patterns_overlap(left: str, right: str) -> bool:
    """Returns whether some path matches both patterns."""
    reached = {(0, 0)}
    pending = [(0, 0)]

    def reach(state: tuple[int, int]) -> None:
        if state not in reached:
            reached.add(state)
            pending.append(state)

    while pending:
        i, j = pending.pop()
        if i == len(left) and j == len(right):
            return True
        a = left[i] if i < len(left) else ""
        b = right[j] if j < len(right) else ""
        if a == "*":
            reach((i + 1, j))
        if b == "*":
            reach((i, j + 1))
        if a and b and (a == b or a in "*?" or b in "*?"):
            reach((i if a == "*" else i + 1, j if b == "*" else j + 1))
    return False


def any_overlap(left: list[str], right: list[str]) -> bool:
    """Returns whether some path matches a pattern of both lists."""
    return any(patterns_overlap(a, b) for a in left for b in right)
