"""Health is the server's, not the bridge's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.unit.bridge.client import HOSTILE, ROOT, Bridge, Client, until

Start = Callable[..., Bridge]


def probes(interval: float = 15, timeout: float = 30) -> dict[str, float]:
    """Bounds with which signs of life are asked for, and waited for, at other times. Seconds."""
    return {"probe_interval_seconds": interval, "probe_timeout_seconds": timeout, "hung_seconds": 10 * timeout}


def test_a_server_that_answers_is_ok_and_says_what_it_is(bridge: Bridge) -> None:
    for path in ("/mcp/x/health", "/health"):
        reply = bridge.request("GET", path)
        assert reply.status == 200
        assert reply.json["state"] == "ok"
        assert reply.json["server"] == {"name": "hostile", "version": "1.0"}
        assert reply.json["protocol"] == "2025-11-25"
    assert bridge.request("HEAD", "/health").status == 200


def test_a_server_that_is_still_starting_is_503_and_starting(start_bridge: Start) -> None:
    bridge = start_bridge(command=[*HOSTILE, "--slow-start", "1.5"])
    assert (bridge.health()["status"], bridge.health()["state"]) == (503, "starting")
    bridge.wait_healthy()


def test_a_server_that_exits_at_once_is_failing_for_that_reason(start_bridge: Start) -> None:
    bridge = start_bridge(command=[*HOSTILE, "--crash-at-start"])
    health = until(lambda: (found := bridge.health())["state"] == "failing" and found)
    assert isinstance(health, dict)
    assert (health["status"], health["kind"]) == (503, "exits")
    assert "status 7" in health["reason"]
    until(lambda: "times in a row" in bridge.health()["reason"])
    assert "[health] cannot find my configuration" in bridge.log


def test_a_server_that_never_answers_is_failing_for_that_reason(start_bridge: Start) -> None:
    bridge = start_bridge(limits={**probes(timeout=0.6), "hung_seconds": 1.2}, command=[*HOSTILE, "--silent"])
    until(lambda: bridge.health()["state"] == "failing")
    assert "initialize was not answered within 0.6 s" in bridge.health()["reason"]
    until(lambda: bridge.health()["kind"] == "silent")
    assert bridge.health()["state"] == "failing"


def test_a_server_that_needs_longer_than_a_start_may_take_gets_it_in_the_end(start_bridge: Start) -> None:
    bridge = start_bridge(limits=probes(timeout=0.6), command=[*HOSTILE, "--slow-start", "1.5"])
    until(lambda: bridge.health()["kind"] == "late")
    bridge.wait_healthy()


def test_a_server_that_refuses_every_greeting_is_failing_with_its_own_words(start_bridge: Start) -> None:
    script = """
import json, sys
for line in sys.stdin:
    error = {"code": -32000, "message": "no licence"}
    print(json.dumps({"jsonrpc": "2.0", "id": json.loads(line).get("id"), "error": error}), flush=True)
"""
    bridge = start_bridge(command=[sys.executable, "-c", script])
    until(lambda: bridge.health()["kind"] == "refuses")
    assert bridge.health()["state"] == "failing"
    assert "initialize was refused: no licence" in bridge.health()["reason"]


def test_a_server_without_ping_is_ok(start_bridge: Start) -> None:
    start_bridge(command=[*HOSTILE, "--no-ping"]).wait_healthy()


def test_a_server_of_the_new_era_is_ok(start_bridge: Start) -> None:
    bridge = start_bridge(command=[*HOSTILE, "--modern"])
    bridge.wait_healthy()
    assert bridge.health()["protocol"] == "2026-07-28"


def test_a_frozen_server_is_first_degraded_then_failing_and_then_replaced(start_bridge: Start) -> None:
    bridge = start_bridge(limits=probes(interval=2, timeout=2))
    bridge.wait_healthy()
    os.kill(bridge.descendants()[0], signal.SIGSTOP)
    states = []

    def failing() -> bool:
        health = bridge.health()
        states.append((health["state"], health["status"]))
        return bool(health["state"] == "failing")

    until(failing)
    assert ("degraded", 200) in states
    assert states[-1] == ("failing", 503)
    bridge.wait_healthy()


def test_the_death_of_the_watched_child_is_seen_at_once_and_one_death_is_not_a_failure(start_bridge: Start) -> None:
    bridge = start_bridge(limits=probes(interval=60))
    bridge.wait_healthy()
    os.kill(bridge.descendants()[0], signal.SIGKILL)
    until(lambda: any("health: degraded: the server was killed by SIGKILL" in line for line in bridge.log))
    bridge.wait_healthy()


def test_a_hung_process_that_serves_all_is_failing_although_its_twin_is_well_and_is_replaced(
    start_bridge: Start,
) -> None:
    bridge = start_bridge("--isolation", "shared", limits=probes(interval=1, timeout=1))
    bridge.wait_healthy()
    client = Client(bridge)
    client.open()
    first = client.call("whoami")["pid"]
    os.kill(first, signal.SIGSTOP)
    until(lambda: bridge.health()["kind"] == "stuck")
    health = bridge.health()
    assert (health["status"], health["state"]) == (503, "failing")
    assert "the process that serves all clients has not answered" in health["reason"]
    bridge.wait_healthy()
    again = Client(bridge)
    again.open()
    assert again.call("whoami")["pid"] != first


def test_calls_that_no_pooled_process_takes_are_a_failure(start_bridge: Start) -> None:
    bridge = start_bridge("--isolation", "pooled", "--pool-size", "1", limits=probes(timeout=1))
    bridge.wait_healthy()
    clients = [Client(bridge) for _ in range(2)]
    for client in clients:
        client.open()
        threading.Thread(target=client.call_raw, args=("sleep",), kwargs={"seconds": 60}, daemon=True).start()
    until(lambda: bridge.health()["kind"] == "stuck")
    assert "none of the pool's processes (1) has become free" in bridge.health()["reason"]
    for client in clients:
        client.delete()
    bridge.wait_healthy()


def begun_check(bridge: Bridge, *stay: str) -> subprocess.Popen[str]:
    command = ["bash", "-p", str(ROOT / "files/bridge/healthcheck.sh"), str(bridge.port), bridge.path, *stay]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def check(bridge: Bridge, *stay: str) -> tuple[int, str]:
    """What the container's health check ends with, and says."""
    process = begun_check(bridge, *stay)
    said, _ = process.communicate(timeout=60)
    return process.returncode, said


def test_the_containers_healthcheck_says_the_same(start_bridge: Start) -> None:
    well = start_bridge()
    well.wait_healthy()
    assert check(well)[0] == 0
    ill = start_bridge(command=["/does/not/exist"])
    code, said = check(ill)
    assert (code, json.loads(said)["state"]) == (1, "failing")
    assert "cannot be started" in said
    ill.stop()
    assert check(ill) == (1, "the bridge does not answer\n")


def test_a_healthcheck_stays_once_the_engine_knows_that_all_is_well_and_ends_with_what_is_new(
    start_bridge: Start,
) -> None:
    stay = ("600", "1")
    bridge = start_bridge()
    bridge.wait_healthy()
    assert check(bridge, *stay)[0] == 0  # the engine does not know yet
    staying = begun_check(bridge, *stay)
    until(lambda: os.path.exists(f"/proc/{staying.pid}/fd/4"))  # what it waits at
    # Another engine, or this one started anew, is told at once.
    assert json.loads(check(bridge, *stay)[1])["stay"] is False
    assert staying.poll() is None
    bridge.stop()
    said, _ = staying.communicate(timeout=60)
    assert (staying.returncode, said) == (1, "the bridge does not answer\n")


def test_a_healthcheck_that_has_stayed_its_time_is_followed_by_one_that_stays(start_bridge: Start) -> None:
    bridge = start_bridge()
    bridge.wait_healthy()
    assert check(bridge, "3", "1")[0] == 0
    for _ in range(2):
        began = time.monotonic()
        assert check(bridge, "3", "1")[0] == 0
        assert time.monotonic() - began > 0.9


def calls(metrics: dict[str, float], method: str, tool: str = "", error: str = "") -> float:
    """How many of these calls have ended."""
    labels = f'mcp_method_name="{method}",gen_ai_tool_name="{tool}",error_type="{error}"'
    return metrics.get(f"mcp_server_operation_duration_seconds_count{{{labels}}}", 0)


def test_metrics_count_calls_as_opentelemetry_names_them_and_are_hidden_from_the_balancers_side(
    start_bridge: Start,
) -> None:
    bridge = start_bridge()
    until(lambda: bridge.health().get("tools"))
    client = Client(bridge)
    client.open()
    client.call("echo", text="x")
    client.call_raw("no such tool")
    client.call_raw("die")
    metrics = bridge.metrics()
    assert calls(metrics, "initialize") == 1
    assert calls(metrics, "tools/call", "echo") == 1
    assert calls(metrics, "tools/call", "_OTHER", "-32601") == 1
    assert calls(metrics, "tools/call", "_OTHER", "lost") == 1  # it does not list it
    assert metrics["mcp_bridge_sessions_opened_total"] == 1
    assert metrics["mcp_bridge_received_bytes_total"] > 500
    assert metrics["mcp_bridge_sent_bytes_total"] > 500
    page = bridge.request("GET", "/metrics").body.decode()
    names = {family.name for family in text_string_to_metric_families(page)}
    assert len(names) == page.count("# HELP ") == page.count("# TYPE ")
    for path in ("/metrics", "/mcp/x/metrics"):
        assert bridge.request("GET", path).status == 200
        assert bridge.request("GET", path, headers={"X-Forwarded-For": "203.0.113.9"}).status == 404


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Amzn-Trace-Id", "Forwarded", "Via", "Origin", "Sec-Fetch-Site"]
)
def test_clients_behind_the_balancer_and_pages_learn_the_state_and_nothing_of_others(
    bridge: Bridge, header: str
) -> None:
    value = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}.get(header, "203.0.113.9")
    for path in ("/health", "/mcp/x/health"):
        reply = bridge.request("GET", path, headers={header: value})
        assert (reply.status, reply.json) == (200, {"state": "ok", "kind": "ok"})
        assert "sessions" in bridge.request("GET", path).json
    assert bridge.request("GET", "/metrics", headers={header: value}).status == 404


def test_behind_the_balancer_a_failure_is_told_without_its_reason(start_bridge: Start) -> None:
    bridge = start_bridge(command=["/does/not/exist"])
    until(lambda: bridge.health()["kind"] == "cannot_start")
    reply = bridge.request("GET", "/health", headers={"X-Forwarded-For": "203.0.113.9"})
    assert (reply.status, reply.json) == (503, {"state": "failing", "kind": "cannot_start"})


def test_invented_methods_make_no_time_series(client: Client) -> None:
    for number in range(5):
        client.post({"jsonrpc": "2.0", "id": f"i{number}", "method": f"invented/{number}"})
    assert not [name for name in client.bridge.metrics() if "invented" in name]
