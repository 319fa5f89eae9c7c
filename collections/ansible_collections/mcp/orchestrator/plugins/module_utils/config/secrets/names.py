# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a name is probably that of a secret."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"token|secret|passw|passphrase|credential|bearer|authorization|private[-_]?key|api[-_]?key|access[-_]?key"
    r"|apikey|(?:account|app|auth)[-_]?key|connection[-_]?str|(^|[-_.])(key|pat|auth|pwd|pw|pass|psk|cookie|jwt|dsn|sig|sas)$",
    re.IGNORECASE,
)
# Names that hold such a word and yet only tell where a secret is, how many tokens there are, or whether to ask.
_HARMLESS = re.compile(
    r"[-_.](file|path|dir|directory|env|url|uri|endpoint|type|name|id|limit|count|length|size|ttl|expiry|mode|scheme)$"
    r"|(^|[-_.])(no|max|min|use|enable|disable|skip|require|allow|num)[-_.]|tokens$|tokeni[sz]er"
    r"|(^|[-_.])(public|primary|foreign|sort|partition|hot)[-_]?key$",
    re.IGNORECASE,
)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def is_secret_name(name: str) -> bool:
    """Returns whether this is probably the name of a secret: ``GITHUB_TOKEN``, ``api-key``, ``dbPass``."""
    name = _HUMP.sub("_", name)
    return bool(_NAME.search(name)) and not _HARMLESS.search(name)
