# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether a new container answers as the verification files of its server expect (files/verify, docs/verify.md)."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

DEADLINE = 300.0
MOST_TOLD = 3
NOBODY = 65534  # the user and the group that the kernel itself means by it (/proc/sys/kernel/overflowuid)
_AFTER = "orchestrator.verify holds the rollout back until it passes"


class Verify(Protocol):
    """Verifies the server that answers at a URL, before anybody is led there."""

    def __call__(self, server: str, url: str, transport: str, host_header: str | None) -> str | None:
        """Returns None when all is as expected, else what is not. ``transport`` is http or sse. Never raises."""


def not_installed(server: str, url: str, transport: str, host_header: str | None) -> str | None:
    """What says that a server cannot be verified here."""
    return f"it cannot be verified: the module was given no program that does so; {_AFTER}"


class Verification:
    """The program that verifies, as a command and its first arguments.

    It reads what an unproven server answers, so that it runs as nobody where this is root. As many run at once as there
    are processors: each is an interpreter of its own, and a whole fleet may be rolled out.
    """

    def __init__(self, command: Sequence[str], deadline: float = DEADLINE) -> None:
        self._command = list(command)
        self._deadline = deadline
        self._turns = threading.BoundedSemaphore(os.cpu_count() or 1)

    def __call__(self, server: str, url: str, transport: str, host_header: str | None) -> str | None:
        host = ["--host-header", host_header] if host_header is not None else []
        with self._turns, tempfile.TemporaryDirectory(prefix="mcp-verify-") as folder:
            results = Path(folder) / "verify.json"
            nobody: dict[str, Any] = {}
            if os.geteuid() == 0:
                os.chown(folder, NOBODY, NOBODY)
                nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
            given = ["--name", server, "--url", url, "--transport", transport, *host, "--json", str(results)]
            try:
                done = subprocess.run(
                    [*self._command, *given],
                    capture_output=True,
                    text=True,
                    check=False,
                    timeout=self._deadline,
                    stdin=subprocess.DEVNULL,
                    cwd="/",
                    **nobody,
                )
            except subprocess.TimeoutExpired:
                return f"its verification took longer than {self._deadline:g} s; {_AFTER}"
            except OSError as error:
                return f"it cannot be verified: {self._command[0]}: {error.strerror}; {_AFTER}"
            if done.returncode == 0:
                return None
            said = _failures(results) or [line for line in done.stderr.splitlines() if line.strip()]
        more = f" (and {len(said) - MOST_TOLD} more)" if len(said) > MOST_TOLD else ""
        told = "; ".join(said[:MOST_TOLD]) or f"the program ended with {done.returncode}"
        return f"its verification failed: {told}{more}; {_AFTER}"


def _failures(results: Path) -> list[str]:
    """What was wrong, and which changes break clients; nothing where the program wrote no results."""
    try:
        servers: list[Mapping[str, Any]] = json.loads(results.read_text(encoding="utf-8"))["servers"]
        failures = [
            f"{case['file']}: {case['name']}: {failure}"
            for server in servers
            for case in server["cases"]
            for failure in case["failures"]
        ]
        changes = [each for server in servers for each in server["changes"] if each["breaking"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []
    told = [*failures, *(f"{each['where']}: {each['text']} since its baseline" for each in changes)]
    return list(dict.fromkeys(told))  # the same may be wrong in both protocols
