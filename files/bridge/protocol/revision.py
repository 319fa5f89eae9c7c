"""The protocol's revisions, and what differs between them on the wire."""

from __future__ import annotations

HANDSHAKE = ("2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25")
"""Revisions with `initialize` and sessions (modelcontextprotocol.io, versioning)."""
MODERN = "2026-07-28"
"""The first revision in which every request stands alone."""
REMOVED = frozenset({"initialize", "ping", "logging/setLevel", "resources/subscribe", "resources/unsubscribe"})
"""Methods that it has no longer (schema of both revisions)."""
LOG_LEVELS = ("debug", "info", "notice", "warning", "error", "critical", "alert", "emergency")
"""From the least to the gravest (schema, LoggingLevel)."""
TOOLS_CHANGED = "notifications/tools/list_changed"
BATCHES = frozenset({"2025-03-26"})


def primes(revision: str | None) -> bool:
    """Whether a client of `revision` understands an event with an id and no data at the start of a stream."""
    return revision is not None and revision >= "2025-11-25"


def older_or_equal(revision: str) -> list[str]:
    """The handshake revisions that a server which agreed on `revision` speaks, as far as one may assume."""
    return [known for known in HANDSHAKE if known <= revision] or [revision]
