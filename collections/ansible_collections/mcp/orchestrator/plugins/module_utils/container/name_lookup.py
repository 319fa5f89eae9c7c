# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The addresses that names have now."""

from __future__ import annotations

import socket
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from typing import Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.container import egress

SECONDS = 5.0
AT_ONCE = 16


class NameLookup(Protocol):
    """Looks names up, all at once."""

    def __call__(self, hosts: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Returns the IPv4 addresses of each, as ``iptables`` writes them; none for a name that has none now."""


def look_up(hosts: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Returns the addresses of names as this host resolves them. What takes longer than 5 s has none."""
    wanted = sorted(set(hosts))
    # Not as a context: its end would wait for a look-up that hangs.
    pool = ThreadPoolExecutor(AT_ONCE)
    try:
        answers = {host: pool.submit(_look_up, host) for host in wanted}
        return {host: _in_time(answer) for host, answer in answers.items()}
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str) -> tuple[str, ...]:
    literal = egress.literal(host)
    if literal is not None:
        return (literal,)
    try:
        found = socket.getaddrinfo(host, None, socket.AF_INET, socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return ()
    return tuple(sorted({f"{each[4][0]}/32" for each in found}))


def _in_time(answer: Future[tuple[str, ...]]) -> tuple[str, ...]:
    try:
        return answer.result(SECONDS)
    except TooLate:
        return ()
