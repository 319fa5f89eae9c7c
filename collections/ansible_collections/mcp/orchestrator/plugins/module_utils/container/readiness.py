# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an endpoint answers as its spec wants."""

from __future__ import annotations

import http.client
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Answer:
    """``ok`` and, for people, what came back."""

    ok: bool
    said: str


class Probe(Protocol):
    """Asks one endpoint once."""

    def __call__(self, address: str, port: int, path: str, matcher: str) -> Answer:
        """One GET; never raises."""


def http_probe(address: str, port: int, path: str, matcher: str, timeout: float = 5.0) -> Answer:
    """One GET as a load balancer makes it. ``matcher`` as in an ALB's health check: ``200``, ``200,204``, ``200-499``.

    ``timeout`` is in seconds.
    """
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", path or "/", headers={"Connection": "close", "User-Agent": "mcp-orchestrator"})
        status = connection.getresponse().status
    except TimeoutError:
        return Answer(False, f"no answer within {timeout:g} s")
    except OSError as error:
        return Answer(False, (error.strerror or str(error)).lower())
    except http.client.HTTPException as error:
        return Answer(False, f"no HTTP answer ({type(error).__name__})")
    finally:
        connection.close()
    return Answer(matches(status, matcher), f"status {status}")


def matches(status: int, matcher: str) -> bool:
    """Whether an HTTP status is among those of an ALB matcher."""
    for part in matcher.split(","):
        low, _, high = part.strip().partition("-")
        if low.isdecimal() and int(low) <= status <= int(high or low):
            return True
    return False
