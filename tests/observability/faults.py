"""What alerts are about, brought about at a real site: each fault lasts as long as its block.

Nothing here writes what a run or the watcher would write. Two things are helped along: the kernel's and Docker's own
counters are real, but a quarantine takes seven minutes of failures, which are made older here; and no quota of AWS is
used up but that of the embedded load balancer, which has the same.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import docker

from tests.chaos import scene
from tests.chaos.outages import set_faults
from tests.e2e.support.site import FLEET, Site
from tests.observability.scene import SERVERS, Clients

REFUSED = {"faults": [{"error": {"code": "AccessDenied", "message": "not allowed", "status": 403}}]}
# More than nine tenths of the 100 rules that a load balancer may have.
MANY_RULES = 92
_LONG_AGO = 4000
# Restarts after which a run waits for a container no longer.
HOPELESS = 4
# Takes memory until the container has 95 of 100 parts of what it may have, and keeps it.
_HOLD = """
import os, time
place = "/sys/fs/cgroup/memory.%s" if os.path.exists("/sys/fs/cgroup/memory.max") else "/sys/fs/cgroup/memory/memory.%s"
used, limit = ("current", "max") if place.count("memory") == 1 else ("usage_in_bytes", "limit_in_bytes")
number = lambda name: int(open(place % name).read())
held = []
while True:
    while number(used) < 0.95 * number(limit):
        held.append(bytearray(os.urandom(1)) * 2**20)
    time.sleep(0.5)
"""
_HOG = "held = []\nwhile True: held.append(bytearray(2**24))"
_MARK = "# of the tests of alerts"


@contextmanager
def repeated(blow: Callable[[], object], seconds: float) -> Iterator[None]:
    """Strikes every ``seconds`` until the block ends. What is away at that moment is struck the next time."""
    stop = threading.Event()

    def go_on() -> None:
        while not stop.wait(seconds):
            with contextlib.suppress(docker.errors.APIError, OSError, IndexError, KeyError):
                blow()

    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def bad_calls(clients: Clients) -> Iterator[None]:
    """Clients call a tool that there is none of, and one that takes long."""
    clients.bad.set()
    try:
        yield
    finally:
        clients.bad.clear()


@contextmanager
def dying(site: Site, server: str) -> Iterator[None]:
    """The first process of a server is killed again and again; the engine starts it anew.

    Not sooner than ten seconds after its start, else the engine waits twice as long each time.
    """

    def blow() -> None:
        if process := scene.containers_of(site, server)[0].attrs["State"]["Pid"]:  # 0, between two, would be ourselves
            os.kill(process, signal.SIGKILL)

    with repeated(blow, 11):
        yield


@contextmanager
def drifting(site: Site, server: str) -> Iterator[None]:
    """Somebody removes a server's container after each run."""
    seen = [0.0]

    def blow() -> None:
        reported = (site.var / "state.json").stat().st_mtime
        if reported != seen[0]:
            scene.containers_of(site, server)[0].remove(force=True)
            seen[0] = reported

    with repeated(blow, 0.5):
        yield


@contextmanager
def one_replica_cut_off(site: Site, server: str) -> Iterator[None]:
    """The second replica of a server is removed, and nothing that is sent to the next one arrives."""
    dropped: set[str] = set()

    def rule(flag: str, port: str) -> None:
        words = ["OUTPUT", "--protocol", "tcp", "--destination", "127.0.0.1", "--dport", port, "--jump", "DROP"]
        subprocess.run(["iptables", "--wait", "--table", "raw", flag, *words], check=True)

    def blow() -> None:
        bindings = scene.containers_of(site, server)[1].attrs["HostConfig"]["PortBindings"]
        for port in {each["HostPort"] for found in bindings.values() for each in found} - dropped:
            rule("-I", port)
            dropped.add(port)

    try:
        with repeated(blow, 0.2):
            scene.containers_of(site, server)[1].remove(force=True)
            yield
    finally:
        for port in dropped:
            rule("-D", port)


@contextmanager
def without_memory(site: Site, server: str) -> Iterator[None]:
    """A server's memory is nearly used up all the time, and now and then wholly, so that the kernel kills."""

    def execute(program: str) -> None:
        container = scene.containers_of(site, server)[0]
        api = site.docker.api
        made = api.exec_create(container.id, ["python3", "-c", f"{program}\n{_MARK}"])
        api.exec_start(made["Id"], detach=True)

    def held() -> list[int]:
        found = []
        for command in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if _MARK.encode() in command.read_bytes():
                    found.append(int(command.parent.name))
        return found

    def blow() -> None:
        if not held():
            execute(_HOLD)

    try:
        with repeated(blow, 2), repeated(lambda: execute(_HOG), 60):
            yield
    finally:
        for process in held():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)


def _removed_where_it_restarts(site: Site, server: str) -> None:
    """Removes a container that the engine starts anew again and again, so that the next run tries another."""
    found = scene.containers_of(site, server)[0]
    if found.attrs["State"]["Status"] == "restarting" and found.attrs["RestartCount"] > HOPELESS:
        found.remove(force=True)


@contextmanager
def broken(site: Site) -> Iterator[None]:
    """A new server whose program is not in its image; each of its failures is made an hour older, and its container
    removed, so that the next run tries again."""
    entry = {
        **SERVERS["orders"],
        "args": ["run", "-p", "8000:8000", "--entrypoint", "/no-such-program", "mcp-sample/orders:1"],
    }

    def older() -> None:
        volume = site.docker.volumes.get(f"{FLEET}-broken.failures")
        labels: dict[str, str] = dict(volume.attrs["Labels"])
        (key,) = (each for each in labels if each.endswith("failed_at"))
        if time.time() - int(labels[key]) < _LONG_AGO / 2:
            labels[key] = str(int(labels[key]) - _LONG_AGO)
            volume.remove()
            site.docker.volumes.create(volume.name, labels=labels)
        else:
            _removed_where_it_restarts(site, "broken")

    site.write_config({**SERVERS, "broken": entry})
    try:
        with repeated(older, 1):
            yield
    finally:
        site.write_config(SERVERS)


@contextmanager
def refused() -> Iterator[None]:
    """The API of the load balancer refuses every call, as where a permission is missing."""
    set_faults(REFUSED)
    try:
        yield
    finally:
        set_faults({})


@contextmanager
def many_rules(site: scene.FaultySite) -> Iterator[None]:
    """Somebody else's rules, nearly as many as a listener may have."""
    api = site.elbv2()
    (balancer,) = api.describe_load_balancers()["LoadBalancers"]
    (listener,) = api.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    answer = {"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "404"}}
    made = []
    try:
        for number in range(MANY_RULES):
            condition = {"Field": "path-pattern", "Values": [f"/somebody-elses-{number}"]}
            rule = api.create_rule(
                ListenerArn=listener["ListenerArn"], Priority=20000 + number, Conditions=[condition], Actions=[answer]
            )
            made.append(rule["Rules"][0]["RuleArn"])
        yield
    finally:
        for arn in made:
            api.delete_rule(RuleArn=arn)


@contextmanager
def no_runs(site: Site) -> Iterator[None]:
    """A run that never ends: its lock is held, and a request waits for it."""
    with Path(f"/run/mcp-orchestrator/run-{FLEET}.lock").open("rb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        words = ["restart", "pair", "--directory", str(site.var)]
        asking = subprocess.Popen(
            [sys.executable, "-m", "request", *words],
            cwd=site.root / "home/current/files",
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            yield
        finally:
            fcntl.flock(lock, fcntl.LOCK_UN)
            asking.kill()
            asking.wait()


@contextmanager
def stopped(site: Site, service: str) -> Iterator[None]:
    """A service of the site is stopped by the supervisor."""
    scene.supervisor(site, "stop", f"{FLEET}-{service}")
    try:
        yield
    finally:
        scene.supervisor(site, "start", f"{FLEET}-{service}")


@contextmanager
def frozen(site: Site, program: str) -> Iterator[None]:
    """A program of the site does nothing."""
    processes = scene.processes(site, program)
    for process in processes:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in processes:
            os.kill(process, signal.SIGCONT)
