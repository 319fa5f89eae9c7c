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
LIST_CHANGED = "/list_changed"
"""How the methods of all notifications end that say that a list has changed: they concern every client."""
META_PREFIX = "io.modelcontextprotocol/"
"""What the protocol's own keys in `_meta` begin with (schema of 2026-07-28)."""
SUBSCRIPTION = META_PREFIX + "subscriptionId"
"""The key in `_meta` that says to which subscription a notification belongs: the id of the request that opened it."""
BATCHES = frozenset({"2025-03-26"})
"""Revisions in which several messages may travel as one array."""


def primes(revision: str | None) -> bool:
    """Says whether a client of `revision` understands an event with an id and no data at the start of a stream."""
    return revision is not None and revision >= "2025-11-25"


def older_or_equal(revision: str) -> list[str]:
    """Returns the handshake revisions that a server which agreed on `revision` speaks, as far as one may assume."""
    return [known for known in HANDSHAKE if known <= revision] or [revision]
