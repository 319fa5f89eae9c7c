#!/usr/bin/env python3
"""make observe on a host with systemd: beside a Prometheus that the host has, on one that has none, and after a boot.

Usage: observe.py. Exits 0 when the fleet is scraped, a second run changes nothing, the services of the host's own
Prometheus are as they were, and what is removed leaves nothing.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from fresh import SAMPLES, changes, see_files, set_up, show, unpack_head
from host import Host, HostError

from tests.e2e.support.waiting import until

OURS = ("mcp-prometheus", "mcp-alertmanager")
DEBIANS = ("prometheus", "prometheus-alertmanager")
PLACE = "/var/lib/mcp-orchestrator/observability"
USUAL, BESIDE = ("127.0.0.1:9090", "127.0.0.1:9093"), ("127.0.0.1:9190", "127.0.0.1:9193")
PATIENCE = 120.0
# In tenths of what systemd-analyze prints, as for all other services of ours (molecule/default/verify.yml).
EXPOSURE = 15

# What docs/runbooks.md and docs/metrics.md tell people to type, with the host's own names and tokens in it.
DOCUMENTED = {
    "docs/runbooks.md": (
        "make logs NAME=time",
        "make calls NAME=time",
        "make tokens",
        "make restart NAME=time",
        "systemctl status mcp-monitor",
        "systemctl list-timers mcp-reconcile.timer",
        "journalctl -u mcp-reconcile -e",
        "systemctl start mcp-reconcile",
        "systemctl status mcp-request.path",
        "systemctl reset-failed mcp-request.service",
        "systemctl start mcp-request.path",
        "systemctl status mcp-watcher",
        "journalctl -u mcp-watcher -e",
        "curl http://127.0.0.1:<port>/mcp/<name>/health",
        'curl -H "Authorization: Bearer $TOKEN" https://<balancer>/monitor/metrics',
    ),
    "docs/metrics.md": (
        'curl -H "Authorization: Bearer $TOKEN" https://<balancer>/monitor/metrics',
        "curl -s http://127.0.0.1:<port>/metrics",
        "make dashboards",
    ),
}


def made(host: Host, directory: str, *words: str) -> tuple[int, list[str]]:
    """Run make as the host's user becomes root, show what it says, and return its exit code and the lines."""
    command = f"cd {directory} && sudo make {' '.join(words)} 2>&1"
    return show(["docker", "exec", host.name, "runuser", "-l", host.user, "-c", command])


def observe(host: Host, directory: str, addresses: tuple[str, str], *words: str, changed: Sequence[bool]) -> None:
    """Run make observe; raises HostError unless it names the addresses and has changed something or not, each time."""
    for expected in changed:
        begun = time.monotonic()
        code, said = made(host, directory, "observe", *words)
        if code:
            raise HostError(f"make observe exited with {code}")
        if bool(number := changes(said, "make observe", begun)) != expected:
            raise HostError(
                f"make observe changed {number} things, and should have changed {'some' if expected else 'none'}"
            )
        text = "".join(said)
        named = (*addresses, f"{PLACE}/dashboards", f"{PLACE}/config.alloy")
        if missing := [each for each in named if each not in text]:
            raise HostError(f"make observe does not name {missing}")


def refused(host: Host, directory: str, *reasons: str) -> None:
    """Run make observe; raises HostError unless it fails and says why."""
    code, said = made(host, directory, "observe")
    text = re.sub(r"\s+", " ", "".join(said))
    if not code or not all(each in text for each in reasons):
        raise HostError(f"make observe exited with {code}, and did not say {reasons}")


def asked(host: Host, address: str, query: str) -> list[dict[str, Any]]:
    """Return the samples of a query on the host's Prometheus."""
    url = f"http://{address}/api/v1/query"
    said = host.run("curl", "--silent", "--fail", "--get", "--data-urlencode", f"query={query}", url)
    found: list[dict[str, Any]] = json.loads(said)["data"]["result"]
    return found


def see_scraped(host: Host, addresses: tuple[str, str]) -> None:
    """Raise AssertionError unless monitor, balancer and both bridges are scraped from now on, with all rules."""
    prometheus, alertmanager = addresses
    now = host.run("date", "+%s")

    def says(path: str) -> Any:
        return json.loads(host.run("curl", "--silent", "--fail", f"http://{prometheus}{path}"))["data"]

    def all_is_well() -> bool:
        try:
            up = asked(host, prometheus, f"up == 1 and timestamp(up) > {now}")
            told = [each["url"] for each in says("/api/v1/alertmanagers")["activeAlertmanagers"]]
        except HostError:
            return False
        return (len(up), told) == (4, [f"http://{alertmanager}/api/v2/alerts"])

    until(all_is_well, "monitor, load balancer and two bridges are scraped, and Alertmanager is told", PATIENCE)
    answering = {str(each["metric"]["server"]) for each in asked(host, prometheus, "mcp_server_up == 1")}
    if answering != {"time", "everything", "orders"}:
        raise HostError(f"answering are {answering}")
    if sum(len(group["rules"]) for group in says("/api/v1/rules")["groups"]) < 20:
        raise HostError("Prometheus has not all rules")


def see_units(host: Host, expected: dict[str, str]) -> None:
    """Raise HostError unless each unit is enabled and active as expected: two words, or nothing where there is none."""
    found = {}
    for unit in expected:
        words = host.run("sh", "-c", f"systemctl is-enabled {unit}; systemctl is-active {unit}; true").split()
        found[unit] = " ".join(words)
    if found != expected:
        raise HostError(f"units are {found}, not {expected}")


def see_exposure(host: Host, units: Iterable[str]) -> None:
    """Raise HostError where a unit is more exposed than all others of ours may be."""
    for unit in units:
        said = host.run("systemd-analyze", "security", "--no-pager", f"--threshold={EXPOSURE}", f"{unit}.service")
        print(f"  {said.splitlines()[-1]}", flush=True)


def port_of(host: Host, server: str) -> str:
    """Return the port at which a server's container is on the host, which a restart changes."""
    state = json.loads(host.run("cat", "/var/lib/mcp-orchestrator/state.json"))
    return next(str(each["endpoint"]["port"]) for each in state["servers"] if each["name"] == server)


def see_what_is_documented(host: Host, directory: str) -> None:
    """Raise HostError where a command of the documentation is not in it, or fails on the host."""
    token = host.run("sh", "-c", f"cd {directory} && make --silent token NAME=docs DAYS=0 2>/dev/null")
    for page, commands in DOCUMENTED.items():
        said = re.sub(r"\s+", " ", host.run("cat", f"{directory}/{page}").replace("NAME=…", "NAME=time"))
        for command in commands:
            if command not in said.replace("Bearer …", "Bearer $TOKEN"):
                raise HostError(f"{page} does not say: {command}")
            command = command.replace("https://<balancer>", "http://127.0.0.1:8080").replace("<name>", "time")
            command = command.replace("<port>", port_of(host, "time"))
            print(f"  {command}", flush=True)
            strict = command.replace("curl ", "curl --silent --fail --show-error ")
            host.run("bash", "-c", f"cd {directory} && TOKEN={token} && {strict}", timeout=180)


def see_nothing_left(host: Host) -> None:
    """Raise HostError where something of what make observe has made is still there."""
    left = {
        "units": "ls -d /etc/systemd/system/mcp-prometheus* /etc/systemd/system/mcp-alertmanager*"
        " /etc/systemd/system/*/mcp-prometheus* /etc/systemd/system/*/mcp-alertmanager*",
        "loaded": "systemctl list-units --all --plain --no-legend 'mcp-prometheus*' 'mcp-alertmanager*'",
        "user": "getent passwd mcp-observability; getent group mcp-observability",
        "files": f"ls -d {PLACE}",
        "tokens": "grep -o mcp-prometheus /etc/mcp-orchestrator/monitor.tokens.json",
        "processes": "pgrep -af 'web.listen-address=127.0.0.1:9[01]9'",
    }
    found = {what: host.run("sh", "-c", f"({command}) 2>/dev/null || true") for what, command in left.items()}
    if there := {what: said for what, said in found.items() if said}:
        raise HostError(f"still there: {there}")


def beside_another(host: Host, directory: str) -> None:
    """What becomes of a Prometheus that was there before; raises HostError."""
    install = "apt-get update -qq && apt-get install -y -qq --no-install-recommends prometheus"
    host.run("sh", "-c", f"DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND; {install}", timeout=300)
    see_units(host, {"prometheus": "enabled active"})
    refused(host, directory, "127.0.0.1:9090 is taken by prometheus, process ", "changed=0")
    see_nothing_left(host)
    observe(host, directory, BESIDE, f"PROMETHEUS={BESIDE[0]}", f"ALERTMANAGER={BESIDE[1]}", changed=(True, False))
    see_units(host, dict.fromkeys(OURS, "enabled active"))
    see_units(host, {"prometheus": "enabled active", "prometheus-alertmanager": "disabled inactive"})
    see_scraped(host, BESIDE)
    code, _said = made(host, directory, "observe-absent")
    if code:
        raise HostError(f"make observe-absent exited with {code}")
    see_nothing_left(host)
    see_units(host, {"prometheus": "enabled active"})
    host.run("apt-get", "purge", "-qq", "--yes", *DEBIANS, timeout=120)


def where_there_is_none(host: Host, directory: str) -> None:
    """Installed for us alone, through a boot, until the teardown; raises HostError."""
    host.run("systemctl", "stop", "mcp-monitor")
    refused(host, directory, "Prometheus does not scrape the fleet at http://", "connection refused")
    host.run("systemctl", "start", "mcp-monitor")
    observe(host, directory, USUAL, changed=(False,))
    see_units(host, dict.fromkeys(OURS, "enabled active") | dict.fromkeys(DEBIANS, "disabled inactive"))
    see_scraped(host, USUAL)
    see_what_is_documented(host, directory)
    see_files(host)
    see_exposure(host, OURS)
    subprocess.run(["docker", "restart", "--time", "60", host.name], capture_output=True, check=True)
    see_scraped(host, USUAL)
    see_units(host, dict.fromkeys(OURS, "enabled active") | dict.fromkeys(DEBIANS, "disabled inactive"))
    code, _said = made(host, directory, "teardown")
    if code:
        raise HostError(f"make teardown exited with {code}")
    see_nothing_left(host)


def main() -> int:
    """Return the exit code."""
    host = Host(f"mcp-observe-{os.getpid()}")
    directory = f"/home/{host.user}/mcp-orchestrator"
    try:
        with host:
            host.run(
                "sh", "-c", "apt-get update -qq && apt-get install -y -qq --no-install-recommends make", timeout=300
            )
            host.load(SAMPLES)
            unpack_head(host, directory)
            set_up(host, directory)
            beside_another(host, directory)
            where_there_is_none(host, directory)
    except (HostError, AssertionError, subprocess.CalledProcessError) as failed:
        print(f"observe.py: {failed}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
