"""The page for a server that there is not: which names are like it."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from monitor.layout import render
from monitor.pages.server_row import address_of
from monitor.web import Answer, Request

MOST_LIKE = 5
MOST_NAMED = 30
LONGEST = 80
_ALIKE = 0.5
"""As difflib.get_close_matches has its cutoff."""


def unknown_server(request: Request, name: str, names: Sequence[str], more: str = "") -> Answer:
    """Says that the last run knew no server of this name, and leads to those it knew: to all where they are few."""
    found = like(name, names)
    shown = found or (sorted(names) if len(names) <= MOST_NAMED else [])
    return render(
        "unknown.html",
        request,
        severity="warning",
        status=404,
        name=name[:LONGEST] + ("…" if len(name) > LONGEST else ""),
        said="Its name is like" if found else "There are",
        servers=[(each, address_of(each, request.base)) for each in shown],
        total=len(names),
        more=more,
    )


def like(name: str, names: Sequence[str]) -> list[str]:
    """Returns the names that are most like this one, in small or capital letters."""
    small = name.lower()[:LONGEST]
    parts = [each for each in sorted(names) if small and (small in each.lower() or each.lower() in small)]
    by_small = {each.lower(): each for each in names}
    close = [by_small[each] for each in get_close_matches(small, by_small, MOST_LIKE, _ALIKE)]
    return list(dict.fromkeys([*close, *parts]))[:MOST_LIKE]
