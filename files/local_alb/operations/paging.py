"""Answers in pages, with markers that tell where the next one begins."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from local_alb.errors import validation_error

Item = TypeVar("Item")


def page_of(
    items: Sequence[Item],
    key: Callable[[Item], str],
    request: dict[str, Any],
    largest: int,
) -> tuple[Sequence[Item], dict[str, str]]:
    """Returns the part of ``items`` that ``request`` asks for, and either ``{"NextMarker": …}`` or nothing.

    It asks by ``Marker`` and ``PageSize``; the part has at most ``largest`` items. A marker names the first item of the
    next page, so that reading on while others come and go neither repeats nor skips what stayed. Where that item itself
    is gone, its place counts. Raises ValidationError for a marker that never was one.
    """
    start = 0
    if request.get("Marker"):
        place, name = _decode(request["Marker"])
        start = next((index for index, item in enumerate(items) if key(item) == name), place)
    end = start + min(request.get("PageSize", largest), largest)
    marker = {"NextMarker": _encode(end, key(items[end]))} if end < len(items) else {}
    return items[start:end], marker


def _encode(place: int, name: str) -> str:
    return base64.urlsafe_b64encode(f"{place} {name}".encode()).decode()


def _decode(marker: str) -> tuple[int, str]:
    try:
        place, _, name = base64.b64decode(marker.encode(), altchars=b"-_", validate=True).decode().partition(" ")
        return int(place), name
    except (binascii.Error, UnicodeError, ValueError):
        raise validation_error(f"'{marker}' is not a valid marker") from None
