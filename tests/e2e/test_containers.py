"""A fleet's containers on a real engine."""

from __future__ import annotations

import json
import multiprocessing
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.support.container_scene import ContainerScene, tiny_image
from tests.e2e.support.waiting import until

PROJECT = Path(__file__).resolve().parents[2]


@pytest.fixture
def scene() -> Iterator[ContainerScene]:
    scene = ContainerScene()
    try:
        yield scene
    finally:
        scene.clean()


def steps(result: dict[str, Any]) -> list[tuple[str | None, str]]:
    return [(action["server"], action["action"]) for action in result["actions"]]


def ids(scene: ContainerScene) -> dict[str, str]:
    return {name: container["Id"] for name, container in scene.containers().items()}


def endpoint(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in result["endpoints"] if each["name"] == name)


def test_a_fleet_comes_up_serves_and_then_nothing_is_left_to_do(scene: ContainerScene) -> None:
    specs = [scene.spec("a", {"TAG": "I am a"}), scene.spec("b", {"TAG": "I am b"})]
    result = scene.run(specs)
    assert result["errors"] == []
    assert [scene.get(each["port"]) for each in result["endpoints"]] == ["I am a", "I am b"]
    for retire in (False, True):
        assert scene.run(specs, retire=retire)["changed"] is False


def test_the_engine_confirms_that_a_container_is_hard(scene: ContainerScene) -> None:
    scene.run([scene.spec("a")])
    (container,) = scene.containers().values()
    host = container["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert (host["Memory"], host["NanoCpus"], host["PidsLimit"]) == (32 * 1024**2, 10**9, 256)
    assert (host["ReadonlyRootfs"], host["Init"]) == (True, True)
    assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "3"}
    status = Path(f"/proc/{container['State']['Pid']}/status").read_text()
    facts = dict(line.split(":\t") for line in status.splitlines() if ":\t" in line)
    assert facts["CapEff"] == facts["CapBnd"] == "0" * 16
    assert facts["NoNewPrivs"] == "1"
    (binding,) = host["PortBindings"]["8000/tcp"]
    assert binding["HostIp"] == scene.policy.publish_address


def test_servers_of_a_fleet_do_not_reach_each_other(scene: ContainerScene) -> None:
    scene.run([scene.spec("a")])
    address = scene.containers()[scene.name("a")]["NetworkSettings"]["Networks"][f"{scene.fleet}-net"]["IPAddress"]
    result = scene.run([scene.spec("a"), scene.spec("b", {"CALL": f"{address}:8000"})])
    assert scene.get(endpoint(result, "b")["port"], "/call") == "closed"
    assert scene.get(endpoint(result, "a")["port"]) == "tiny"


def test_a_value_of_env_reaches_the_process_and_no_label_name_or_result(scene: ContainerScene) -> None:
    result = scene.run([scene.spec("a", {"TAG": "hush-hush"})])
    assert scene.get(result["endpoints"][0]["port"]) == "hush-hush"
    (container,) = scene.containers().values()
    assert "hush-hush" not in json.dumps(result)
    assert "hush-hush" not in json.dumps([container["Config"]["Labels"], container["Args"], container["Path"]])


def test_adding_and_removing_a_server_leaves_the_others_alone(scene: ContainerScene) -> None:
    a, b, c = (scene.spec(name) for name in "abc")
    scene.run([a, b])
    before = ids(scene)
    assert steps(scene.run([a, b, c])) == [("c", "create")]
    scene.run([b, c])
    assert steps(scene.run([b, c], retire=True)) == [("a", "remove")]
    assert ids(scene)[scene.name("b")] == before[scene.name("b")]
    assert sorted(ids(scene)) == [scene.name("b"), scene.name("c")]


@pytest.mark.parametrize(
    ("damage", "step"),
    [("remove", "create"), ("stop", "start"), ("kill", "start"), ("pause", "unpause")],
)
def test_a_broken_container_comes_back_on_its_port(scene: ContainerScene, damage: str, step: str) -> None:
    specs = [scene.spec("a"), scene.spec("b")]
    port = scene.run(specs)["endpoints"][0]["port"]
    name = scene.name("a")
    if damage == "remove":
        scene.api.remove_container(name, force=True)
    elif damage == "stop":
        scene.api.stop(name, timeout=1)
    elif damage == "kill":
        scene.api.kill(name)
        until(lambda: not scene.containers()[name]["State"]["Running"], "the container is dead")
    else:
        until(lambda: scene.containers()[name]["State"].get("Health", {}).get("Log", [{}]), "its health was checked")
        scene.api.pause(name)
        # As people see it: the engine has no good word for a paused container that has a health check.
        assert scene.containers()[name]["State"].get("Health", {}).get("Status") != "healthy"
    result = scene.run(specs)
    assert steps(result) == [("a", step)]
    assert endpoint(result, "a")["port"] == port
    assert scene.get(port) == "tiny"


def test_a_server_that_an_operator_stopped_for_good_stays_stopped_until_it_is_started(scene: ContainerScene) -> None:
    specs = [scene.spec("a"), scene.spec("b")]
    port = scene.run(specs)["endpoints"][0]["port"]
    scene.api.update_container(scene.name("a"), restart_policy={"Name": "no"})
    scene.api.stop(scene.name("a"), timeout=1)
    changed = [scene.spec("a", memory=48 * 1024**2), specs[1]]
    for desired in (specs, changed):
        for retire in (False, True):
            result = scene.run(desired, retire=retire)
            assert (result["actions"], result["errors"]) == ([], [])
        assert [each["state"] for each in scene.run(desired)["endpoints"]] == ["stopped", "running"]
    scene.api.start(scene.name("a"))
    assert steps(scene.run(specs)) == [("a", "update")]
    assert scene.get(port) == "tiny"
    assert scene.containers()[scene.name("a")]["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"


def test_changed_limits_are_set_back_without_a_restart(scene: ContainerScene) -> None:
    spec = scene.spec("a")
    scene.run([spec])
    before = scene.containers()[scene.name("a")]
    scene.api.update_container(
        scene.name("a"), mem_limit=64 * 1024**2, memswap_limit=64 * 1024**2, restart_policy={"Name": "no"}
    )
    result = scene.run([spec])
    (action,) = result["actions"]
    assert action["reason"] == "memory is 64 MiB, should be 32 MiB, restart policy is no, should be unless-stopped"
    after = scene.containers()[scene.name("a")]
    assert (after["State"]["StartedAt"], after["HostConfig"]["Memory"]) == (before["State"]["StartedAt"], 32 * 1024**2)
    assert after["HostConfig"]["RestartPolicy"]["Name"] == "unless-stopped"
    assert scene.run([spec])["actions"] == []


def test_a_moved_tag_rolls_the_server_with_both_images_in_the_reason(scene: ContainerScene) -> None:
    spec = scene.spec("a")
    scene.run([spec])
    old = scene.api.inspect_image(scene.image)["Id"]
    new = tiny_image(scene.api, scene.image, note="another")
    result = scene.run([spec])
    assert result["actions"][0]["reason"] == f"image {scene.image} is now {new[:19]} (was {old[:19]})"
    scene.run([spec], retire=True)
    assert [each["Image"] for each in scene.containers().values()] == [new]
    assert scene.run([spec])["actions"] == []


def test_check_mode_tells_the_plan_and_the_port_and_changes_nothing(scene: ContainerScene) -> None:
    told = scene.run([scene.spec("a")], check_mode=True)
    assert scene.containers() == {}
    assert (endpoint(told, "a")["state"], steps(told)) == (
        "planned",
        [
            (None, "write_rules"),
            (None, "create_network"),
            ("a", "create"),
        ],
    )
    assert "# create — it has no container" in told["diff"]["after"]
    assert endpoint(scene.run([scene.spec("a")]), "a")["port"] == endpoint(told, "a")["port"]


def test_an_update_loses_no_request(scene: ContainerScene) -> None:
    old, new = scene.spec("a", {"TAG": "old"}), scene.spec("a", {"TAG": "old"}, memory=48 * 1024**2)
    target = {"port": scene.run([old])["endpoints"][0]["port"]}
    answers: list[str] = []
    done = threading.Event()

    def keep_asking() -> None:
        while not done.is_set():
            answers.append(scene.get(target["port"]))

    client = threading.Thread(target=keep_asking)
    client.start()
    try:
        result = scene.run([new])
        assert len(scene.containers()) == 2
        target["port"] = result["endpoints"][0]["port"]
        asked = len(answers)
        until(lambda: len(answers) > asked + 5, "requests go to the new container")
        scene.run([new], retire=True)
        asked = len(answers)
        until(lambda: len(answers) > asked + 5, "requests go on")
    finally:
        done.set()
        client.join()
    assert set(answers) == {"old"}
    assert list(scene.containers()) == [scene.name("a")]


def test_a_new_generation_that_fails_goes_with_its_last_words_and_the_old_one_serves(scene: ContainerScene) -> None:
    old = scene.run([scene.spec("a")])["endpoints"][0]
    broken = scene.spec("a", {"SAY": "I cannot find my database", "STATUS": "500"})
    scene.policy = type(scene.policy)(**(vars(scene.policy) | {"health_timeout": 2}))
    result = scene.run([broken])
    (error,) = result["errors"]
    assert "status 500" in error["message"]
    assert error["message"].endswith("its last lines: *** | tiny listens on 8000")
    assert result["endpoints"][0]["container"] == old["container"]
    assert scene.get(old["port"]) == "tiny"
    assert list(scene.containers()) == [scene.name("a")]


def test_a_long_line_in_the_log_of_a_failed_server_is_one_line(scene: ContainerScene) -> None:
    (error,) = scene.run([scene.spec("a", {"STATUS": "503", "SAY": "first", "LONG": "300000"})])["errors"]
    # What its environment says is not repeated.
    assert error["message"].endswith(f"its last lines: *** | {'x' * 500} … (*** characters) | tiny listens on 8000")


def test_a_server_that_keeps_ending_is_told_before_its_time_is_over(scene: ContainerScene) -> None:
    scene.policy = type(scene.policy)(**(vars(scene.policy) | {"health_timeout": 600}))
    began = time.monotonic()
    result = scene.run([scene.spec("a", {"EXIT_MS": "1", "EXIT_CODE": "3", "DELAY_MS": "100"})])
    assert "its process keeps ending: " in result["errors"][0]["message"]
    assert "exit code 0" not in result["errors"][0]["message"]
    assert time.monotonic() - began < 300
    assert result["endpoints"][0]["state"] == "failed"


def test_a_disabled_server_is_stopped_and_comes_back_as_it_was(scene: ContainerScene) -> None:
    on, off = scene.spec("a"), scene.spec("a", enabled=False)
    port = scene.run([on])["endpoints"][0]["port"]
    before = ids(scene)
    assert scene.run([off])["endpoints"] == []
    assert steps(scene.run([off], retire=True)) == [("a", "stop")]
    assert scene.run([off])["actions"] == scene.run([off], retire=True)["actions"] == []
    result = scene.run([on])
    assert (steps(result), result["endpoints"][0]["port"], ids(scene)) == ([("a", "start")], port, before)


def test_a_stranger_s_container_with_our_name_is_not_touched(scene: ContainerScene) -> None:
    stranger = scene.api.create_container(scene.image, name=scene.name("a"))["Id"]
    try:
        result = scene.run([scene.spec("a"), scene.spec("b")])
        assert "is taken by a container that is not of fleet" in result["errors"][0]["message"]
        assert endpoint(result, "b")["state"] == "running"
        scene.run([], retire=True)
        assert scene.api.inspect_container(stranger)["State"]["Status"] == "created"
    finally:
        scene.api.remove_container(stranger, force=True)


def test_a_port_that_somebody_listens_on_is_skipped(scene: ContainerScene) -> None:
    port = endpoint(scene.run([scene.spec("a")], check_mode=True), "a")["port"]
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        result = scene.run([scene.spec("a")])
    assert (result["errors"], endpoint(result, "a")["port"] == port) == ([], False)


def before_the_first_creation(scene: ContainerScene, monkeypatch: pytest.MonkeyPatch, act: Callable[[], None]) -> None:
    """Lets something happen once a run has planned, before it creates its first container."""
    create, turn, acted = scene.engine.create_container, threading.Lock(), []

    def created(name: str, *more: Any) -> str:
        with turn:
            if not acted:
                acted.append(act())
        return create(name, *more)

    monkeypatch.setattr(scene.engine, "create_container", created)


def test_a_port_stolen_between_plan_and_creation_costs_the_server_another_port(
    scene: ContainerScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = endpoint(scene.run([scene.spec("a")], check_mode=True), "a")["port"]
    thief = socket.socket()

    def steal() -> None:
        thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        thief.bind(("127.0.0.1", planned))
        thief.listen()

    before_the_first_creation(scene, monkeypatch, steal)
    with thief:
        result = scene.run([scene.spec("a")])
        assert (result["errors"], thief.getsockname()[1]) == ([], planned)
        assert scene.get(endpoint(result, "a")["port"]) == "tiny"
        assert endpoint(result, "a")["port"] != planned
    assert sorted(scene.containers()) == [scene.name("a")]
    assert scene.run([scene.spec("a")])["actions"] == []


def test_an_image_removed_between_plan_and_creation_fails_its_server_alone_and_the_next_run_repairs(
    scene: ContainerScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleeting = scene.image.replace(":1", ":fleeting")
    tiny_image(scene.api, fleeting, "fleeting", mark=scene.image)
    specs = [scene.spec("a", image=fleeting), scene.spec("b")]
    before_the_first_creation(scene, monkeypatch, lambda: scene.api.remove_image(fleeting, force=True))

    result = scene.run(specs)

    (error,) = result["errors"]
    assert (error["server"], fleeting in error["message"]) == ("a", True)
    assert scene.get(endpoint(result, "b")["port"]) == "tiny"
    assert sorted(scene.containers()) == [scene.name("b")]
    tiny_image(scene.api, fleeting, "fleeting", mark=scene.image)
    repaired = scene.run(specs)
    assert (repaired["errors"], scene.get(endpoint(repaired, "a")["port"])) == ([], "tiny")


def test_a_missing_image_fails_its_server_alone_and_says_what_to_do(scene: ContainerScene) -> None:
    result = scene.run([scene.spec("a", image="127.0.0.1:1/nothing:1"), scene.spec("b")])
    (error,) = result["errors"]
    assert error["server"] == "a"
    assert "image 127.0.0.1:1/nothing:1 cannot be pulled" in error["message"]
    assert "the registry cannot be reached: check the host's network, DNS and proxy" in error["message"]
    assert endpoint(result, "b")["state"] == "running"


def test_a_process_that_is_no_program_fails_its_server_alone_and_leaves_nothing(scene: ContainerScene) -> None:
    result = scene.run([scene.spec("a", entrypoint=("/nope",), init=False), scene.spec("b")])
    (error,) = result["errors"]
    assert "/nope" in error["message"]
    assert list(scene.containers()) == [scene.name("b")]


def test_a_stopped_fleet_survives_the_loss_of_its_network(scene: ContainerScene) -> None:
    spec = scene.spec("a")
    scene.run([spec])
    scene.api.stop(scene.name("a"), timeout=1)
    scene.api.remove_network(f"{scene.fleet}-net")
    result = scene.run([spec])
    assert (result["errors"], scene.get(result["endpoints"][0]["port"])) == ([], "tiny")
    scene.run([spec], retire=True)
    assert scene.run([spec])["actions"] == []


def test_an_emptied_fleet_leaves_nothing_behind(scene: ContainerScene) -> None:
    scene.run([scene.spec("a"), scene.spec("b", replicas=2)])
    scene.run([], retire=True)
    assert scene.containers() == {}
    assert scene.api.networks(names=[f"{scene.fleet}-net"]) == []


def test_an_image_goes_with_its_last_container_when_that_is_asked_for(scene: ContainerScene) -> None:
    tags = {name: scene.image.replace(":1", f":{name}") for name in ("own", "theirs")}
    images = {name: tiny_image(scene.api, tag, name, mark=scene.image) for name, tag in tags.items()}
    stranger = scene.api.create_container(tags["theirs"])["Id"]
    try:
        scene.run([scene.spec(name, image=tag) for name, tag in tags.items()])
        result = scene.run([], retire=True, prune_images=True)
        assert result["errors"] == []
        there = {image["Id"] for image in scene.api.images()}
        assert {name: identity in there for name, identity in images.items()} == {"own": False, "theirs": True}
    finally:
        scene.api.remove_container(stranger, force=True)


def test_replicas_serve_side_by_side(scene: ContainerScene) -> None:
    ports = scene.run([scene.spec("a", replicas=3)])["endpoints"][0]["ports"]
    assert [scene.get(port) for port in ports] == ["tiny"] * 3
    assert len(set(ports)) == 3
    assert sorted(scene.containers()) == [scene.name("a"), scene.name("a.2"), scene.name("a.3")]


def test_a_run_that_was_killed_is_made_good_by_the_next(scene: ContainerScene) -> None:
    specs = [scene.spec(name) for name in "abcdefgh"]
    run = multiprocessing.get_context("fork").Process(target=scene.run_apart, args=(specs,))
    run.start()
    until(lambda: len(scene.containers()) >= 2, "the run has begun")
    run.kill()
    run.join()
    # What it asked for last, the engine may make after the next run has looked; that is for the run after.
    for _run in range(3):
        last = scene.run(specs)
        scene.run(specs, retire=True)
    assert sorted(scene.containers()) == [scene.name(name) for name in "abcdefgh"]
    assert (last["actions"], last["errors"]) == ([], [])
