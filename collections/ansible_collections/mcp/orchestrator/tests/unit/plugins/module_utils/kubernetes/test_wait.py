# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long servers are waited for, and which of them has failed."""

from __future__ import annotations

from typing import Any

from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.kinds import Kind
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.wait import PATIENCE, Clock, Waited, wait
from ansible_collections.mcp.orchestrator.plugins.module_utils.kubernetes.workload import Object
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.kubernetes.fake_cluster import FakeCluster

TIMEOUT = 60.0
QUOTA = {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota"}


class Watched(FakeCluster):
    """A cluster with one Deployment. ``conditions`` are what its controller says after so many looks."""

    def __init__(self, *conditions: list[dict[str, Any]], ready_after: int = 10**6) -> None:
        super().__init__()
        self.seconds, self.looks = 0.0, 0
        self._conditions, self._ready_after = conditions, ready_after

    def objects(self, kind: Kind, selector: str = "", *, fields: str = "", names_alone: bool = False) -> list[Object]:
        if kind.kind != "Deployment":
            return []
        self.looks += 1
        return [self.deployment()]

    def deployment(self) -> Object:
        there = self._conditions[min(self.looks, len(self._conditions) - 1)] if self._conditions else []
        count = 1 if self.looks >= self._ready_after else 0
        counts = dict.fromkeys(("replicas", "updatedReplicas", "readyReplicas", "availableReplicas"), count)
        return {
            "metadata": {"name": "mcp-time", "labels": {"mcp_service": "time"}},
            "spec": {"replicas": 1},
            "status": {**counts, "conditions": there},
        }

    def pause(self, seconds: float) -> None:
        self.seconds += seconds

    def waited(self, *begun: str) -> Waited:
        clock = Clock(lambda: self.seconds, self.pause)
        return wait(self, "mcp", {"mcp-time": self.deployment()}, begun, TIMEOUT, clock)


def test_what_gets_ready_is_waited_for_and_no_longer() -> None:
    cluster = Watched(ready_after=3)
    assert cluster.waited("mcp-time").failed == {}
    assert cluster.looks == 3


def test_what_never_gets_ready_has_its_time_and_then_has_failed() -> None:
    cluster = Watched()
    failed = cluster.waited("mcp-time").failed["mcp-time"]
    assert failed.reason == "0 of 1 pods are ready; no pod got ready in time"
    assert TIMEOUT <= cluster.seconds < TIMEOUT + 5


def test_a_quota_that_is_full_for_a_moment_is_no_failure_and_one_that_stays_so_is() -> None:
    assert Watched([QUOTA], [QUOTA], [], ready_after=4).waited("mcp-time").failed == {}
    cluster = Watched([QUOTA])
    assert "FailedCreate: exceeded quota" in cluster.waited("mcp-time").failed["mcp-time"].reason
    assert PATIENCE <= cluster.seconds < PATIENCE + 5


def test_what_a_killed_run_has_just_changed_is_no_old_failure() -> None:
    class Unseen(Watched):
        """Its controller has not seen the last change yet."""

        def deployment(self) -> Object:
            made = super().deployment()
            return {**made, "metadata": {**made["metadata"], "generation": 2}, "status": {"observedGeneration": 1}}

    cluster = Unseen()
    cluster.seconds = 10 * TIMEOUT
    assert cluster.waited().failed
    assert cluster.seconds >= 11 * TIMEOUT


def test_what_has_been_failing_for_long_keeps_nobody_waiting() -> None:
    cluster = Watched(
        [{"type": "Progressing", "reason": "ReplicaSetUpdated", "lastUpdateTime": "1970-01-01T00:00:00Z"}]
    )
    cluster.seconds = TIMEOUT + 1
    assert cluster.waited().failed
    assert cluster.seconds == TIMEOUT + 1
