# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the bridges of a server say of their sessions, to programs on their host alone (files/bridge/status.py)."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from collections.abc import Mapping, Sequence

_LONGEST = 65536
_TIMEOUT = 2.0
_TOLD = {"sessions": "held", "sessions_fit": "fit", "oom_kills": "oom_kills"}


def sessions_of(urls: Sequence[str], end: float) -> dict[str, int] | None:
    """Returns how many sessions a server's bridges hold (held), for how many there is room with them (fit), and how
    many processes the kernel has killed for want of memory (oom_kills), over all of ``urls``; None where not every one
    tells. ``end`` is the latest moment on the clock of time.monotonic()."""
    found = dict.fromkeys(_TOLD.values(), 0)
    for url in urls:
        told = _ask(url, min(_TIMEOUT, end - time.monotonic()))
        if told is None or not all(isinstance(told.get(key), int) for key in _TOLD):
            return None
        for key, name in _TOLD.items():
            found[name] += told[key]
    return found if urls else None


def _ask(url: str, timeout: float) -> Mapping[str, int] | None:
    if timeout <= 0:
        return None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            told = json.loads(answer.read(_LONGEST))
    except (OSError, http.client.HTTPException, ValueError):  # a server that is not well is told by the probe itself
        return None
    return told if isinstance(told, dict) else None
