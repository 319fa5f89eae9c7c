"""Tokens of the API of a site."""

from __future__ import annotations

import os
import subprocess
import sys

from tests.e2e.support.site import Site


def make_token(site: Site, scope: str) -> str:
    """Makes a token as make token does, with the installed release."""
    made = subprocess.run(
        [
            *(sys.executable, "-m", "monitor.access.token", "--users", str(site.etc / "monitor.users.json")),
            *("add", f"{scope}-{os.urandom(4).hex()}", "--scope", scope),
        ],
        cwd=site.root / "home" / "current" / "files",
        capture_output=True,
        text=True,
        check=True,
    )
    return made.stdout.strip()
