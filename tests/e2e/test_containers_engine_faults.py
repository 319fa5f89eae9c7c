"""What becomes of a run when the engine itself fails, on an engine of its own."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import DockerEngine, EngineError

from tests.e2e.support.container_scene import ContainerScene
from tests.e2e.support.own_engine import OwnEngine
from tests.e2e.support.waiting import until

DISK_MIB = 96


@pytest.fixture(scope="module")
def own() -> Iterator[OwnEngine]:
    own = OwnEngine(DISK_MIB)
    try:
        own.start()
        yield own
    finally:
        own.discard()


@pytest.fixture
def scene(own: OwnEngine) -> Iterator[ContainerScene]:
    scene = ContainerScene(own.address, own.publish, timeout=5, health_timeout=20)
    try:
        yield scene
    finally:
        scene.clean()


def assert_well(scene: ContainerScene, specs: list[Any]) -> None:
    """After one more whole run the fleet is in the desired state and nothing is left to do."""
    assert scene.run(specs)["errors"] == []
    scene.run(specs, retire=True)
    assert sorted(scene.containers()) == sorted(scene.name(spec.name) for spec in specs)
    last = scene.run(specs)
    assert (last["actions"], last["errors"]) == ([], [])
    assert [scene.get(each["port"]) for each in last["endpoints"]] == ["tiny"] * len(specs)


def test_a_hung_engine_is_told_within_the_time_of_a_call(own: OwnEngine, scene: ContainerScene) -> None:
    specs = [scene.spec("a")]
    scene.run(specs)
    own.tell(signal.SIGSTOP)
    began = time.monotonic()
    try:
        with pytest.raises(EngineError, match="did not answer in time; is it overloaded or hung"):
            scene.run(specs)
    finally:
        own.tell(signal.SIGCONT)
    assert time.monotonic() - began < 55  # docker's own client waits 60 s for each of its calls
    assert_well(scene, specs)


def test_an_engine_killed_while_a_run_is_under_way_is_made_good_by_the_next(
    own: OwnEngine, scene: ContainerScene
) -> None:
    specs = [scene.spec(f"s{number}") for number in range(8)]
    with ThreadPoolExecutor(1) as pool:
        run = pool.submit(scene.run, specs)
        until(lambda: len(scene.api.containers(all=True)) >= 2, "the run has begun")
        own.stop(signal.SIGKILL)
        result = run.result(300)
    messages = [error["message"] for error in result["errors"]]
    assert messages
    assert all("no Docker engine answers at" in message for message in messages)
    own.start()
    scene.engine = DockerEngine(own.address, timeout=20)
    assert_well(scene, specs)


def test_an_engine_restarted_between_runs_brings_its_containers_back(own: OwnEngine, scene: ContainerScene) -> None:
    specs = [scene.spec("a"), scene.spec("b")]
    ports = [each["port"] for each in scene.run(specs)["endpoints"]]
    own.stop()
    own.start()
    scene.engine = DockerEngine(own.address, timeout=20)
    until(lambda: [scene.get(port) for port in ports] == ["tiny"] * 2, "the containers are back")
    assert scene.run(specs)["actions"] == []


def test_a_full_disk_is_named_and_what_runs_goes_on(own: OwnEngine, scene: ContainerScene) -> None:
    old = [scene.spec("a")]
    port = scene.run(old)["endpoints"][0]["port"]
    filler = own.root / "data" / "filler"
    # Unbuffered: what does not fit any more must not wait for the file's end.
    with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(b"\0" * 65536)
    new = [scene.spec("a", memory=48 * 1024**2)]
    try:
        result = scene.run(new)
        (error,) = result["errors"]
        assert "no space left on device" in error["message"]
        assert "the disk is full: free some space" in error["message"]
        assert scene.get(port) == "tiny"
    finally:
        filler.unlink()
    assert_well(scene, new)


def test_a_stranger_in_the_fleets_network_keeps_only_the_network(scene: ContainerScene) -> None:
    network = f"{scene.fleet}-net"
    scene.run([scene.spec("a")])
    config = scene.api.create_host_config(network_mode=network)
    stranger = scene.api.create_container(scene.image, name=f"{scene.fleet}-stranger", host_config=config)
    try:
        scene.api.start(stranger)
        result = scene.run([], retire=True)
        assert (scene.containers(), result["errors"]) == ({}, [])
        (kept,) = result["kept"]
        assert f"{scene.fleet}-stranger, not of this fleet" in kept
        commands = kept.split("remove it with: ")[1].replace("docker ", f"docker -H {scene.engine.address} ")
        subprocess.run(["sh", "-c", commands], check=True, capture_output=True)
        assert scene.api.networks(names=[network]) == []
        assert scene.run([], retire=True)["actions"] == []
    finally:
        scene.api.remove_container(stranger, force=True)
