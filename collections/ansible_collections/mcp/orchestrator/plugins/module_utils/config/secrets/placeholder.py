# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What READMEs have in the place of a value: ``<your-api-key>``, ``YOUR_TOKEN_HERE``, ``[your region]``, ``xxx``."""

from __future__ import annotations

import re

_WHOLE = re.compile(
    r"\[[A-Za-z _-]+\]|\{[A-Za-z][\w -]*\}|<+[^<>]*>+|[A-Za-z0-9_-]*(?:\.\.\.|…|\*{3,})"
    r"|(?:sk|ghp|pat)[-_]your.*|(?:insert|paste|enter|replace|put)[-_ ].*|path to .*|todo|tbd|fixme"
    r"|fill[-_ ].*|set[-_ ]me|__[a-z0-9_]+__|(?:dummy|placeholder|redacted)(?:[-_ ].*)?|[你您]的.*|あなたの.*"
    r"|(?:change|replace)[-_ ]?me"
    r"|(?:your|my|some|example)[-_ ].*(?:key|token|secret|password|here|id)(?![a-z]).*|(?:bearer|token|basic) token",
    re.IGNORECASE,
)
# Inside a longer value, at the edge of one of its words.
_WITHIN = re.compile(
    r"(?:^|(?<=[\s/:=@,\"'.?&-]))<+[^<>=]{1,80}>+(?=$|[\s/:@,\"'.?&;-])"
    r"|\{\{[^{}]+\}\}"
    r"|\[[^\[\]{}\"]*\b(?:your|e\.g\.|insert|enter|paste)[^\[\]{}\"]*\]"
    r"|(?<![A-Za-z0-9])your[-_]?(?:[-_][a-z0-9]|api|own|access|secret|token)[a-z0-9_-]*"
    r"|(?<![A-Za-z0-9])(?:[a-z0-9]+[-_])+here(?![a-z0-9_-])"
    r"|(?:^|(?<=[\s/:=@,\"']))(?:[a-z0-9]{1,12}[-_])*(?:akia)?x{3,}(?:[-_.]?x+)*(?=$|[\s/:@,\"'.?&;])"
    r"|(?<=\s)(?:[a-z0-9]+[-_])?(?:\.\.\.|…|\*{3,})$|(?:bearer|token|basic)\s+\{[a-z][\w -]*\}$"
    r"|://(?:user|username|login):(?:pass|password|passwd|pwd)@",
    re.IGNORECASE,
)
# As in the documentation of an API: https://host/{owner}/{project}.
_IN_ADDRESS = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://\S*(?<![${])\{[A-Za-z][\w-]*\}")


_LONGEST = 400  # of what an example has in the place of a value


def is_placeholder(value: str) -> bool:
    """Returns whether a value is, or still has, what an example has in the place of the user's own."""
    value = value.strip()
    if len(value) > _LONGEST:
        return False
    return any((_WHOLE.fullmatch(value), _WITHIN.search(value), _IN_ADDRESS.match(value)))
