"""What the fleet's containers cost: a no-op, a creation, one change among many, requests lost while all servers roll.

Floors (the bare engine through its SDK) and peers (docker compose v2, and ``community.docker.docker_container`` in a
loop; containers_parts/fetch_peers.sh fetches them) are measured in the same run. Prints a table for people, and as its
last line one JSON object.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(PROJECT), str(PROJECT / "collections")]

import docker  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.container import container_body  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.docker_json import image_of  # noqa: E402
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import DockerEngine  # noqa: E402

from benchmarks.containers_parts import peers  # noqa: E402
from tests.e2e.support.container_scene import ContainerScene, tiny_image  # noqa: E402

FLEET = 100
CREATED = 50
ROLLED = 20
PEERS = 10
THREADS = 8
RUNS = 5


@contextmanager
def fleet_scene() -> Iterator[ContainerScene]:
    """A fleet of its own on the machine's engine, gone afterwards."""
    scene = ContainerScene(port_range_start=31000, port_range_end=31999, health_timeout=60)
    try:
        yield scene
    finally:
        clean(scene)


def clean(scene: ContainerScene) -> None:
    """Removes the scene's containers several at a time, then the rest of it."""
    listed = scene.api.containers(all=True, filters={"label": f"mcp_fleet={scene.fleet}"})
    with ThreadPoolExecutor(THREADS) as pool:
        list(pool.map(lambda each: scene.api.remove_container(each["Id"], force=True, v=True), listed))
    scene.clean()


def servers(scene: ContainerScene, count: int) -> list[Spec]:
    """The specs of ``count`` tiny servers."""
    return [scene.spec(f"s{number}") for number in range(count)]


def timed(action: Callable[[], object]) -> tuple[float, float]:
    """Seconds by the clock, and CPU seconds of this process, of one run."""
    wall, cpu = time.perf_counter(), time.process_time()
    action()
    return time.perf_counter() - wall, time.process_time() - cpu


def best_of_both(first: Callable[[], object], second: Callable[[], object]) -> list[tuple[float, float]]:
    """The best of several runs of each, taken in turns, so that both see the same machine."""
    runs = [(timed(first), timed(second)) for _run in range(RUNS)]
    return [(min(run[which][0] for run in runs), min(run[which][1] for run in runs)) for which in (0, 1)]


def look(fleet: str) -> None:
    """The floor of a no-op: a connection, one list, an inspect of each container."""
    api = docker.APIClient(version="auto")
    listed = api.containers(all=True)
    for each in listed:
        if each["Labels"].get("mcp_fleet") == fleet:
            api.inspect_container(each["Id"])
    api.close()


def reconcile(scene: ContainerScene, specs: Sequence[Spec]) -> None:
    """What the module does, with a connection of its own. Raises RuntimeError when there was something to do."""
    scene.engine = DockerEngine()
    result = scene.run(specs)
    scene.engine.close()
    if result["changed"] or result["errors"]:
        raise RuntimeError(f"the no-op was none: {result['actions'][:2]} {result['errors'][:2]}")


def noop_figures(scene: ContainerScene, specs: Sequence[Spec]) -> dict[str, float]:
    """Seconds and CPU seconds of a no-op over ``specs``, which are up already, and of its floor, and their ratios."""
    (floor, floor_cpu), (module, module_cpu) = best_of_both(lambda: look(scene.fleet), lambda: reconcile(scene, specs))
    return {
        "noop_floor_seconds": floor,
        "noop_floor_cpu_seconds": floor_cpu,
        "noop_module_seconds": module,
        "noop_module_cpu_seconds": module_cpu,
        "noop_ratio": module / floor,
        "noop_cpu_ratio": module_cpu / floor_cpu,
    }


def measure_noop(count: int = FLEET) -> dict[str, float]:
    """Brings up ``count`` tiny servers, measures a no-op against its floor, and takes them away again."""
    with fleet_scene() as scene:
        specs = servers(scene, count)
        up(scene, specs)
        return noop_figures(scene, specs)


def up(scene: ContainerScene, specs: Sequence[Spec]) -> float:
    """Seconds until ``specs`` are up. Raises RuntimeError when one is not."""
    begin = time.perf_counter()
    result = scene.run(specs)
    if result["errors"]:
        raise RuntimeError(f"the fleet did not come up: {result['errors'][0]}")
    return time.perf_counter() - begin


def create_floor(count: int) -> float:
    """Seconds for the engine to create and start ``count`` of the same containers, in threads, with nothing around."""
    with fleet_scene() as scene:
        scene.engine.create_network(container_body.network_body(scene.policy))
        image = image_of(scene.engine.image(scene.image) or {})
        bodies = [
            container_body.compose(spec, image, scene.policy, 31000 + number)
            for number, spec in enumerate(servers(scene, count))
        ]

        def make(number: int) -> None:
            scene.engine.start(scene.engine.create_container(f"{scene.fleet}-{number}", bodies[number]))

        begin = time.perf_counter()
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(make, range(count)))
        return time.perf_counter() - begin


def create_module(count: int) -> float:
    """Seconds for the module to bring up ``count`` servers from nothing, until each answers."""
    with fleet_scene() as scene:
        return up(scene, servers(scene, count))


def one_changed(scene: ContainerScene, specs: list[Spec]) -> dict[str, float]:
    """Seconds that one server's change costs beyond a no-op of as many: among all, and of a fleet of its own."""
    among = change(scene, specs)
    with fleet_scene() as other:
        alone = [other.spec("s0")]
        up(other, alone)
        single = change(other, alone)
    return {
        "one_changed_of_all_seconds": among,
        "one_changed_alone_seconds": single,
        "one_changed_ratio": among / single,
    }


def change(scene: ContainerScene, specs: list[Spec]) -> float:
    """The least of several changes of the first server, less a no-op before each."""
    costs = []
    for number in range(RUNS):
        quiet, _cpu = timed(partial(reconcile, scene, specs))
        specs = [scene.spec("s0", memory=(48 + number) * 1024**2), *specs[1:]]
        costs.append(up(scene, specs) - quiet)
        scene.run(specs, retire=True)
    return min(costs)


@contextmanager
def clients(scene: ContainerScene, targets: Mapping[str, int]) -> Iterator[list[bool]]:
    """One client for each of ``targets``, which may change meanwhile, asking all the time: what came of it."""
    done = threading.Event()
    answers: list[bool] = []

    def ask(name: str) -> None:
        while not done.is_set():
            answers.append(scene.get(targets[name]) == "tiny")
            time.sleep(0.02)

    with ThreadPoolExecutor(len(targets)) as pool:
        for name in list(targets):
            pool.submit(ask, name)
        try:
            yield answers
        finally:
            done.set()


def lost_requests() -> dict[str, float]:
    """Requests that fail while all servers get another image; clients follow the endpoints as routes do."""
    with fleet_scene() as scene:
        specs = servers(scene, ROLLED)
        targets = {each["name"]: each["port"] for each in scene.run(specs)["endpoints"]}
        new = [scene.spec(spec.name, image=another_image(scene)) for spec in specs]
        with clients(scene, targets) as answers:
            targets.update({each["name"]: each["port"] for each in scene.run(new)["endpoints"]})
            time.sleep(5)  # a request under way may take as long as a client waits
            scene.run(new, retire=True)
        return {"roll_requests": len(answers), "roll_requests_lost": answers.count(False)}


def another_image(scene: ContainerScene) -> str:
    """An image that does the same and is another one."""
    tag = scene.image.replace(":1", ":2")
    tiny_image(scene.api, tag, "another", mark=scene.image)
    return tag


def compose_figures() -> dict[str, float]:
    """Docker compose v2 at the same: creating, changing nothing, changing one, rolling all under load."""
    with fleet_scene() as scene:
        project = peers.Compose(scene)
        try:
            figures = {"compose_create_seconds": project.up(CREATED)}
            project.up(FLEET)
            figures["compose_noop_seconds"] = min(project.up(FLEET) for _run in range(RUNS))
            changed = project.up(FLEET, [another_image(scene)])
            figures["compose_one_changed_seconds"] = changed - figures["compose_noop_seconds"]
        finally:
            project.down()
    with fleet_scene() as scene:
        project = peers.Compose(scene)
        try:
            project.up(ROLLED)
            image = another_image(scene)
            with clients(scene, {f"s{n}": peers.FIRST_PORT + n for n in range(ROLLED)}) as answers:
                project.up(ROLLED, [image] * ROLLED)
                time.sleep(5)
            figures |= {"compose_roll_requests": len(answers), "compose_roll_requests_lost": answers.count(False)}
        finally:
            project.down()
    return figures


def loop_figures() -> dict[str, float]:
    """Seconds for each container of community.docker's loop over ``PEERS`` of them: creating, and changing nothing."""
    with fleet_scene() as scene:
        return {
            "loop_create_seconds_each": peers.loop(scene, PEERS) / PEERS,
            "loop_noop_seconds_each": peers.loop(scene, PEERS) / PEERS,
        }


def measure() -> dict[str, float]:
    """All figures."""
    figures: dict[str, float] = {}
    with fleet_scene() as scene:
        specs = servers(scene, FLEET)
        up(scene, specs)
        figures |= noop_figures(scene, specs)
        figures |= one_changed(scene, specs)
    floors = [create_floor(CREATED) for _run in range(2)]
    modules = [create_module(CREATED) for _run in range(2)]
    figures |= {"create_floor_seconds": min(floors), "create_module_seconds": min(modules)}
    figures["create_ratio"] = figures["create_module_seconds"] / figures["create_floor_seconds"]
    figures |= lost_requests()
    if peers.ANSIBLE.exists():
        figures |= loop_figures()
        noop, create = figures["loop_noop_seconds_each"] * FLEET, figures["loop_create_seconds_each"] * CREATED
        figures["noop_times_faster_than_loop"] = noop / figures["noop_module_seconds"]
        figures["create_times_faster_than_loop"] = create / figures["create_module_seconds"]
    if peers.COMPOSE.exists():
        figures |= compose_figures()
        figures["create_against_compose"] = figures["create_module_seconds"] / figures["compose_create_seconds"]
    return {name: round(value, 3) for name, value in figures.items()}


def main() -> int:
    """Measures and prints; returns the exit code."""
    try:
        figures = measure()
    except (RuntimeError, OSError, subprocess.CalledProcessError) as error:
        print(f"containers: could not measure: {error}", file=sys.stderr)
        return 1
    targets: dict[str, list[Any]] = {
        "noop_ratio": ["<=", 1.5],
        "create_ratio": ["<=", 1.15],
        "create_against_compose": ["<=", 1],
        "one_changed_ratio": ["<=", 1.5],
        "roll_requests_lost": ["<=", 0],
        "noop_times_faster_than_loop": [">=", 20],
        "create_times_faster_than_loop": [">=", 3],
    }
    for missing in (each for each in (peers.ANSIBLE, peers.COMPOSE) if not each.exists()):
        print(f"not compared with {missing.name}: benchmarks/containers_parts/fetch_peers.sh fetches it")
    targets = {name: target for name, target in targets.items() if name in figures}
    met = all(
        figures[name] <= bound if sign == "<=" else figures[name] >= bound for name, (sign, bound) in targets.items()
    )
    print(f"no-op of {FLEET}, creation of {CREATED}, {ROLLED} servers rolled; best of several runs")
    for name, value in figures.items():
        print(f"  {name:<32} {value:10.3f}")
    print(json.dumps({"benchmark": "containers", "figures": figures, "targets": targets, "met": met}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
