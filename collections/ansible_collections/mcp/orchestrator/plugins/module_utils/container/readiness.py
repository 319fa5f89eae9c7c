# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether an endpoint answers as its spec wants."""

from __future__ import annotations

import http.client
import json
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.clock import Clock
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import container_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import Engine
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.policy import Policy

FIRST_PAUSE = 0.05
LONGEST_PAUSE = 1.0
# With the names of a thousand tools.
LONGEST_REPORT = 262144
# A process that the engine has restarted this often within its deadline will not become healthy by waiting longer.
STARTS_PER_PROCESSOR = 4
LONGEST_PATIENCE = 300.0  # seconds, as the bridge has with a process that starts
HOPELESS_RESTARTS = 4


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
    """Makes one GET as a load balancer does.

    ``matcher`` is written as in an ALB's health check: ``200``, ``200,204``, ``200-499``. ``timeout`` is in seconds.
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


class AskSessions(Protocol):
    """Asks one bridge how many sessions it holds."""

    def __call__(self, address: str, port: int) -> int | None:
        """One GET; None where the answer does not say. Never raises."""


def sessions_of(address: str, port: int, timeout: float = 5.0) -> int | None:
    """Asks the bridge on a port of this host how many sessions and other calls it serves; ``timeout`` is in seconds.

    It tells that to programs on the host only (files/bridge/status.py), and whether or not its server is well.
    """
    connection = http.client.HTTPConnection(address, port, timeout=timeout)
    try:
        connection.request("GET", "/health", headers={"Connection": "close", "User-Agent": "mcp-orchestrator"})
        report = json.loads(connection.getresponse().read(LONGEST_REPORT))
        return max(int(report["sessions"]), int(report["calls_in_flight"]))
    except (OSError, http.client.HTTPException, ValueError, KeyError, TypeError):
        return None
    finally:
        connection.close()


def matches(status: int, matcher: str) -> bool:
    """Returns whether an HTTP status is among those of an ALB matcher."""
    for part in matcher.split(","):
        low, _dash, high = part.strip().partition("-")
        if low.isdecimal() and int(low) <= status <= int(high or low):
            return True
    return False


def patience(starting: int, alone: float, processors: int) -> float:
    """Returns how many seconds each of so many containers that start at once may take to answer.

    ``alone`` is what one may take where a processor is left for it. Beyond a few for each of the host's ``processors``
    they keep each other waiting: if all were given up after the same time, none would ever be done.
    """
    return max(alone, min(alone * starting / (STARTS_PER_PROCESSOR * processors), LONGEST_PATIENCE))


class Wait:
    """Waiting for containers to answer. ``seconds`` is how long each may take."""

    def __init__(self, engine: Engine, probe: Probe, clock: Clock, policy: Policy, seconds: float) -> None:
        self._engine = engine
        self._probe = probe
        self._clock = clock
        self._policy = policy
        self._seconds = seconds

    def until_ready(self, spec: Spec, identity: str, port: int | None, since: float) -> str | None:
        """Returns None when the container of ``spec`` answers in time, else why it does not.

        ``since`` is when its time began, in seconds since the epoch; it is asked at least once. Raises EngineError.
        """
        if port is None:
            return "it publishes no port"
        address = self._policy.reach_address
        wanted = f"GET http://{address}:{port}{spec.health_path} should give {spec.health_matcher}"
        deadline = since + self._seconds
        pause = FIRST_PAUSE
        while True:
            answer = self._probe(address, port, spec.health_path, spec.health_matcher)
            if answer.ok:
                return None
            left = deadline - self._clock.now()
            hopeless = self._hopeless(identity) if pause >= LONGEST_PAUSE or left <= 0 else ""
            if hopeless:
                return f"{hopeless} ({wanted})"
            if left <= 0:
                return f"{answer.said}: {wanted} within {self._seconds:g} s"
            self._clock.sleep(min(pause, left))
            pause = min(pause * 1.5, LONGEST_PAUSE)

    def _hopeless(self, identity: str) -> str:
        raw = self._engine.container(identity)
        if raw is None:
            return "its container was removed by somebody else"
        found = container_of(raw)
        if found.restarts >= HOPELESS_RESTARTS or found.status in ("exited", "dead"):
            # While the next try runs, the engine shows 0 for it and has forgotten what the last one ended with.
            code = f"exit code {found.exit_code}, " if found.status != "running" else ""
            return f"its process keeps ending: {code}{found.restarts} restarts"
        return ""
