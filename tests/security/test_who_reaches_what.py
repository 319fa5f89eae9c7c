"""Who reaches what, found out by trying on a real host, beside the table of docs/threat-model.md.

The host's ports are published on every address, as widely as settings.conf can ask for, so that what keeps an actor
away is a wall and not an address that happens to be closed.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.engines import docker26_programs
from tests.e2e.support.waiting import until
from tests.hosts.host import Host, output
from tests.security.installed_host import ETC, VAR, InstalledHost
from tests.security.who_reaches_what import documented

REACH = (Path(__file__).parent / "reach.py").read_text(encoding="utf-8")
METADATA, METADATA_IPV6 = "169.254.169.254", "fd00:ec2::254"
SETTINGS = """
[service]
publish_address = 0.0.0.0
[routes]
health_interval = 5
health_timeout = 2
"""
LONG = os.environ.get("MCP_SECURITY") == "long"
ENGINES = ["docker 20.10", "docker 26"] if LONG else ["docker 20.10"]
# Nobody's address (RFC 5737), so that a list of hosts lets its server nowhere that the test knows.
ELSEWHERE = "198.51.100.9"
OUTSIDE = "mcp-base/python:3.11"
OUTSIDE_PROGRAM = """
import http.server, socket, threading
def answer():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as names:
        names.bind(("", 53))
        while True:
            names.sendto(b"!", names.recvfrom(64)[1])
threading.Thread(target=answer, daemon=True).start()
http.server.HTTPServer(("", 80), http.server.BaseHTTPRequestHandler).serve_forever()
"""
# Answers any connection on the addresses of the metadata service.
METADATA_PROGRAM = """
import http.server, socket
class IPv6(http.server.HTTPServer):
    address_family = socket.AF_INET6
IPv6(("::", 80), http.server.BaseHTTPRequestHandler).serve_forever()
"""


def entry(*flags: str, **orchestrator: Any) -> dict[str, Any]:
    server: dict[str, Any] = {"command": "docker", "args": ["run", "-i", *flags, "mcp-sample/time:1"]}
    return {**server, "orchestrator": orchestrator} if orchestrator else server


SERVERS = {
    "plain": entry(),
    "plain2": entry(),
    "closed": entry(network="none"),
    "peer": entry(network="fleet"),
    "peer2": entry(network="fleet"),
    "listed": entry(network=[ELSEWHERE]),
}


@pytest.fixture(scope="module")
def outside() -> Iterator[str]:
    """The address of a machine beyond the host, which answers TCP 80 and UDP 53."""
    name = f"mcp-test-outside-{os.getpid()}"
    run = ["docker", "run", "-d", "--rm", "--name", name, "--label", "mcp_test=host", "--init", OUTSIDE]
    output([*run, "python3", "-c", OUTSIDE_PROGRAM])
    try:
        yield output(["docker", "inspect", "-f", "{{.NetworkSettings.IPAddress}}", name])
    finally:
        output(["docker", "rm", "--force", name])


@pytest.fixture(scope="module", params=ENGINES)
def host(request: pytest.FixtureRequest) -> Iterator[InstalledHost]:
    with InstalledHost(f"mcp-test-reach-{os.getpid()}") as host:
        if request.param == "docker 26":
            host.use_engine(docker26_programs())
        serve_metadata(host)
        host.install(SERVERS, SETTINGS)
        host.run("docker", "network", "create", "foreign")
        forever = ("--restart", "always", OUTSIDE, "sleep", "infinity")
        host.run("docker", "run", "-d", "--name", "foreign", "--network", "foreign", *forever)
        yield host


def serve_metadata(host: Host) -> None:
    """Give the host an instance metadata service beyond a link, as EC2 does: what asks it is forwarded."""
    host.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0", "net.ipv6.conf.all.forwarding=1")
    for words in (
        "netns add imds",
        "link add imds type veth peer name eth0 netns imds",
        "addr add 169.254.0.1/32 dev imds",
        "link set imds up",
        f"-n imds addr add {METADATA}/32 dev eth0",
        f"-n imds addr add {METADATA_IPV6}/128 dev eth0 nodad",
        "-n imds link set eth0 up",
        "-n imds link set lo up",
        "-n imds route add 169.254.0.1/32 dev eth0",
        "-n imds route add default via 169.254.0.1",
        f"route add {METADATA}/32 dev imds src 169.254.0.1",
        "addr add fd00:ec2::1/127 dev imds nodad",
        f"-6 route add {METADATA_IPV6}/128 dev imds",
        "-n imds -6 route add default dev eth0",
    ):
        host.run("ip", *words.split())
    host.run("systemd-run", "--unit", "imds", "ip", "netns", "exec", "imds", "python3", "-c", METADATA_PROGRAM)


def targets(host: Host, outside: str, actor: str) -> dict[str, dict[str, Any]]:
    """What each actor tries, by the column of the table."""
    neighbour = "peer2" if actor == "fleet" else "plain2"
    address = host.run("docker", "exec", f"mcp-{neighbour}", "hostname", "-i")
    port = host.run("docker", "port", f"mcp-{neighbour}", "8000/tcp").rpartition(":")[2]
    base = f"http://{host.address}:8482"
    local = "http://127.0.0.1:8080"
    page = {"Host": "page.example:8080", "Origin": "http://page.example:8080"}
    found: dict[str, dict[str, Any]] = {
        "instance metadata": {"tcp": [METADATA, 80]},
        "metadata over IPv6": {"tcp": [METADATA_IPV6, 80]},
        "host's ports": {"tcp": [host.address, 22]},
        "another server": {"tcp": [address, 8000]},
        "its port at the host": {"tcp": [host.address, int(port)]},
        "balancer": {"http": f"{local}/mcp/plain/health"},
        "control plane": {"http": "http://127.0.0.1:8481/?Action=DescribeLoadBalancers&Version=2015-12-01"},
        "monitor": {"http": f"{base}/monitor"},
        "engine socket": {"unix": "/run/docker.sock"},
        "state": {"file": f"{VAR}/state.json"},
        "secrets and keys": {"file": f"{ETC}/fleet.key"},
        "internet": {"tcp": [outside, 80]},
        "names": {"udp": [outside, 53]},
    }
    if actor == "browser page":
        found |= {
            "balancer": {"http": f"{local}/mcp/plain/health", "headers": page},
            "monitor": {"http": f"{local}/monitor", "headers": page},
            "control plane": {"http": "http://127.0.0.1:8481/", "headers": page},
        }
    return found


def in_container(host: Host, container: str, wanted: str) -> str:
    argv = ["docker", "exec", "-i", host.name, "docker", "exec", "-i", container, "python3", "-c", REACH]
    return subprocess.run(argv, input=wanted, text=True, check=True, capture_output=True, timeout=60).stdout


def as_local_user(host: Host, wanted: str) -> str:
    argv = ["docker", "exec", "-i", "--user", "nobody", host.name, "python3", "-c", REACH]
    return subprocess.run(argv, input=wanted, text=True, check=True, capture_output=True, timeout=60).stdout


BUILD = """
ARG BASE
FROM ${BASE}
COPY reach.py targets.json /
RUN python3 /reach.py < /targets.json > /answers.json
"""


def in_build(host: Host, wanted: str) -> str:
    """As a step of a build that the product's own module makes, out of a template that tries instead of installing."""
    template = "/root/probing/python"
    assert isinstance(host, InstalledHost)
    host.run("install", "-d", template)
    for name, text in (("Dockerfile", BUILD), ("reach.py", REACH), ("targets.json", wanted)):
        host.write(f"{template}/{name}", text)
    image = "mcp-built/probing:1"
    server = {"name": "probing", "image": image, "build": {"runtime": "python", "package": "probing"}}
    arguments = {"servers": [server], "templates": "/root/probing", "bases": {"python": OUTSIDE}}
    rules = {"host_ports": [8482, 8484], "rules_directory": f"{VAR}/firewall"}  # as playbooks/site.yml has them
    result = host.module("mcp_image", {**arguments, **rules})
    assert result["errors"] == [], result
    return host.run("docker", "run", "--rm", "--entrypoint", "cat", image, "/answers.json")


ACTORS: dict[str, Callable[[Host, str], str]] = {
    "default server": lambda host, wanted: in_container(host, "mcp-plain", wanted),
    "`none`": lambda host, wanted: in_container(host, "mcp-closed", wanted),
    "`fleet`": lambda host, wanted: in_container(host, "mcp-peer", wanted),
    "list of hosts": lambda host, wanted: in_container(host, "mcp-listed", wanted),
    "build": in_build,
    "other container": lambda host, wanted: in_container(host, "foreign", wanted),
    "local user": as_local_user,
    "browser page": as_local_user,
}
CONTAINERS = [actor for actor, run in ACTORS.items() if run is not as_local_user]


def reached(host: InstalledHost, outside: str, actor: str) -> dict[str, str]:
    wanted = {
        name: each for name, each in targets(host, outside, actor.strip("`")).items() if name in documented()[actor]
    }
    answers: dict[str, str] = json.loads(ACTORS[actor](host, json.dumps(wanted)))
    return answers


def test_the_table_names_every_actor_and_every_target(host: InstalledHost, outside: str) -> None:
    assert set(documented()) == set(ACTORS)
    assert {target for row in documented().values() for target in row} == set(targets(host, outside, "default server"))


@pytest.mark.parametrize("actor", ACTORS)
def test_each_actor_reaches_what_the_table_says(host: InstalledHost, outside: str, actor: str) -> None:
    assert reached(host, outside, actor) == documented()[actor]


def all_reached(host: InstalledHost, outside: str) -> dict[str, dict[str, str]]:
    """What every container reaches, once all of them run again."""
    until(lambda: len(host.run("docker", "ps", "-q").split()) == len(SERVERS) + 1, "all containers run", 60)
    return {actor: reached(host, outside, actor) for actor in CONTAINERS}


def test_the_same_holds_once_the_engine_has_been_restarted(host: InstalledHost, outside: str) -> None:
    host.run("systemctl", "restart", "docker")
    assert all_reached(host, outside) == {actor: documented()[actor] for actor in CONTAINERS}


@pytest.mark.skipif(not LONG, reason="make security reboots the host, too; the boot itself is watched in test_boot.py")
def test_the_same_holds_after_a_reboot(host: InstalledHost, outside: str) -> None:
    host.reboot()
    serve_metadata(host)
    assert all_reached(host, outside) == {actor: documented()[actor] for actor in CONTAINERS}
