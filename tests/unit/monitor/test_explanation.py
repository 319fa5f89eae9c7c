"""What is said of why a server is as it is, and of what the next run does with it."""

from __future__ import annotations

from typing import Any

import pytest
from monitor.explanation import because, next_run

from tests.unit.monitor import samples

MARK = {"by": "alice", "at": "2026-11-21T04:00:00Z", "request": "r1"}
STOPPED: dict[str, Any] = {
    "observed": "stopped",
    "health": samples.unasked("stopped"),
    "override": {"stopped": MARK, "restarted": None},
}
RETRY = {"failures": 3, "quarantined": False, "next_try": "2026-11-21T04:30:00Z"}
PODS = {"id": "deployment/mcp-time", "name": "mcp-time", "logs": "kubectl"}


@pytest.mark.parametrize(
    ("server", "why", "then"),
    [
        (samples.server("time"), "it is to run, and its container runs", "Nothing, unless"),
        (samples.server("time", **STOPPED), "stopped by alice at 2026-11-21T04:00:00Z (request r1)", "leaves it stopp"),
        (samples.server("time", **{**STOPPED, "override": None}), "its container is stopped", "by hand; a restart"),
        (samples.failing("time", "exited with 1", retry=RETRY), "failed 3 times in a row", "until 2026-11-21T04:30"),
        (samples.failing("time", "exited with 1"), "exited with 1; look at", "looks at the server again"),
        (samples.invalid("time", "args[3]: '--privileged' is not allowed"), "'--privileged'", "until its entry is"),
        (samples.disabled("time"), "it is disabled", '"disabled" is taken out'),
        (samples.server("time", container=PODS), "it is to run, and its pods are ready", "an object of it"),
        (samples.failing("time", "no pod", container=PODS), "no pod", "looks at its pods again"),
        (samples.server("time", error="the update failed"), "the update failed", "tries again what has failed"),
    ],
)
def test_the_reasons_and_the_next_run_are_said(server: dict[str, Any], why: str, then: str) -> None:
    assert why in "; ".join(because(server))
    assert then in "; ".join(next_run(server, 300))
    assert "every 300 seconds" in list(next_run(server, 300))[-1]


def test_a_reason_that_the_error_has_is_said_once() -> None:
    assert "; ".join(because(samples.failing("time", "exited with 1"))).count("exited with 1") == 1
