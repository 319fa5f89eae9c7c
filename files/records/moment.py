"""Times as the records have them: text in UTC with nine digits of a fraction, which sorts as it stands."""

from __future__ import annotations

import re
import time
from datetime import UTC, datetime

WIDTH = len("2026-11-29T01:19:13.123456789Z")
SECOND = 1_000_000_000

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_AGO = re.compile(r"([0-9]{1,9})([smhd])")
# With or without a fraction, and with any zone: podman writes the host's.
_ISO = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(?:\.([0-9]{1,9}))?(Z|[+-][0-9]{2}:[0-9]{2})"
)


def text_of(nanoseconds: int) -> str:
    """Returns the text of a time in nanoseconds since 1970."""
    seconds, rest = divmod(nanoseconds, SECOND)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{rest:09d}Z"


def nanoseconds_of(text: str) -> int:
    """Returns nanoseconds since 1970. ``text`` is RFC 3339. Raises ValueError where it is no such time."""
    found = _ISO.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a time such as 2026-11-29T01:19:13Z")
    whole, fraction, zone = found.groups()
    seconds = int(datetime.fromisoformat(whole + ("+00:00" if zone == "Z" else zone)).timestamp())
    return seconds * SECOND + int((fraction or "").ljust(9, "0"))


def moment(given: str, now: float) -> str:
    """Returns the text of what a person writes: ``2h`` ago (also s, m, d), a date, or a time in UTC or with a zone.

    ``now`` is in seconds since 1970. Raises ValueError with the way out.
    """
    ago = _AGO.fullmatch(given)
    if ago is not None:
        back = int(now) - int(ago[1]) * _UNITS[ago[2]]
        return text_of(max(back, 0) * SECOND)
    try:
        found = datetime.fromisoformat(given)
        if found.tzinfo is None:
            found = found.replace(tzinfo=UTC)
        return text_of(max(int(found.timestamp() * 1_000_000) * 1000, 0))
    except (ValueError, OverflowError):
        raise ValueError(f"{given[:40]!r} is not a time; write for example 2h, 30m or 2026-11-29T01:19:13Z") from None
