# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes the progress of a pull to the host's log: a module under Ansible is silent until it ends."""

from __future__ import annotations

import syslog
import time
from collections.abc import Callable, Mapping
from typing import Any

EVERY_SECONDS = 5.0
MEGABYTE = 10**6
IDENT = "mcp-orchestrator"


def to_log(line: str) -> None:
    """Writes a line where ``journalctl -t mcp-orchestrator`` shows it."""
    syslog.openlog(IDENT)
    syslog.syslog(line)


class PullProgress:
    """Adds up the engine's stream of one pull (Engine API, POST /images/create) and logs it now and then.

    Pulls that end before the first entry are not logged. ``now`` returns seconds.
    """

    def __init__(
        self, reference: str, say: Callable[[str], None] = to_log, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._reference = reference
        self._say = say
        self._now = now
        self._began = self._told = now()
        self._layers: dict[str, tuple[int, int]] = {}

    def feed(self, line: Mapping[str, Any]) -> None:
        """Takes one line of the stream."""
        detail = line.get("progressDetail") or {}
        layer = str(line.get("id"))
        if line.get("status") == "Downloading" and detail.get("total"):
            self._layers[layer] = (int(detail.get("current") or 0), int(detail["total"]))
        elif line.get("status") in ("Download complete", "Pull complete") and layer in self._layers:
            total = self._layers[layer][1]
            self._layers[layer] = (total, total)
        if self._now() - self._told >= EVERY_SECONDS:
            self._told = self._now()
            self._say(f"pulling {self._reference}: {self._size()}{self._now() - self._began:.0f} s so far")

    def done(self) -> None:
        """Notes that the stream has ended well."""
        if self._told > self._began:
            self._say(f"pulled {self._reference} in {self._now() - self._began:.0f} s")

    def _size(self) -> str:
        got, total = (sum(each[which] for each in self._layers.values()) for which in (0, 1))
        return f"{got / MEGABYTE:.0f} of {total / MEGABYTE:.0f} MB, " if total else ""
