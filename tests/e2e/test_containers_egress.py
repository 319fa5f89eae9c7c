"""Where servers get to from their containers, found out by trying, on the machine's own engine and packet filter."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import rules
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.firewall import HostFirewall
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.rules import Ruleset

from tests.e2e.support.container_scene import ContainerScene
from tests.e2e.support.own_engine import OwnEngine
from tests.e2e.support.waiting import until

PORT = 8099


@dataclass
class Outside:
    """A machine beyond this one, with two addresses on which something listens."""

    first: str
    second: str
    names: dict[str, tuple[str, ...]] = field(default_factory=dict)


@pytest.fixture(scope="module")
def outside() -> Iterator[Outside]:
    # Addresses of the internet that nobody uses any more (RFC 7526): names are let to no others.
    number = os.getpid() % 30 * 8
    namespace, link = f"mcp-outside-{os.getpid()}", f"mcpo{os.getpid()}"[:15]
    here, first, second = (f"192.88.99.{number + last}" for last in (1, 2, 3))
    inside = ["ip", "-n", namespace]
    for words in (
        ["ip", "netns", "add", namespace],
        ["ip", "link", "add", link, "type", "veth", "peer", "name", "eth0", "netns", namespace],
        ["ip", "addr", "add", f"{here}/29", "dev", link],
        ["ip", "link", "set", link, "up"],
        [*inside, "addr", "add", f"{first}/29", "dev", "eth0"],
        [*inside, "addr", "add", f"{second}/29", "dev", "eth0"],
        [*inside, "link", "set", "eth0", "up"],
        [*inside, "route", "add", "default", "via", here],
    ):
        subprocess.run(words, check=True)
    command = ["ip", "netns", "exec", namespace, sys.executable, "-m", "http.server", str(PORT)]
    server = subprocess.Popen(
        command,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/var/empty" if Path("/var/empty").is_dir() else "/proc/self/fd",
    )
    try:
        yield Outside(first, second)
    finally:
        server.kill()
        server.wait()
        subprocess.run(["ip", "link", "del", link], check=False)
        subprocess.run(["ip", "netns", "del", namespace], check=False)


@pytest.fixture
def scene(outside: Outside) -> Iterator[ContainerScene]:
    scene = ContainerScene()
    scene.names = {"api.test": (f"{outside.first}/32",)}
    others = saved(without=scene.fleet)
    try:
        yield scene
    finally:
        scene.run([], retire=True)
        scene.clean()
    assert fleet_rules(scene) == Ruleset()
    assert saved(without=scene.fleet) >= others


def saved(without: str) -> set[str]:
    """The machine's own rules, those of engines and other tests left out."""
    text = subprocess.run(["iptables-save"], check=True, capture_output=True, text=True).stdout
    # Of fleets, and of whole installations, which come and go meanwhile.
    others = ("mcp_fleet=t", "mcp_fleet=e2e")
    lines = (line for line in text.splitlines() if line.startswith("-A INPUT"))
    return {line for line in lines if not any(each in line for each in others)}


def fleet_rules(scene: ContainerScene) -> Ruleset:
    return HostFirewall(local=True).rules(scene.fleet)


def ports(result: dict[str, Any]) -> dict[str, int]:
    assert result["errors"] == []
    return {each["name"]: each["port"] for each in result["endpoints"]}


def gateway(scene: ContainerScene, network: str) -> str:
    (found,) = scene.api.networks(names=[f"{scene.fleet}-{network}"])
    return str(found["IPAM"]["Config"][0]["Gateway"])


def reaches(scene: ContainerScene, port: int, target: str) -> bool:
    """Whether the server that publishes ``port`` can connect to ``target``."""
    answer = scene.get(port, f"/call/{target}")
    assert answer in ("open", "closed"), answer
    return answer == "open"


def test_an_ordinary_server_reaches_the_world(scene: ContainerScene, outside: Outside) -> None:
    port = ports(scene.run([scene.spec("a")]))["a"]
    until(lambda: reaches(scene, port, f"{outside.first}:{PORT}"), "the outside answers")


def test_a_server_with_network_none_answers_and_reaches_nothing(scene: ContainerScene, outside: Outside) -> None:
    found = ports(scene.run([scene.spec("a", network="none"), scene.spec("b")]))
    until(lambda: reaches(scene, found["b"], f"{outside.first}:{PORT}"), "the outside answers")
    neighbour = scene.containers()[scene.name("b")]["NetworkSettings"]["Networks"][f"{scene.fleet}-net"]["IPAddress"]
    with subprocess.Popen(
        [sys.executable, "-m", "http.server", "-d", "/proc/self/fd", str(found["b"] + 1000)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as of_the_host:
        try:
            host = f"{gateway(scene, 'net')}:{found['b'] + 1000}"
            for target in (
                f"{outside.first}:{PORT}",
                f"{neighbour}:8000",
                f"{gateway(scene, 'closed')}:{found['b'] + 1000}",
                host,
            ):
                assert not reaches(scene, found["a"], target), target
        finally:
            of_the_host.kill()
    assert scene.get(found["a"]) == "tiny"


def test_no_name_is_looked_up_for_a_confined_server(scene: ContainerScene) -> None:
    specs = [scene.spec("a", network="none"), scene.spec("b", network=("api.test",)), scene.spec("c", network="fleet")]
    found = ports(scene.run(specs))
    assert {scene.get(found[name], "/look/deb.debian.org") for name in found} <= {"unknown", "silent"}
    assert scene.get(found["c"], "/look/c") == "found"


def test_servers_of_network_fleet_reach_each_other_and_nothing_else(scene: ContainerScene, outside: Outside) -> None:
    specs = [
        scene.spec("a", network="fleet"),
        scene.spec("b", network="fleet"),
        scene.spec("c"),
        scene.spec("d", network="none"),
    ]
    found = ports(scene.run(specs))
    where = {
        name: next(iter(scene.containers()[scene.name(name)]["NetworkSettings"]["Networks"].values()))["IPAddress"]
        for name in "abcd"
    }
    assert reaches(scene, found["a"], f"{where['b']}:8000")
    assert scene.get(found["a"], "/look/b") == "found"
    targets = (f"{where['c']}:8000", f"{where['d']}:8000", f"{outside.first}:{PORT}")
    assert [target for target in targets if reaches(scene, found["a"], target)] == []


def test_a_list_of_hosts_lets_a_server_to_these_and_no_further(scene: ContainerScene, outside: Outside) -> None:
    specs = [
        scene.spec("a", network=("api.test",)),
        scene.spec("b", network=(outside.second,)),
        scene.spec("c", network="none"),
    ]
    found = ports(scene.run(specs))
    targets = {"name": f"api.test:{PORT}", "first": f"{outside.first}:{PORT}", "second": f"{outside.second}:{PORT}"}
    until(lambda: reaches(scene, found["a"], targets["name"]), "the outside answers")
    assert {kind for kind in targets if reaches(scene, found["a"], targets[kind])} == {"name", "first"}
    assert {kind for kind in targets if reaches(scene, found["b"], targets[kind])} == {"second"}
    assert {kind for kind in targets if reaches(scene, found["c"], targets[kind])} == set()
    for name in "ab":
        scene.api.restart(scene.name(name), timeout=1)
        until(lambda at=found[name]: scene.get(at) == "tiny", "it is back")
    assert reaches(scene, found["a"], targets["name"])
    assert not reaches(scene, found["a"], targets["second"])
    assert [scene.run(specs, retire=retire)["actions"] for retire in (False, True)] == [[], []]


def test_an_update_of_the_list_moves_with_the_server_and_leaves_no_way_behind(
    scene: ContainerScene, outside: Outside
) -> None:
    ports(scene.run([scene.spec("a", network=("api.test",))]))
    new = [scene.spec("a", network=(outside.second,))]
    port = ports(scene.run(new))["a"]
    scene.run(new, retire=True)
    assert reaches(scene, port, f"{outside.second}:{PORT}")
    assert not reaches(scene, port, f"{outside.first}:{PORT}")
    assert not any(outside.first in rule for rule in fleet_rules(scene).filter_rules)
    assert scene.run(new)["actions"] == []


def test_a_name_that_moves_is_followed_without_a_new_container(scene: ContainerScene, outside: Outside) -> None:
    specs = [scene.spec("a", network=("api.test",))]
    port = ports(scene.run(specs))["a"]
    before = scene.containers()[scene.name("a")]["Id"]
    scene.names = {"api.test": (f"{outside.second}/32",)}
    result = scene.run(specs)
    assert [(each["action"], each["target"]) for each in result["actions"]] == [
        ("write_rules", rules.chain_of(scene.fleet))
    ]
    assert reaches(scene, port, f"api.test:{PORT}")
    assert scene.containers()[scene.name("a")]["Id"] == before
    assert scene.run(specs)["actions"] == []


def test_rules_that_somebody_flushed_come_back(scene: ContainerScene, outside: Outside) -> None:
    specs = [scene.spec("a", network="none")]
    port = ports(scene.run(specs))["a"]
    chain = rules.chain_of(scene.fleet)
    subprocess.run(["iptables", "--wait", "-F", chain], check=True)
    assert [each["action"] for each in scene.run(specs)["actions"]] == ["write_rules"]
    assert not reaches(scene, port, f"{outside.first}:{PORT}")
    assert scene.run(specs)["actions"] == []


def test_a_name_without_an_address_is_an_error_of_its_server_alone(scene: ContainerScene) -> None:
    scene.names = {"gone.test": ()}
    result = scene.run([scene.spec("a", network=("gone.test",)), scene.spec("b")])
    (error,) = result["errors"]
    assert (error["server"], "gone.test has no IPv4 address" in error["message"]) == ("a", True)
    assert [each["state"] for each in result["endpoints"]] == ["running", "running"]


def test_an_engine_whose_networks_are_not_of_this_host_is_told_apart() -> None:
    own = OwnEngine()
    try:
        own.start()
        scene = ContainerScene(own.address, own.publish)
        result = scene.run([scene.spec("a", network="none"), scene.spec("b")])
        (error,) = result["errors"]
        assert error["server"] == "a"
        assert "is not an interface of this host, so no rule here applies to it" in error["message"]
        assert list(scene.containers()) == [scene.name("b")]
        scene.run([], retire=True)
    finally:
        own.discard()
