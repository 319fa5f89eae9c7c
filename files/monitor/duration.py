"""Times as people say them."""

from __future__ import annotations

from datetime import datetime

_UNITS = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))


def in_words(seconds: float) -> str:
    """A length of time in its largest unit: 45 seconds, 3 minutes, 2 hours, 5 days."""
    whole = max(0, round(seconds))
    for unit, length in _UNITS:
        if whole >= length:
            count = whole // length
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "no time"


def ago(moment: datetime, now: datetime) -> str:
    """How long ago a moment was: just now, 3 minutes ago; ahead of this clock where it lies in the future."""
    seconds = (now - moment).total_seconds()
    if seconds < -60:
        return f"{in_words(-seconds)} ahead of this clock"
    return "just now" if seconds < 5 else f"{in_words(seconds)} ago"
