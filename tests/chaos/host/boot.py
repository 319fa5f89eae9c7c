"""How long a boot of many servers takes, with the product and without: until all answer."""

from __future__ import annotations

from tests.chaos.host.asking import Asking
from tests.chaos.host.scene import PATIENCE_SECONDS, ChaosHost, many_servers
from tests.e2e.support.waiting import until
from tests.security.installed_host import VAR

# Everything of the product that is there at a boot. Without it the engine starts the same containers all alone.
UNITS = (
    "mcp-watcher.service", "mcp-monitor.service", "mcp-manager.service", "mcp-local-alb.service",
    "mcp-local-alb-haproxy.service", "mcp-firewall.service", "mcp-reconcile.timer", "mcp-reconcile.path",
    "mcp-request.path",
)  # fmt: skip
# Prints when, on the monotonic clock, every container has answered at its own port.
ALONE = """
import http.client, json, sys, time
from concurrent.futures import ThreadPoolExecutor
def answers(port):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
left = [server["endpoint"]["port"] for server in json.load(open(sys.argv[1]))["servers"]]
with ThreadPoolExecutor(16) as pool:
    while left:
        time.sleep(0.2)
        left = [port for port, well in zip(left, pool.map(answers, left)) if not well]
print(time.monotonic())
"""


def measure(host: ChaosHost) -> dict[str, float]:
    """Fills the host with servers, and reboots it twice; returns what that took, in seconds from the engine's start.

    ``engine`` is until it says that it is ready, ``alone`` until all servers answer at their own ports where nothing of
    the product is started, ``answer`` until all answer through the load balancer, and ``whole`` until a run has found
    all well.
    """
    servers = many_servers()
    host.write_config(servers)
    until(lambda: not host.wrong(), "all servers run", PATIENCE_SECONDS)
    host.run("systemctl", "disable", *UNITS)
    begun = _boot(host)
    engine = _moment(host, "ActiveEnterTimestampMonotonic") - begun
    alone = float(host.run("/usr/bin/python3", "-c", ALONE, f"{VAR}/state.json", timeout=PATIENCE_SECONDS)) - begun
    host.run("systemctl", "enable", *UNITS)
    before = host.report()["run"]["id"]
    begun = _boot(host)
    with Asking(host, list(servers), calls=False) as asking:
        until(lambda: not asking.look()[0], "all servers answer", PATIENCE_SECONDS)
        answer = asking.look()[1] - begun
    until(
        lambda: not host.wrong() and host.report()["run"]["id"] != before, "a run has found all well", PATIENCE_SECONDS
    )
    whole = float(host.run("/usr/bin/python3", "-c", "import time; print(time.monotonic())")) - begun
    figures = {"engine": engine, "alone": alone, "answer": answer, "whole": whole}
    return {
        "servers": len(servers),
        **{name: round(seconds, 1) for name, seconds in figures.items()},
        "ratio": round(answer / alone, 2),
    }


def _boot(host: ChaosHost) -> float:
    """Reboots the host, and returns when its engine was started."""
    host.restart()
    until(lambda: host.is_active("docker"), "the engine has started", PATIENCE_SECONDS)
    return _moment(host, "ExecMainStartTimestampMonotonic")


def _moment(host: ChaosHost, name: str) -> float:
    """A moment of the engine's unit, on the monotonic clock."""
    return int(host.run("systemctl", "show", "--value", "--property", name, "docker.service")) / 1e6
