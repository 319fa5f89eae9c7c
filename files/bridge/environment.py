"""The environment of the server's processes: the container's own, as the engine made it."""

from __future__ import annotations

import os


def original() -> dict[str, str]:
    """The environment that this process was started with. The interpreter adds a locale to its own (PEP 538), which
    no child should see."""
    try:
        with open("/proc/self/environ", "rb") as file:
            pairs = file.read().split(b"\0")
    except OSError:
        return dict(os.environ)
    return {
        os.fsdecode(name): os.fsdecode(value) for name, sign, value in (pair.partition(b"=") for pair in pairs) if sign
    }
