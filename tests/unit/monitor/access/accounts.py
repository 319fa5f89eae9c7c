"""Files of users for tests, whose passwords cost next to nothing to compare."""

from __future__ import annotations

import base64
import json
from pathlib import Path


def write_accounts(file: Path, **accounts: tuple[str, str]) -> Path:
    """The file, with a user of each name: the password and the role."""
    users = {
        name: {"role": role, "password": kept(password), "made_by": "command"}
        for name, (password, role) in accounts.items()
    }
    file.unlink(missing_ok=True)
    file.write_text(json.dumps({"version": 1, "users": users}))
    file.chmod(0o640)
    return file


def kept(password: str) -> str:
    """What looks like a hash, and holds the password for ``plainly`` to compare."""
    text = base64.b64encode(password.encode().ljust(32, b"\0")).decode().rstrip("=")
    return f"$scrypt$ln=2,r=8,p=1$AAAAAAAA${text}"


def plainly(password: str, hashed: str) -> bool:
    """Whether it is the password, without the cost of scrypt."""
    return kept(password) == hashed
