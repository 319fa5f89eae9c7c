"""How targets are: HAProxy's view of its servers in the words of DescribeTargetHealth.

Source: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/target-group-health-checks.html.
A newly registered target needs one passed check to become healthy; the thresholds count from then on.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping

from local_alb.haproxy.backends import backend_name, server_name
from local_alb.haproxy.rendering import ServerKey
from local_alb.model.world import Document, Target, TargetGroup

from .master_socket import ServerStatus

TIMEOUTS = ("L4TOUT", "L6TOUT", "L7TOUT")
PASSED = ("L4OK", "L6OK", "L7OK", "L7OKC")
NOT_YET = ("INI", "UNK", "SOCKERR", "")


class HealthBook:
    """What the data plane last reported. Its writer is the data plane's thread; readers are all others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._servers: dict[ServerKey, ServerStatus] | None = None
        self._healthy: frozenset[ServerKey] | None = None
        # Since when a server is known here, in seconds; what was there before this process is known since ever.
        self._known: dict[ServerKey, float] = {}
        # Servers that once passed or definitely failed: for the others the first passed check decides.
        self._settled: set[ServerKey] = set()
        self._problem: str | None = None
        self._served = False

    def record(
        self,
        servers: Mapping[ServerKey, ServerStatus],
        wanted: Mapping[ServerKey, tuple[TargetGroup, Target]],
        now: float,
    ) -> list[ServerKey]:
        """Takes in what HAProxy says. Returns the servers that have just passed their first check.

        ``wanted`` are the servers of the current world, ``now`` seconds since the epoch.
        """
        promoted = []
        with self._lock:
            first = self._healthy is None
            self._servers = dict(servers)
            self._settled &= set(servers)
            self._known = {key: self._known.get(key, 0.0 if first else now) for key in servers}
            for key, status in servers.items():
                if key in self._settled:
                    continue
                if status.is_up:
                    self._settled.add(key)
                elif status.check in PASSED:
                    self._settled.add(key)
                    promoted.append(key)
                    self._servers[key] = ServerStatus(True, status.check, status.code)
                elif status.check not in NOT_YET and key in wanted and self._is_overdue(key, wanted[key], now):
                    self._settled.add(key)
            self._healthy = frozenset(key for key, status in self._servers.items() if status.is_up)
        return promoted

    def _is_overdue(self, key: ServerKey, wanted: tuple[TargetGroup, Target], now: float) -> bool:
        group, target = wanted
        since = max(self._known[key], target.registered)
        return now - since >= (group.health_check.unhealthy_threshold - 1) * group.health_check.interval

    def lost(self) -> None:
        """Forgets all states: HAProxy does not answer."""
        with self._lock:
            self._servers = None

    def report(self, problem: str | None) -> None:
        """Keeps why the data plane does not serve what it should; None where it does."""
        with self._lock:
            self._problem = problem
            self._served = self._served or problem is None

    @property
    def problem(self) -> str | None:
        """Why the data plane does not serve what it should; None where it does."""
        return self._problem

    @property
    def healthy(self) -> frozenset[ServerKey] | None:
        """The servers that were up when HAProxy last answered; None if it never has."""
        return self._healthy

    def is_unsettled(self) -> bool:
        """Returns whether some target has not been decided upon, so that looking again soon is worth it."""
        with self._lock:
            return self._servers is None or any(key not in self._settled for key in self._servers)

    def describe(self, group: TargetGroup, target: Target) -> Document:
        """Returns the TargetHealth structure of a registered target whose group is in use."""
        key = (backend_name(group), server_name(target))
        with self._lock:
            status = None if self._servers is None else self._servers.get(key)
            settled, reachable = key in self._settled, self._servers is not None
        if status is None:
            if reachable:
                return _health("initial", "Elb.RegistrationInProgress", "Target registration is in progress")
            return _health("unavailable", "Elb.InternalError", "HAProxy does not answer; target health is not known")
        if status.is_up:
            return {"State": "healthy"}
        if not settled:
            return _health("initial", "Elb.InitialHealthChecking", "Initial health checks in progress")
        if status.check in TIMEOUTS:
            return _health("unhealthy", "Target.Timeout", "Request timed out")
        if status.check == "L7STS":
            return _health(
                "unhealthy",
                "Target.ResponseCodeMismatch",
                f"Health checks failed with these codes: [{status.code}]",
            )
        return _health("unhealthy", "Target.FailedHealthChecks", "Health checks failed")

    def load_balancer_state(self) -> dict[str, str]:
        """Returns the LoadBalancerState structure: impaired where HAProxy serves something else than the rules say."""
        if self._problem is None:
            return {"Code": "active"} if self._served else {"Code": "provisioning"}
        return {"Code": "active_impaired" if self._served else "provisioning", "Reason": self._problem}


def _health(state: str, reason: str, description: str) -> Document:
    return {"State": state, "Reason": reason, "Description": description}
