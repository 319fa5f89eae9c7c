"""The host that is broken: what runs on it, and whether it is as its config says."""

from __future__ import annotations

import json
import os
from collections import Counter
from typing import Any

from tests.chaos.scene import SERVERS
from tests.e2e.support.sample import ANOTHER
from tests.hosts.host import HostError, output
from tests.security.installed_host import ETC, VAR, InstalledHost

FLEET = "mcp"
MANY = 99
INTERVAL_SECONDS = 60
STRANGER = "stranger"
CHAIN = "STRANGER"
# What a run says of the routes: each server's priority and target group.
ROUTES = (
    'import json, sys; state = json.load(open(sys.argv[1])); print([(each["name"], each["route"]["priority"], '
    'each["route"]["target_group_arn"]) for each in state["servers"]])'
)
# An engine that is away is waited for; a boot of many takes its time.
PATIENCE_SECONDS = 600.0
SETTINGS = f"[routes]\nderegistration_delay = 1\n[service]\nreconciliation_interval_seconds = {INTERVAL_SECONDS}\n"


def many_servers() -> dict[str, Any]:
    """Returns a config of as many servers as an ALB has room for beside the monitor."""
    return {f"s{number:02}": {**ANOTHER, "orchestrator": {"isolation": "pooled"}} for number in range(MANY)}


class ChaosHost(InstalledHost):
    """A host with a watched fleet, a container and a chain of somebody else's."""

    def __init__(self) -> None:
        super().__init__(f"mcp-chaos-{os.getpid()}")

    def prepare(self) -> None:
        """Install the product; raises HostError."""
        self.install(SERVERS, SETTINGS)
        argv = ["run", "-d", "--name", STRANGER, "--restart=always", "--entrypoint=sleep", "mcp-sample/time:1"]
        self.run("docker", *argv, "infinity")
        self.make_chain()

    def restart(self) -> None:
        """Reboot the host; returns when it begins to boot."""
        output(["docker", "restart", "--time", "60", self.name], timeout=120)

    def is_active(self, unit: str) -> bool:
        """Return whether a unit is active; False while nobody answers."""
        return self._says("systemctl", "is-active", "--quiet", unit)

    def make_chain(self) -> None:
        """Make a chain of somebody else's in the packet filter, which no reboot keeps."""
        self.run("sh", "-c", f"iptables -N {CHAIN} && iptables -A {CHAIN} -s 192.0.2.7 -j RETURN")

    def config(self) -> dict[str, Any]:
        """Return the servers of the config."""
        return dict(json.loads(self.run("cat", f"{ETC}/mcp.config.json"))["mcpServers"])

    def write_config(self, servers: dict[str, Any]) -> None:
        """Replace the config in one step."""
        self.write(f"{ETC}/mcp.config.json", json.dumps({"mcpServers": servers}))

    def report(self) -> dict[str, Any]:
        """Return the report of the last run; empty where it cannot be read."""
        try:
            return dict(json.loads(self.run("cat", f"{VAR}/state.json")))
        except (HostError, ValueError):
            return {}

    def wrong(self) -> str:
        """Return what is not as the config says, the first thing found; empty where all is."""
        try:
            return self._services() or self._containers() or self._report()
        except (HostError, ValueError) as error:
            return str(error)

    def _services(self) -> str:
        failed = self.run("systemctl", "list-units", "--failed", "--plain", "--no-legend", "mcp-*", "docker*")
        wanted = ("docker", "mcp-watcher", "mcp-monitor", "mcp-manager", "mcp-local-alb", "mcp-local-alb-haproxy")
        states = self.run("sh", "-c", f"systemctl is-active {' '.join(wanted)} || true").split()
        return failed or ("" if set(states) == {"active"} else f"units: {dict(zip(wanted, states, strict=False))}")

    def _containers(self) -> str:
        template = '{{.State}} {{.Label "mcp_service"}}'
        listed = self.run("docker", "ps", "--all", "--filter", f"label=mcp_fleet={FLEET}", "--format", template)
        found = Counter(tuple(line.split()) for line in listed.splitlines())
        desired = {
            ("running", name): int(entry.get("orchestrator", {}).get("replicas", 1))
            for name, entry in self.config().items()
            if not entry.get("disabled")
        }
        odd = {
            key: (found.get(key, 0), desired.get(key, 0))
            for key in {*found, *desired}
            if found[key] != desired.get(key)
        }
        return f"containers (found, desired): {odd}" if odd else ""

    def _report(self) -> str:
        if self.run("sh", "-c", "systemctl is-active mcp-reconcile.service || true") == "activating":
            return "a run is under way"
        report = self.report()
        return "" if report.get("run", {}).get("result") == "ok" else f"the last run: {report.get('errors')}"

    def seen(self) -> dict[str, str]:
        """Return what there is, by kind, without what differs after each start of an engine."""
        fleet = f"label=mcp_fleet={FLEET}"
        looks = {
            "containers": f"docker ps --all --filter {fleet} --format '{{{{.Names}}}}' | sort",
            "networks": f"docker network ls --filter {fleet} --format '{{{{.Name}}}}' | sort",
            "volumes": f"docker volume ls --quiet --filter {fleet}",
            "rules of the fleet": "iptables-save | grep -o 'mcp_fleet=[^ ]*' | sort | uniq -c",
            "routes": f"/usr/bin/python3 -c '{ROUTES}' {VAR}/state.json",
            "units": "systemctl list-unit-files --plain --no-legend 'mcp-*' | sort",
            "somebody else's container": f"docker inspect -f '{{{{.Id}}}} {{{{json .Config}}}}' {STRANGER}",
            "somebody else's chain": f"iptables -S {CHAIN}",
        }
        return {kind: self.run("sh", "-c", command) for kind, command in looks.items()}
