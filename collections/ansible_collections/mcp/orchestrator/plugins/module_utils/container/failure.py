# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What failed before, how often, and from when on another try makes sense.

A failed container is removed, so it cannot remember; an empty volume with labels does. It lives on the engine beside
the containers, ``docker volume ls`` shows it, and removing it is the way to try at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.container import labels

# The first failure may be an accident and is tried again by the next run; each further one doubles the pause.
FIRST_PAUSE = 60.0
QUARANTINE_AFTER = 5
QUARANTINE_PAUSE = 3600.0
LONGEST_PAUSE = 24 * 3600.0
# Failures further apart than this have nothing to do with each other.
WINDOW = 6 * 3600.0


@dataclass(frozen=True)
class Failure:
    """``count`` tries of the same ``attempt`` that failed in a row, the last one ``at`` (seconds since the epoch)."""

    server: str
    attempt: str
    count: int = 0
    at: float = 0.0

    @property
    def quarantined(self) -> bool:
        """Whether it failed so often that it is left alone for long."""
        return self.count >= QUARANTINE_AFTER

    @property
    def next_try(self) -> float:
        """From when on another try makes sense."""
        if self.count < 2:
            return self.at
        if self.quarantined:
            return self.at + min(QUARANTINE_PAUSE * 2.0 ** (self.count - QUARANTINE_AFTER), LONGEST_PAUSE)
        return self.at + FIRST_PAUSE * 2.0 ** (self.count - 2)

    def counts(self, attempt: str, now: float) -> bool:
        """Returns whether it says anything about ``attempt`` now."""
        return self.attempt == attempt and now < max(self.next_try, self.at + WINDOW)

    def pause(self, attempt: str, now: float, forget: str) -> str | None:
        """Returns why ``attempt`` is not tried now, or None. ``forget`` is the command that removes this memory."""
        if not self.counts(attempt, now) or now >= self.next_try:
            return None
        what = "it is in quarantine" if self.quarantined else "the next try is postponed"
        return (
            f"{what}: it failed {self.count} times, the last time at {clock_time(self.at)}; the next try is due at"
            f" {clock_time(self.next_try)}, or when its config changes; to try at once: {forget}"
        )

    def again(self, attempt: str, now: float) -> Failure:
        """This memory after one more failure of ``attempt``."""
        count = self.count + 1 if self.counts(attempt, now) else 1
        return Failure(self.server, attempt, count, now)

    def to_dict(self) -> dict[str, Any]:
        """As the modules return it."""
        return {
            "server": self.server,
            "count": self.count,
            "quarantined": self.quarantined,
            "next_try": clock_time(self.next_try),
        }

    def labels(self, fleet: str) -> dict[str, str]:
        """Returns how it is written on its volume."""
        return {
            labels.FLEET: fleet,
            labels.SERVICE: self.server,
            labels.ATTEMPT: self.attempt,
            labels.FAILURES: str(self.count),
            labels.FAILED_AT: str(int(self.at)),
        }

    @classmethod
    def from_volume(cls, raw: Mapping[str, Any]) -> Failure | None:
        """Reads a volume as the engine lists it; None when it is none of ours or cannot be read."""
        found: Mapping[str, str] = raw.get("Labels") or {}
        count, at = found.get(labels.FAILURES, ""), found.get(labels.FAILED_AT, "")
        if not count.isdecimal() or not at.isdecimal():
            return None
        return cls(found.get(labels.SERVICE, ""), found.get(labels.ATTEMPT, ""), int(count), float(at))


def volume_name(fleet: str, server: str) -> str:
    """Returns the name of the volume that remembers a server's failures."""
    return f"{fleet}-{server}.failures"


def clock_time(seconds: float) -> str:
    """Returns a time as people and machines read it."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
