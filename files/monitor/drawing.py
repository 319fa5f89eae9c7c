"""Small drawings as paths of SVG, which need no script and no style of their own."""

from __future__ import annotations

from collections.abc import Sequence

HEIGHT = 16
"""Of a small line, in its own units; a point is one unit wide."""


def sparkline(values: Sequence[float | None], top: float | None = None, height: int = HEIGHT) -> str:
    """Returns the path of a line through the values, the oldest first; None is a gap.

    ``top`` is the value at the upper edge, such as a limit; without one it is the highest value. Empty without a value.
    """
    known = [value for value in values if value is not None]
    if not known:
        return ""
    highest = top or max(known) or 1.0
    steps: list[str] = []
    before: int | None = None
    for place, value in enumerate(values):
        if value is None:
            before = None
            continue
        at = height - 1 - round(min(max(value / highest, 0), 1) * (height - 2))
        if before is None:
            steps.append(f"M{place} {at}h.1")
        else:
            steps.append(f"L{place} {at}" if steps[-1][0] == "M" else f"{place} {at}")
        before = at
    return " ".join(steps)
