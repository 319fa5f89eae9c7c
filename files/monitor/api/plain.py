"""What readers return, as plain data."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any


def moment_text(moment: datetime) -> str:
    """Returns a time as all documents have it."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def second_text(seconds: float) -> str:
    """Returns the same of seconds since 1970."""
    return moment_text(datetime.fromtimestamp(seconds, UTC))


def plain(value: Any) -> Any:
    """Returns records, lists and times as objects, lists and texts; what is plain already stays what it is."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return value
