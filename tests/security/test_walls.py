"""What servers, builds and other containers reach, found out by trying, on the machine's engine and packet filter."""

from __future__ import annotations

import io
import os
import socket
import subprocess
import sys
import tarfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.build_network import build_network
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import HostFirewall
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.builder import Limits, run_build

from tests.e2e.support.container_scene import ContainerScene
from tests.e2e.support.waiting import until
from tests.security.walls_world import LINK_LOCAL, METADATA, PORT, Around, Filter, around, listener

KINDS = {"default": None, "none": "none", "fleet": "fleet", "list": ("api.test", "0.0.0.0/0")}
HOST_PORT = 20999 + os.getpid() % 40 * 100  # the last of the fleet's range
PYTHON = "mcp-base/python:3.11"


@pytest.fixture(scope="module")
def world() -> Iterator[Around]:
    with around() as found:
        yield found


@pytest.fixture(scope="module")
def scene(world: Around, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ContainerScene]:
    scene = ContainerScene(publish="0.0.0.0", host_ports=(8482,))
    directory = tmp_path_factory.mktemp("firewall")
    scene.firewall = Filter(str(directory), (world.here,))
    scene.names = {"api.test": (f"{world.outside}/32",)}
    try:
        yield scene
    finally:
        scene.run([], retire=True)
        scene.clean()


@pytest.fixture(scope="module")
def ports(scene: ContainerScene, world: Around) -> dict[str, int]:
    """One server of each kind, and one that may read the metadata."""
    specs = [scene.spec(name, network=network) for name, network in KINDS.items()]
    specs.append(scene.spec("reader", instance_metadata=True))
    specs += [scene.spec(f"neighbour-{name}", network=network) for name, network in KINDS.items()]
    result = scene.run(specs)
    assert (result["errors"], result["unprotected"]) == ([], "")
    found = {each["name"]: each["port"] for each in result["endpoints"]}
    until(lambda: reaches(scene, found["default"], f"{world.outside}:{PORT}"), "the outside answers")
    assert scene.run(specs)["actions"] == []
    return found


def reaches(scene: ContainerScene, port: int, target: str) -> bool:
    answer = scene.get(port, f"/call/{target}")
    assert answer in ("open", "closed"), answer
    return answer == "open"


def address_of(scene: ContainerScene, server: str) -> str:
    joined = scene.containers()[scene.name(server)]["NetworkSettings"]["Networks"]
    return str(next(iter(joined.values()))["IPAddress"])


@contextmanager
def stranger(scene: ContainerScene) -> Iterator[str]:
    """A container that is none of the fleet's, on the engine's own network; gives its address."""
    name = f"{scene.fleet}-stranger"
    body = {"Image": scene.image, "Labels": {"mcp_test": scene.image}}
    identity = scene.api.create_container_from_config(body, name)["Id"]
    try:
        scene.api.start(identity)
        address = str(scene.api.inspect_container(identity)["NetworkSettings"]["IPAddress"])
        until(lambda: listens(address), "it listens")
        yield address
    finally:
        scene.api.remove_container(identity, force=True)


def listens(address: str) -> bool:
    try:
        socket.create_connection((address, 8000), 3).close()
    except OSError:
        return False
    return True


def calls(address: str, target: str) -> bool:
    with urllib.request.urlopen(f"http://{address}:8000/call/{target}", timeout=10) as answer:
        said = answer.read().decode()
    assert said in ("open", "closed"), said
    return bool(said == "open")


@pytest.mark.parametrize("kind", KINDS)
def test_no_server_reaches_the_metadata_of_its_instance(
    scene: ContainerScene, ports: dict[str, int], kind: str
) -> None:
    with stranger(scene) as without_walls:
        assert calls(without_walls, f"{METADATA}:{PORT}")
    for target in (f"{METADATA}:{PORT}", f"{METADATA}:53", f"{LINK_LOCAL}:{PORT}"):
        assert not reaches(scene, ports[kind], target), target


def test_the_server_that_may_reach_the_metadata_reaches_them_and_nothing_else_of_their_kind(
    scene: ContainerScene, ports: dict[str, int]
) -> None:
    assert reaches(scene, ports["reader"], f"{METADATA}:{PORT}")
    assert not reaches(scene, ports["reader"], f"{LINK_LOCAL}:{PORT}")


@pytest.mark.parametrize("kind", KINDS)
def test_no_server_reaches_a_port_of_its_host(
    scene: ContainerScene, ports: dict[str, int], world: Around, kind: str
) -> None:
    gateways = [str(each["IPAM"]["Config"][0]["Gateway"]) for each in scene.api.networks(names=[scene.fleet])]
    with listener("0.0.0.0", HOST_PORT + 30000), stranger(scene) as without_walls:
        assert calls(without_walls, f"{world.here}:{HOST_PORT + 30000}")
        for address in (world.here, *gateways):
            assert not reaches(scene, ports[kind], f"{address}:{HOST_PORT + 30000}"), address


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("other", KINDS)
def test_servers_reach_each_other_only_where_both_say_fleet(
    scene: ContainerScene, ports: dict[str, int], world: Around, kind: str, other: str
) -> None:
    published = ports[f"neighbour-{other}"]
    direct = f"{address_of(scene, f'neighbour-{other}')}:8000"
    assert reaches(scene, ports[kind], direct) == (kind == other == "fleet")
    assert not reaches(scene, ports[kind], f"{world.here}:{published}")


@pytest.mark.parametrize("kind", KINDS)
def test_the_resolver_of_the_host_answers_those_alone_who_may_ask_for_names(
    scene: ContainerScene, ports: dict[str, int], world: Around, kind: str
) -> None:
    with listener(world.here, 53):
        assert reaches(scene, ports[kind], f"{world.here}:53") == (kind == "default")


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_server_may_reach_of_the_internet_is_what_its_entry_says(
    scene: ContainerScene, ports: dict[str, int], world: Around, kind: str
) -> None:
    assert reaches(scene, ports[kind], f"{world.outside}:{PORT}") == (kind in ("default", "list"))


@pytest.mark.parametrize("kind", KINDS)
def test_another_container_reaches_no_server_and_the_balancer_does(
    scene: ContainerScene, ports: dict[str, int], world: Around, kind: str
) -> None:
    with stranger(scene) as other:
        assert not calls(other, f"{address_of(scene, kind)}:8000")
        assert not calls(other, f"{world.here}:{ports[kind]}")
    assert world.reaches(f"{world.here}:{ports[kind]}")
    assert scene.get(ports[kind]) == "tiny"


def test_another_container_reaches_no_port_that_is_for_the_balancer(
    scene: ContainerScene, ports: dict[str, int], world: Around
) -> None:
    with listener(world.here, 8482), stranger(scene) as other:
        assert not calls(other, f"{world.here}:8482")
        assert world.reaches(f"{world.here}:8482")


def test_a_container_of_another_fleet_reaches_no_server_of_this_one(
    scene: ContainerScene, ports: dict[str, int], world: Around
) -> None:
    other = ContainerScene()
    try:
        result = other.run([other.spec("a")])
        port = result["endpoints"][0]["port"]
        until(lambda: reaches(other, port, f"{world.outside}:{PORT}"), "the outside answers")
        for target in (f"{address_of(scene, 'default')}:8000", f"{world.here}:{ports['default']}"):
            assert not reaches(other, port, target), target
    finally:
        other.run([], retire=True)
        other.clean()


def test_nothing_of_the_fleet_reaches_the_host_over_ipv6(scene: ContainerScene, ports: dict[str, int]) -> None:
    if not HostFirewall(local=True).host_network().ipv6:
        pytest.skip("this host has no ip6tables, or no IPv6")
    bridge = rules.bridge_of(scene.fleet, rules.ORDINARY)
    namespace, link = f"mcp-six-{os.getpid()}", f"mcps{os.getpid()}"[:15]
    own = subprocess.run(["ip", "-6", "-o", "addr", "show", "dev", bridge, "scope", "link"], capture_output=True)
    if not own.stdout:
        pytest.skip("the bridge has no IPv6 address")
    host = own.stdout.decode().split()[3].partition("/")[0]
    script = f"import socket; socket.create_connection(('{host}%eth0', {PORT}), 3)"
    attempt = ["ip", "netns", "exec", namespace, sys.executable, "-c", script]
    chain = rules.chain_of(scene.fleet)
    try:
        for words in (
            ["ip", "netns", "add", namespace],
            ["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace],
            ["ip", "link", "set", link, "master", bridge, "up"],
            ["ip", "-n", namespace, "link", "set", "eth0", "up"],
        ):
            subprocess.run(words, check=True)
        with listener("::", PORT):
            settled = ["ip", "-n", namespace, "-6", "addr", "show", "dev", "eth0", "scope", "link", "-tentative"]
            until(lambda: subprocess.run(settled, capture_output=True).stdout, "the container has an address")
            assert subprocess.run(attempt, capture_output=True).returncode != 0
            subprocess.run(["ip6tables", "--wait", "-I", chain, "-j", "RETURN"], check=True)
            assert subprocess.run(attempt, capture_output=True).returncode == 0
    finally:
        subprocess.run(["ip6tables", "--wait", "-D", chain, "-j", "RETURN"], check=False, capture_output=True)
        subprocess.run(["ip", "link", "del", link], check=False)
        subprocess.run(["ip", "netns", "del", namespace], check=False)


def test_the_steps_of_a_build_reach_the_internet_and_neither_metadata_nor_host_nor_servers(
    scene: ContainerScene, ports: dict[str, int], world: Around
) -> None:
    if not scene.api.images(PYTHON):
        pytest.skip(f"{PYTHON} is not on this host; make it with files/images/build.py")
    assert scene.firewall is not None
    network = build_network(scene.engine, scene.firewall, scene.policy)
    assert (network.name, network.unprotected) == (scene.policy.build_network, "")
    with listener(world.here, HOST_PORT + 30000):
        targets = {
            "internet": (world.outside, PORT),
            "metadata": (METADATA, PORT),
            "link-local": (LINK_LOCAL, PORT),
            "host": (world.here, HOST_PORT + 30000),
            "server": (address_of(scene, "default"), 8000),
            "published": (world.here, ports["default"]),
        }
        assert reached_by_a_build(scene.api, targets, network.name) == {"internet"}
        assert {"internet", "metadata", "host"} <= reached_by_a_build(scene.api, targets, None)


def reached_by_a_build(api: docker.APIClient, targets: dict[str, tuple[str, int]], network: str | None) -> set[str]:
    """The names of the targets that a RUN step connects to."""
    script = (
        "import socket\nfor name, where in TARGETS.items():\n  try:\n    socket.create_connection(where, 2).close()\n"
        "    print('reached', name)\n  except OSError:\n    pass\n"
    ).replace("TARGETS", repr(targets))
    dockerfile = f"FROM {PYTHON}\nCOPY try.py /try.py\nRUN python3 /try.py > /reached\n"
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        for name, text in (("Dockerfile", dockerfile), ("try.py", script)):
            entry = tarfile.TarInfo(name)
            entry.size = len(text)
            tar.addfile(entry, io.BytesIO(text.encode()))
    image = run_build(api, context.getvalue(), Limits(timeout=120), network=network, nocache=True)
    container = api.create_container(image)["Id"]
    try:
        chunks, _facts = api.get_archive(container, "/reached")
        with tarfile.open(fileobj=io.BytesIO(b"".join(chunks))) as tar:
            file = tar.extractfile("reached")
            assert file is not None
            return {line.split(" ")[1] for line in file.read().decode().splitlines()}
    finally:
        api.remove_container(container, force=True)
        api.remove_image(image, force=True)


def test_what_is_saved_restores_the_same_rules_before_there_is_an_engine(
    scene: ContainerScene, ports: dict[str, int]
) -> None:
    firewall = scene.firewall
    assert isinstance(firewall, Filter)
    stands, saved = firewall.rules(scene.fleet), firewall.saved(scene.fleet)
    assert saved is not None
    files = sorted(Path(str(firewall._directory)).iterdir())
    assert [(each.suffix, each.stat().st_mode & 0o777) for each in files] == [(".v4", 0o600), (".v6", 0o600)]
    script = (
        "iptables -N DOCKER-USER && ip6tables -N DOCKER-USER && iptables-restore --noflush < $1"
        " && ip6tables-restore --noflush < $2 && iptables-save && echo ---- && ip6tables-save"
    )
    command = ["unshare", "--net", "sh", "-ec", script, "sh", *map(str, files)]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    ipv4, _line, ipv6 = printed.partition("----\n")
    assert rules.same(rules.ours(ipv4, ipv6, scene.fleet), stands, scene.fleet)


def test_a_fleet_that_goes_takes_its_rules_its_networks_and_what_is_saved_with_it(tmp_path: Path) -> None:
    other = ContainerScene()
    other.firewall = Filter(str(tmp_path))
    try:
        build_network(other.engine, other.firewall, other.policy)
        other.run([other.spec("a"), other.spec("b", network="none")])
        assert len(list(tmp_path.iterdir())) == 2
        other.run([], retire=True)
        assert other.firewall.rules(other.fleet) == rules.Ruleset()
        assert [each["Name"] for each in other.api.networks(names=[other.fleet])] == []
        assert list(tmp_path.iterdir()) == []
        for program in ("iptables-save", "ip6tables-save"):
            left = subprocess.run([program], check=True, capture_output=True, text=True).stdout
            assert other.fleet not in left
    finally:
        other.clean()
