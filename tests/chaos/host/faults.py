"""What breaks on a host: each with its blow, the servers whose clients may notice it, and who mends it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.host.scene import ChaosHost
from tests.chaos.scene import SERVERS
from tests.e2e.support.waiting import until

EVERYBODY = frozenset(SERVERS)
NOBODY: frozenset[str] = frozenset()
FROZEN_SECONDS = 30.0
SLOW_SECONDS = 60
DROP_IN = "/etc/systemd/system/{}.service.d/chaos.conf"

# What ends the fault, if anything does: the time to heal begins there.
Blow = Callable[[ChaosHost], Callable[[], object] | None]


@dataclass(frozen=True)
class HostFault:
    """As Fault of tests/chaos/faults.py. ``reboots``: the host's clients end with it, and begin anew."""

    name: str
    blow: Blow
    hits: frozenset[str]
    by: str
    tries: int = 3
    reboots: bool = False


def restart(host: ChaosHost) -> None:
    host.run("systemctl", "restart", "docker", timeout=120)


def kill(host: ChaosHost) -> None:
    host.run("systemctl", "kill", "--signal=KILL", "docker.service")


def freeze(host: ChaosHost) -> Callable[[], object]:
    """The engine is frozen while a container's first process is killed, which nobody can start again."""
    process = host.run("docker", "inspect", "--format", "{{.State.Pid}}", "mcp-time")
    host.run("systemctl", "kill", "--kill-who=main", "--signal=STOP", "docker.service")
    host.run("kill", "-KILL", process)
    time.sleep(FROZEN_SECONDS)
    return lambda: host.run("systemctl", "kill", "--kill-who=main", "--signal=CONT", "docker.service")


def reboot(host: ChaosHost) -> Callable[[], object]:
    """What lasts is counted from the moment in which the host begins to boot."""
    host.restart()
    return lambda: None


def slow(unit: str) -> Blow:
    """Returns the blow of a boot in which a unit takes its time; what lasts is counted from when it has come."""

    def blow(host: ChaosHost) -> Callable[[], object]:
        late = f"[Service]\nExecStartPre=+/bin/sleep {SLOW_SECONDS}\nTimeoutStartSec=300\n"
        host.run("mkdir", "-p", DROP_IN.format(unit).rsplit("/", 1)[0])
        host.write(DROP_IN.format(unit), late, "0644")
        host.restart()
        until(lambda: host.is_active(unit), f"{unit} has come", 300)
        return lambda: host.run("sh", "-c", f"rm {DROP_IN.format(unit)} && systemctl daemon-reload")

    return blow


ENGINE = "engine and watcher"
TIME = frozenset({"time"})
FAULTS: tuple[HostFault, ...] = (
    HostFault("`systemctl restart docker`", restart, EVERYBODY, ENGINE),
    HostFault("dockerd is killed (kill -9)", kill, EVERYBODY, ENGINE),
    HostFault("dockerd is frozen for 30 s, and a server's process killed meanwhile", freeze, TIME, ENGINE),
    HostFault("the host reboots", reboot, EVERYBODY, "the units at boot", reboots=True),
    HostFault("the host reboots, and dockerd takes 60 s more to start", slow("docker"), EVERYBODY, "watcher", 1, True),
    HostFault(
        "the host reboots, and the load balancer's API takes 60 s more to come",
        slow("mcp-local-alb"), EVERYBODY, "the next run", 1, True,
    ),
)  # fmt: skip
