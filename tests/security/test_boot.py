"""A confined container from the first instant of a boot: it reaches nothing, before any run of the reconciler.

The host is real in what counts: systemd, Docker, the packet filter, the role that installs the unit. The fleet is one
network and one container that tries all the time, beside a free one that shows what there was to reach.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import rules

from tests.e2e.support.waiting import until
from tests.hosts.host import Host, output
from tests.security.boot_world import TARGETS

PROJECT = Path(__file__).resolve().parents[2]
WORLD = Path(__file__).with_name("boot_world.py")
FLEET = "boot"
BRIDGE = rules.bridge_of(FLEET, rules.CLOSED)
DESIRED = rules.ruleset(FLEET, rules.HostNetwork(), [], None, [])
# What leads to the fleet's chain.
JUMPS = sum(f"mcp_fleet={FLEET}" in rule for rule in DESIRED.filter_rules)
SAVED = f"/var/lib/mcp-orchestrator/firewall/{FLEET}"
LONG = os.environ.get("MCP_SECURITY") == "long"
UNIT = """[Unit]
Before=docker.service
[Service]
Type=forking
ExecStart=/usr/bin/python3 /opt/world.py serve
[Install]
WantedBy=multi-user.target
"""
# Whoever loads a packet filter empties it first: Debian's own unit begins with 'flush ruleset'.
FLUSHING = """[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=sh -c "iptables -F DOCKER-USER && iptables -F INPUT"
"""
PLAYBOOK = """
- hosts: all
  gather_facts: false
  vars: {mcp_home: /opt/mcp-orchestrator, mcp_var: /var/lib/mcp-orchestrator, firewall_fleet: boot}
  tasks:
    - ansible.builtin.include_role: {name: firewall, tasks_from: "{{ entry }}"}
"""


def docker26_programs() -> Path:
    """Debian's next release of the engine, fetched once."""
    programs = Path(os.environ.get("DOCKER_26", str(Path.home() / ".cache" / "mcp-orchestrator" / "docker26")))
    if not (programs / "usr" / "sbin" / "dockerd").exists():
        fetch = PROJECT / "tests" / "debian_programs.sh"
        subprocess.run([fetch, "trixie", programs, "docker.io", "containerd"], check=True)
    return programs


class BootHost(Host):
    """A host with a network beyond it and two containers that try to reach it."""

    def prepare(self) -> None:
        self.write("/opt/world.py", WORLD.read_text())
        self.write("/etc/systemd/system/world.service", UNIT)
        self.run("systemctl", "enable", "--now", "world")
        self.run("mkdir", "/record")
        # An image of nothing at all: the containers see the host's own Python.
        self.run("sh", "-c", "tar --create --files-from=/dev/null | docker import - nothing")
        name = f"com.docker.network.bridge.name={BRIDGE}"
        self.run("docker", "network", "create", "--opt", name, "closed")
        mounts = [f"--volume={path}:{path}:ro" for path in ("/usr", "/lib", "/lib64", "/opt")]
        for network in ("closed", "bridge"):
            words = ["--network", network, "--volume", "/record:/record", "--restart", "unless-stopped", "nothing"]
            record = ["/usr/bin/python3", "/opt/world.py", "record", f"/record/{network}"]
            self.run("docker", "run", "--detach", *mounts, *words, *record)

    def use_engine(self, programs: Path) -> None:
        """Put another engine's programs in the place of the host's own."""
        self.run("systemctl", "stop", "docker.socket", "docker.service", "containerd.service")
        output(["docker", "cp", f"{programs}/usr/.", f"{self.name}:/usr/"])
        self.run("systemctl", "start", "docker.service")

    def install(self, directory: Path, entry: str = "main") -> None:
        """The product's program and its role, as the site playbook installs them."""
        self.run("mkdir", "-p", "/opt/mcp-orchestrator/venv/bin", "/opt/mcp-orchestrator/current/files")
        self.run("ln", "-sf", "/usr/bin/python3", "/opt/mcp-orchestrator/venv/bin/python")
        program = str(PROJECT / "files" / "firewall")
        output(["docker", "cp", program, f"{self.name}:/opt/mcp-orchestrator/current/files/"])
        reached = self.connection()
        variables = {
            "ansible_host": reached["address"],
            "ansible_user": reached["user"],
            "ansible_ssh_private_key_file": reached["identity_file"],
            "ansible_ssh_common_args": "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
            "ansible_become": True,
            "ansible_python_interpreter": "/usr/bin/python3",
            "entry": entry,
        }
        (directory / "inventory.json").write_text(json.dumps({"all": {"hosts": {self.name: variables}}}))
        (directory / "play.yml").write_text(PLAYBOOK)
        done = subprocess.run(
            [PROJECT / ".venv/bin/ansible-playbook", directory / "play.yml", "-i", directory / "inventory.json"],
            cwd=PROJECT,
            env={**os.environ, "ANSIBLE_NOCOLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def write(self, path: str, text: str) -> None:
        argv = ["docker", "exec", "-i", self.name, "install", "-m", "0600", "/dev/stdin", path]
        subprocess.run(argv, input=text, text=True, check=True, capture_output=True)

    def save(self, ipv4: str, ipv6: str) -> None:
        """As a run of the reconciler leaves them."""
        self.write(f"{SAVED}.v4", ipv4)
        self.write(f"{SAVED}.v6", ipv6)

    def reboot(self) -> None:
        """Each container begins its record anew as it starts."""
        output(["docker", "restart", "--time", "30", self.name])
        until(self._booted, "the host is up", 60)

    def let_containers_outlive_the_engine(self, on: bool) -> None:
        self.write("/etc/docker/daemon.json", json.dumps({"live-restore": on}))
        self.run("systemctl", "reload", "docker")
        until(
            lambda: self.run("docker", "info", "-f", "{{.LiveRestoreEnabled}}") == str(on).lower(),
            "the engine does so",
            60,
        )

    def reached(self) -> tuple[set[str], set[str]]:
        """What the confined and the free container have reached, once the free one has reached everything."""
        until(lambda: self._recorded("bridge") == {"begun", *TARGETS}, "the free container reaches everything", 30)
        until(lambda: "begun" in self._recorded("closed"), "the confined container has begun", 30)
        time.sleep(1)  # as long again as an answer may take
        return self._recorded("closed") - {"begun"}, self._recorded("bridge") - {"begun"}

    def _recorded(self, network: str) -> set[str]:
        return set(self.run("sh", "-c", f"cat /record/{network} 2>/dev/null || true").splitlines())

    def rules(self) -> list[str]:
        return [line for line in self.run("iptables", "-S").splitlines() if f"mcp_fleet={FLEET}" in line]


@pytest.fixture(scope="module", params=["docker 20.10", *(["docker 26"] if LONG else [])])
def host(request: pytest.FixtureRequest) -> Iterator[BootHost]:
    with BootHost(f"mcp-test-boot-{os.getpid()}") as found:
        if request.param == "docker 26":
            found.use_engine(docker26_programs())
        found.prepare()
        yield found


def test_nothing_confined_is_ever_without_rules(host: BootHost, tmp_path: Path) -> None:
    # Without the unit a container of the fleet is as free as any, which is what the tests after it are about.
    host.reboot()
    assert host.reached() == (set(TARGETS), set(TARGETS))

    host.install(tmp_path)
    host.save(*rules.restorable(DESIRED, FLEET))
    host.reboot()
    assert host.reached() == (set(), set(TARGETS))
    assert len(host.rules()) == JUMPS

    host.run("systemctl", "restart", "docker")
    assert host.reached() == (set(), set(TARGETS))
    # And where the containers live on while the engine is away, and go on trying.
    host.let_containers_outlive_the_engine(True)
    host.run("systemctl", "restart", "docker")
    assert host.reached() == (set(), set(TARGETS))
    assert len(host.rules()) == JUMPS
    host.let_containers_outlive_the_engine(False)

    host.write("/etc/systemd/system/nftables.service", FLUSHING)
    host.run("systemctl", "daemon-reload")
    host.run("systemctl", "start", "nftables")
    until(lambda: len(host.rules()) == JUMPS, "rules that somebody's unit has flushed are back", 60)

    # A damaged file closes the fleet's bridges.
    host.run("rm", "/etc/systemd/system/nftables.service")
    host.save(*(text[: len(text) // 2] for text in rules.restorable(DESIRED, FLEET)))
    host.reboot()
    assert host.reached() == (set(), set(TARGETS))
    assert all(rule.endswith("-j DROP") for rule in host.rules())

    host.install(tmp_path, "absent")
    assert host.run("find", "/etc/systemd/system", "-name", "mcp-firewall*") == ""
    assert host.run("sh", "-c", "ls /var/lib/mcp-orchestrator") == ""
