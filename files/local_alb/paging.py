"""Answers in pages, with markers that tell where the next one begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from .errors import validation_error

Item = TypeVar("Item")


def page_of(
    items: Sequence[Item],
    key: Callable[[Item], str],
    request: dict[str, Any],
    largest: int,
) -> tuple[Sequence[Item], dict[str, str]]:
    """The part of ``items`` that ``request`` asks for by ``Marker`` and ``PageSize``, at most ``largest`` items.

    Returns the part and either ``{"NextMarker": …}`` or nothing. A marker holds the key of the last item of its page,
    so that a page read while others are added or removed neither repeats nor skips what stayed; where that item itself
    is gone, the marker is refused as AWS refuses a stale one.
    """
    start = 0
    if request.get("Marker"):
        last = _decode(request["Marker"])
        positions = [index for index, item in enumerate(items) if key(item) == last]
        if not positions:
            raise validation_error(f"'{request['Marker']}' is not a valid marker, or what it points at is gone")
        start = positions[0] + 1
    end = start + min(request.get("PageSize", largest), largest)
    part = items[start:end]
    return part, ({"NextMarker": _encode(key(part[-1]))} if end < len(items) else {})


def _encode(key: str) -> str:
    return base64.urlsafe_b64encode(key.encode()).decode()


def _decode(marker: str) -> str:
    try:
        return base64.urlsafe_b64decode(marker.encode()).decode()
    except (binascii.Error, UnicodeError, ValueError):
        raise validation_error(f"'{marker}' is not a valid marker") from None
