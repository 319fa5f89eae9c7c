"""A host as far as what observes it can tell: bridges, the load balancer, the monitor, and what make observe runs.

Bridges, HAProxy, Prometheus and Alertmanager are real, and the playbook is the product's. Of the engine, the watcher
and runs there are the files alone.
"""

from __future__ import annotations

import grp
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.access.passwords import hashed
from monitor.access.users import VIEW, Account, User, write_users

from tests.e2e.support.local_alb import LocalAlb, running
from tests.e2e.support.ports import free_port, listens
from tests.e2e.support.waiting import until
from tests.observability.files import Files
from tests.unit.bridge.client import Bridge
from tests.unit.bridge.client import start as start_bridge

PROJECT = Path(__file__).parents[2]
SERVERS = ("time", "slow")


@dataclass
class Scene:
    """``bridges`` are by server; each is a target of the load balancer at ``/mcp/NAME``, where ``orders`` is too."""

    root: Path
    alb: LocalAlb
    bridges: dict[str, Bridge]
    files: Files
    monitor: subprocess.Popen[bytes]
    monitor_port: int
    prometheus: str
    alertmanager: str

    def play(self, playbook: str, *arguments: str) -> None:
        """Runs a playbook of the product; raises AssertionError where it fails."""
        run = subprocess.run(
            [
                *(str(PROJECT / ".venv/bin/ansible-playbook"), playbook, "-i", "inventory/local"),
                *("-e", json.dumps(self.variables()), *arguments),
            ],
            cwd=PROJECT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-1000:]

    def end(self) -> None:
        """Removes what the playbook has made, and the supervisor, which other roles would need as well."""
        self.play("playbooks/observe.yml", "-e", "observability_state=absent")
        control = [
            str(self.root / "home/venv/bin/supervisorctl"),
            "-c",
            str(self.root / "var/supervisor/supervisord.conf"),
        ]
        subprocess.run([*control, "shutdown"], capture_output=True, check=False)

    def variables(self) -> dict[str, Any]:
        name = f"mcp-test-{self.monitor_port}"
        return {
            "ansible_python_interpreter": sys.executable,
            "mcp_home": str(self.root / "home"),
            "mcp_etc": str(self.root / "etc"),
            "mcp_var": str(self.root / "var"),
            "mcp_monitor_port": self.monitor_port,
            "observability_user": name,
            "observability_prometheus": self.prometheus,
            "observability_alertmanager": self.alertmanager,
            "observability_prometheus_service": f"{name}-prometheus",
            "observability_alertmanager_service": f"{name}-alertmanager",
            "observability_scrape_interval": "2s",
        }


@contextmanager
def scene(root: Path) -> Iterator[Scene]:
    """A host below ``root``, until the block ends."""
    root.chmod(0o755)
    for name in ("etc", "var", "home", "alb"):
        (root / name).mkdir()
    (root / "home" / "venv").symlink_to(PROJECT / ".venv")
    (root / "home" / "current").symlink_to(PROJECT)
    (root / "etc" / "fleet.key").write_bytes(b"k" * 32)
    (root / "etc" / "fleet.key").chmod(0o600)
    (root / "etc" / "mcp.config.json").write_text('{"mcpServers": {}}')
    (root / "etc" / "settings.conf").write_text((PROJECT / "files/settings.conf").read_text())
    users = root / "etc" / "monitor.users.json"
    write_users(users, {"admin": Account(User("admin", VIEW), hashed("of-a-test"))}, grp.getgrgid(os.getgid()).gr_name)
    bridges = {name: start_bridge("--isolation", "pooled", path=f"/mcp/{name}") for name in SERVERS}
    files = Files(root / "var", {name: bridge.port for name, bridge in bridges.items()})
    with running(LocalAlb(root / "alb")) as alb:
        monitor, port = _monitor(root, users, alb)
        try:
            places = (f"127.0.0.1:{free_port()}", f"127.0.0.1:{free_port()}")
            made = Scene(root, alb, bridges, files, monitor, port, *places)
            _route(made)
            yield made
        finally:
            monitor.kill()
            monitor.wait()
            files.close()
            for bridge in bridges.values():
                bridge.stop()


def _monitor(root: Path, users: Path, alb: LocalAlb) -> tuple[subprocess.Popen[bytes], int]:
    port = free_port()
    options = {
        "--state": root / "var/state.json",
        "--directory": root / "var",
        "--users": users,
        "--bind": f"127.0.0.1:{port}",
        "--balancer-metrics": f"127.0.0.1:{alb.control}",
    }
    words = [str(word) for pair in options.items() for word in pair]
    program = subprocess.Popen([sys.executable, "-m", "monitor", *words], cwd=PROJECT / "files")
    until(lambda: listens(port), "the monitor listens")
    return program, port


def _route(made: Scene) -> None:
    ports = {name: bridge.port for name, bridge in made.bridges.items()} | {"orders": made.alb.upstream().port}
    for number, (name, port) in enumerate(ports.items(), 10):
        group = made.alb.group(f"mcp-{name}", port)
        made.alb.rule(number, [f"/mcp/{name}", f"/mcp/{name}/*"], group)
    made.alb.settled()
