"""A test host on which the product is installed by setup.sh, as a user installs it."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from tests.e2e.support.waiting import until
from tests.hosts.host import Host, HostError, output

PROJECT = Path(__file__).resolve().parents[2]
IMAGES = ("mcp-sample/time:1", "mcp-sample/everything:1", "mcp-sample/orders:1", "mcp-base/python:3.11")
HOME, ETC, VAR = "/root/mcp-orchestrator", "/etc/mcp-orchestrator", "/var/lib/mcp-orchestrator"


class InstalledHost(Host):
    """One such host; ``install`` is for once, ``reconcile`` for every change."""

    def use_engine(self, programs: Path) -> None:
        """Put another engine's programs in the place of the host's own; raises HostError."""
        self.run("systemctl", "stop", "docker.socket", "docker.service", "containerd.service")
        output(["docker", "cp", f"{programs}/usr/.", f"{self.name}:/usr/"])
        self.run("systemctl", "start", "docker.service")

    def reboot(self) -> None:
        """Restart the host; returns when all that it starts by itself is ready; raises HostError."""
        output(["docker", "restart", "--time", "30", self.name])
        until(self._booted, f"{self.name}: systemd is up", 60)
        until(lambda: self._says("docker", "version"), f"{self.name}: its engine answers", 60)

    def install(self, servers: dict[str, Any], settings: str) -> None:
        """Put the project's files, a config and settings on the host and run setup.sh; raises HostError."""
        self.load(IMAGES)
        self._unpack()
        self.run("install", "-d", "-m", "0755", ETC)
        self.write(f"{ETC}/settings.conf", settings)
        self.write(f"{ETC}/mcp.config.json", json.dumps({"mcpServers": servers}))
        self.run(
            "sh",
            "-c",
            f"cd {HOME} && ./setup.sh >/root/setup.out 2>&1 || {{ tail -n 40 /root/setup.out; exit 1; }}",
            timeout=900,
        )

    def module(self, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """Run one module of the collection on the host and return its result; raises HostError when it fails."""
        ansible = ["/opt/mcp-orchestrator/venv/bin/ansible", "localhost", "-m", f"mcp.orchestrator.{name}"]
        python = "ansible_python_interpreter=/opt/mcp-orchestrator/venv/bin/python"
        words = [*ansible, "-a", json.dumps(arguments), "-e", python, "-o"]
        said = self.run("env", "-C", HOME, "ANSIBLE_NOCOLOR=1", *words, timeout=300)
        result: dict[str, Any] = json.loads(said[said.index("{") :])
        return result

    def write(self, path: str, text: str, mode: str = "0600") -> None:
        """Write a file on the host, in one step."""
        argv = ["docker", "exec", "-i", self.name, "install", "-m", mode, "/dev/stdin", path]
        subprocess.run(argv, input=text, text=True, check=True, capture_output=True)

    def _unpack(self) -> None:
        listed = subprocess.run(["git", "ls-files", "-z"], cwd=PROJECT, check=True, capture_output=True).stdout
        pack = ["tar", "--create", "--null", "--files-from=-", "--transform", f"s,^,{HOME.lstrip('/')}/,"]
        packed = subprocess.run(pack, cwd=PROJECT, input=listed, check=True, capture_output=True).stdout
        unpacked = subprocess.run(
            ["docker", "cp", "-", f"{self.name}:/"], input=packed, capture_output=True, check=False
        )
        if unpacked.returncode:
            raise HostError(f"{self.name}: {unpacked.stderr.decode().strip()}")
