"""Quantities as people read them."""

from __future__ import annotations

_SIZES = (("GiB", 1024**3), ("MiB", 1024**2), ("KiB", 1024))


def size(count: float) -> str:
    """A number of bytes in the largest unit that fits: 512 MiB, 1.5 GiB."""
    for unit, length in _SIZES:
        if count >= length:
            return f"{_short(count / length)} {unit}"
    return f"{count:.0f} B"


def cores(count: float) -> str:
    """A number of cores: 0.12, 1.5, 3."""
    return f"{count:.2f}".rstrip("0").rstrip(".")


def duration(milliseconds: float) -> str:
    """A duration: 0.4 ms, 12 ms, 1.8 s."""
    if milliseconds >= 1000:
        return f"{_short(milliseconds / 1000)} s"
    return f"{_short(milliseconds)} ms"


def durations(*milliseconds: float) -> str:
    """Several durations, with the unit once where it is the same: 12 · 80 ms."""
    texts = [duration(each) for each in milliseconds]
    if len({text.rpartition(" ")[2] for text in texts}) == 1:
        texts[:-1] = [text.rpartition(" ")[0] for text in texts[:-1]]
    return " · ".join(texts)


def rate(count: float) -> str:
    """How often in a minute: 0.2, 5.5, 120."""
    return _short(count)


def _short(count: float) -> str:
    """Two digits where they are worth it."""
    return f"{count:.0f}" if count >= 10 else f"{count:.1f}".removesuffix(".0")
