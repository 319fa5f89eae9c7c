# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the bridges of a server say of it, to programs on their host alone (files/bridge/status.py)."""

from __future__ import annotations

import http.client
import json
import time
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any

_LONGEST = 262144
_TIMEOUT = 2.0
_TOLD = {"sessions": "held", "sessions_fit": "fit", "oom_kills": "oom_kills"}


def ask_bridges(urls: Sequence[str], end: float) -> list[Mapping[str, Any]]:
    """Returns what each bridge tells, in the order of ``urls``, empty where one does not. ``end`` is the latest moment
    on the clock of time.monotonic()."""
    return [_ask(url, min(_TIMEOUT, end - time.monotonic())) or {} for url in urls]


def sessions_of(reports: Sequence[Mapping[str, Any]]) -> dict[str, int] | None:
    """Returns how many sessions a server's bridges hold (held), for how many there is room with them (fit), and how
    many processes the kernel has killed for want of memory (oom_kills), over all of ``reports``; None where not every
    one tells, and where sessions share processes."""
    found = dict.fromkeys(_TOLD.values(), 0)
    for told in reports:
        if told.get("isolation", "per_session") != "per_session":
            return None
        if not all(isinstance(told.get(key), int) for key in _TOLD):
            return None
        for key, name in _TOLD.items():
            found[name] += told[key]
    return found if reports else None


def sleeps(reports: Sequence[Mapping[str, Any]]) -> bool:
    """Returns whether a server has no process that could be asked: all its bridges say so, and what its tools are."""
    asleep = [told.get("state") == "asleep" and isinstance(told.get("tools"), list) for told in reports]
    return bool(asleep) and all(asleep)


def _ask(url: str, timeout: float) -> Mapping[str, Any] | None:
    if timeout <= 0:
        return None
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=timeout) as answer:
            told = json.loads(answer.read(_LONGEST))
    except (OSError, http.client.HTTPException, ValueError):  # a server that is not well is told by the probe itself
        return None
    return told if isinstance(told, dict) else None
