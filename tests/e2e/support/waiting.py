"""The one way in which tests wait: for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
PAUSE_SECONDS = 0.02
# Long after what is waited for is there, also on a machine with a lot else to do: only a failure takes so long.
PATIENCE_SECONDS = 90.0


def until(
    condition: Callable[[], Found],
    what: str | Callable[[], str] = "the condition holds",
    seconds: float = PATIENCE_SECONDS,
) -> Found:
    """Returns the first true value of ``condition``, which is asked again and again.

    Raises AssertionError with ``what`` and the last value where it is not true within ``seconds``.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > deadline:
            told = what() if callable(what) else what
            raise AssertionError(f"not within {seconds:g} s: {told} (last: {found!r})")
        time.sleep(PAUSE_SECONDS)
    return found
