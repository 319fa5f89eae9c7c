"""Who asks on the command line, and from where."""

from __future__ import annotations

import os
import pwd
import re

_LONGEST = 100


def asker() -> dict[str, str]:
    """Returns ``by`` and ``from`` of a request: the person behind sudo, and where they sit."""
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = str(uid)
    # sudo sets it for what it starts (sudo(8)).
    name = _plain(os.environ.get("SUDO_USER", "")) or user
    address = _plain(os.environ.get("SSH_CONNECTION", "").partition(" ")[0])
    return {"by": name, "from": f"host {address}".strip()}


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.:@-]", "", text)[:_LONGEST]
