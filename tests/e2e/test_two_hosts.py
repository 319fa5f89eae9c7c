"""Two hosts behind one load balancer: each runs its share, servers move without a lost request, a dead one fails alone.

The hosts are two engines on this machine. What tells them apart for a module is its interpreter, which sees its own
host's engine, interfaces, packet filter and locks; a second local ALB stands for AWS.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3
import docker
import pytest

from tests.credentials import ACCESS_KEY
from tests.e2e.support.client import status
from tests.e2e.support.container_scene import remove_rules, tiny_image
from tests.e2e.support.local_alb import LocalAlb
from tests.e2e.support.own_engine import OwnEngine
from tests.e2e.support.site import PROJECT, QUIET, Run
from tests.e2e.support.waiting import until

FLEET = f"two-{os.getpid()}"
IMAGE = f"mcp-test/{FLEET}:1"
MONITOR_PORT = 24100
SETTINGS = """
[service]
fleet = {fleet}
port_range_start = 24000
port_range_end = 24099
publish_address = {address}
[aws]
alb_name = mcp-local
region = us-east-1
target_type = ip
target_address = {address}
[routes]
health_interval = 5
health_timeout = 2
deregistration_delay = 1
"""
INTERPRETER = """#!/bin/sh
export DOCKER_HOST={engine} PATH={root}/bin:$PATH
mkdir -p -m 0700 /run/mcp-orchestrator
exec unshare -m sh -c '
  mount --bind {root}/lock /run/mcp-orchestrator && {interfaces} exec {python} "$@"' sh "$@"
"""
FILTER = ("iptables-save", "iptables-restore", "ip6tables-save", "ip6tables-restore")


class Host:
    """One host as a playbook sees it; ``engine`` is its engine's address, ``address`` where its containers publish.

    ``network`` is the network namespace of the engine, where that is not this machine's.
    """

    def __init__(self, root: Path, name: str, engine: str, address: str, network: Path | None = None) -> None:
        self.root = root / name
        self.name = name
        self.address = address
        self.docker = docker.APIClient(base_url=engine, version="auto")
        for folder in ("etc", "var", "lock"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "lock").chmod(0o700)
        (self.root / "home").mkdir()
        (self.root / "home" / "current").symlink_to(PROJECT)
        (self.root / "etc" / "settings.conf").write_text(SETTINGS.format(fleet=FLEET, address=address))
        key = self.root / "etc" / "fleet.key"
        key.write_bytes(b"k" * 32)
        key.chmod(0o600)
        enter = f"nsenter --net={network}" if network else ""
        for program in FILTER if network else ():
            self._script(f"bin/{program}", f'#!/bin/sh\nexec {enter} {shutil.which(program)} "$@"\n')
        words = {"engine": engine, "root": self.root, "python": sys.executable}
        words["interfaces"] = f"{enter} mount -t sysfs sysfs /sys &&" if network else ""
        self.interpreter = self._script("python", INTERPRETER.format(**words))
        tiny_image(self.docker, IMAGE)
        # Nothing is installed here, and something has to stand where the monitor would.
        ports = self.docker.create_host_config(port_bindings={8000: (address, MONITOR_PORT)})
        self.monitor = self.docker.create_container(IMAGE, ports=[8000], host_config=ports)["Id"]
        self.docker.start(self.monitor)

    def _script(self, place: str, text: str) -> Path:
        path = self.root / place
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def variables(self, zone: str) -> dict[str, Any]:
        return {
            "ansible_connection": "local",
            "ansible_python_interpreter": str(self.interpreter),
            "mcp_home": str(self.root / "home"),
            "mcp_etc": str(self.root / "etc"),
            "mcp_var": str(self.root / "var"),
            "mcp_host_labels": {"zone": zone},
            "mcp_monitor_port": MONITOR_PORT,
            "state_group": "root",  # no monitor is installed that could read it
        }

    def write_config(self, servers: dict[str, Any]) -> None:
        (self.root / "etc" / "mcp.config.json").write_text(json.dumps({"mcpServers": servers}))

    def state(self) -> dict[str, Any]:
        state: dict[str, Any] = json.loads((self.root / "var" / "state.json").read_text())
        return state

    def running(self) -> set[str]:
        """The names of the servers that have a container here."""
        found = self.docker.containers(filters={"label": f"mcp_fleet={FLEET}"})
        return {each["Labels"]["mcp_service"] for each in found}

    def clean(self) -> None:
        self.docker.remove_container(self.monitor, force=True)
        ours = {"label": f"mcp_fleet={FLEET}"}
        for each in self.docker.containers(all=True, filters=ours):
            self.docker.remove_container(each["Id"], force=True, v=True)
        for each in self.docker.networks(filters=ours):
            self.docker.remove_network(each["Id"])
        self.docker.remove_image(IMAGE, force=True)
        self.docker.close()


class Fleet:
    """Both hosts, and the load balancer before them."""

    def __init__(self, one: Host, two: Host, balancer: LocalAlb) -> None:
        self.one, self.two, self.balancer = one, two, balancer
        self.inventory = one.root.parent / "inventory.json"
        hosts = {"one": one.variables("a"), "two": two.variables("b")}
        self.inventory.write_text(json.dumps({"mcp_hosts": {"hosts": hosts}}))

    def write_config(self, **placements: dict[str, Any] | str) -> None:
        """One tiny server for each name, placed as said; it wants authorization, as far as a probe can tell."""
        command = {"command": "docker", "args": ["run", "-p", "8000:8000", "-e", "POST_STATUS=401", IMAGE]}
        servers = {name: {**command, "orchestrator": {"placement": said}} for name, said in placements.items()}
        for host in (self.one, self.two):
            host.write_config(servers)

    def converge(self) -> Run:
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("ANSIBLE", "PYTHONDONTWRITE"))}
        run = subprocess.run(
            [
                PROJECT / ".venv/bin/ansible-playbook",
                "playbooks/site.yml",
                "-i",
                self.inventory,
                "--skip-tags",
                "install",
            ],
            cwd=PROJECT,
            env={**inherited, **QUIET},
            capture_output=True,
            text=True,
        )
        return Run(run.returncode, run.stdout + run.stderr)

    def status(self, path: str) -> int:
        """The status that a client gets, 0 where its connection is cut."""
        return status(f"{self.balancer.url}{path}")

    def targets(self) -> dict[str, set[str]]:
        """Server -> the addresses that are registered for it, but for those that are leaving."""
        api = boto3.client("elbv2", region_name="us-east-1")
        found: dict[str, set[str]] = {}
        for group in api.describe_target_groups()["TargetGroups"]:
            arn = group["TargetGroupArn"]
            (described,) = api.describe_tags(ResourceArns=[arn])["TagDescriptions"]
            tags = {tag["Key"]: tag["Value"] for tag in described["Tags"]}
            health = api.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
            staying = {each["Target"]["Id"] for each in health if each["TargetHealth"]["State"] != "draining"}
            found[tags["mcp_service"]] = staying
        return found


@pytest.fixture(scope="module")
def fleet() -> Iterator[Fleet]:
    root = Path(tempfile.mkdtemp(prefix="mcp-two-", dir="/var/tmp"))
    (root / "balancer").mkdir()
    balancer = LocalAlb(root / "balancer", "--faults")
    engine = OwnEngine()
    environment = pytest.MonkeyPatch()
    environment.setenv("AWS_ENDPOINT_URL", balancer.endpoint_url)
    for name, value in ACCESS_KEY.items():
        environment.setenv(name.upper(), value)
    hosts: list[Host] = []
    try:
        balancer.start()
        engine.start()
        hosts.append(Host(root, "one", "unix:///var/run/docker.sock", "127.0.0.1"))
        hosts.append(Host(root, "two", engine.address, engine.publish, Path("/run/netns", engine.namespace)))
        yield Fleet(*hosts, balancer)
    finally:
        environment.undo()
        for host in hosts:
            host.clean()
        remove_rules(FLEET)
        engine.discard()
        balancer.close()
        shutil.rmtree(root)


@contextmanager
def asking(fleet: Fleet, path: str) -> Iterator[list[int]]:
    """A client that asks all the time: the statuses that it got."""
    done = threading.Event()
    statuses: list[int] = []

    def ask() -> None:
        while not done.is_set():
            statuses.append(fleet.status(path))
            done.wait(0.01)

    client = threading.Thread(target=ask)
    client.start()
    try:
        yield statuses
    finally:
        done.set()
        client.join()


def test_each_host_runs_its_share_behind_the_one_load_balancer(fleet: Fleet) -> None:
    fleet.write_config(web={"labels": {"zone": "a"}}, shop="all")

    run = fleet.converge()

    assert run.code == 0, run.output
    assert (fleet.one.running(), fleet.two.running()) == ({"web", "shop"}, {"shop"})
    assert {name: len(hosts) for name, hosts in fleet.targets().items() if name != "_monitor"} == {"web": 1, "shop": 2}
    assert [fleet.status(f"/mcp/{name}/") for name in ("web", "shop")] == [200, 200]
    again = fleet.converge()
    assert (again.code, " changed=0 " in again.output, " changed=1 " in again.output) == (0, True, False), again.output


def test_a_server_moves_to_another_host_without_losing_a_request(fleet: Fleet) -> None:
    with asking(fleet, "/mcp/web/") as statuses:
        fleet.write_config(web={"labels": {"zone": "b"}}, shop="all")
        first = fleet.converge()
        assert first.code == 0, first.output
        until(lambda: fleet.converge().code == 0 and "web" not in fleet.one.running(), "the old host let go", 120)

    assert set(statuses) == {200}
    assert (fleet.one.running(), fleet.two.running()) == ({"shop"}, {"web", "shop"})
    assert fleet.targets()["web"] == {fleet.two.address}


def test_a_server_that_no_host_may_run_fails_alone_and_serves_on(fleet: Fleet) -> None:
    fleet.write_config(web={"labels": {"zone": "c"}}, shop="all")

    run = fleet.converge()

    assert run.code != 0
    assert "none of the hosts one, two has zone=c" in run.output
    assert [fleet.status(f"/mcp/{name}/") for name in ("web", "shop")] == [200, 200]
    assert fleet.two.running() == {"web", "shop"}


def test_a_host_with_a_dead_engine_fails_alone(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.write_config(shop="all", late={"labels": {"zone": "a"}})
    two = fleet.two.interpreter
    before = two.read_text()
    two.write_text(before.replace("DOCKER_HOST=unix://", "DOCKER_HOST=unix:///nowhere"))
    try:
        run = fleet.converge()
    finally:
        two.write_text(before)

    assert run.code != 0
    assert "Traceback" not in run.output
    assert fleet.one.running() == {"shop", "late"}
    assert (fleet.one.state()["run"]["result"], fleet.two.state()["run"]["result"]) == ("ok", "failed")
    assert [fleet.status(f"/mcp/{name}/") for name in ("late", "shop")] == [200, 200]
    repaired = fleet.converge()
    assert repaired.code == 0, repaired.output
    assert fleet.two.running() == {"shop"}
