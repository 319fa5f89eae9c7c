"""The faults: each with its blow, the servers whose clients may notice it, and what mends it.

A blow may return what ends the fault, as where an outage is over; the time to heal begins there.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.chaos import exhaustion, outages, scene
from tests.e2e.support.sample import ANOTHER
from tests.e2e.support.site import FLEET, Site
from tests.e2e.support.waiting import until

Ender = Callable[[], object]
Blow = Callable[[scene.FaultySite, random.Random], Ender | None]
EVERYBODY = frozenset(scene.SERVERS)
NOBODY: frozenset[str] = frozenset()
OUTAGE_SECONDS = 20.0
# Whoever has taken a port keeps it.
STOLEN: list[socket.socket] = []


@dataclass(frozen=True)
class Fault:
    """``name`` is what the table calls it; ``hits`` are the servers that may lose calls; ``by`` is who heals it.

    ``most_lost`` is how many calls they may lose in a try; without it as many as it takes.
    """

    name: str
    blow: Blow
    hits: frozenset[str]
    by: str
    tries: int = 5
    most_lost: int | None = None


def container(site: Site, server: str) -> Any:
    """Returns the first container of a server."""
    return scene.containers_of(site, server)[0]


def kill_process(server: str) -> Blow:
    """Returns the blow that kills the first process of a server's container, as the kernel would."""

    def blow(site: Site, chance: random.Random) -> None:
        if process := container(site, server).attrs["State"]["Pid"]:  # 0, between two, would be ourselves
            os.kill(process, signal.SIGKILL)

    return blow


def docker_kill(site: Site, chance: random.Random) -> None:
    """As a person does it, after which the engine's own policy starts nothing."""
    container(site, "time").kill()


def remove(server: str) -> Blow:
    """Returns the blow that removes a server's first container."""

    def blow(site: Site, chance: random.Random) -> None:
        container(site, server).remove(force=True)

    return blow


def remove_all(site: Site, chance: random.Random) -> None:
    for name in site.containers():
        site.docker.containers.get(name).remove(force=True)


def pause(site: Site, chance: random.Random) -> None:
    container(site, "time").pause()


def stop(site: Site, chance: random.Random) -> None:
    container(site, "time").stop(timeout=1)


def rename(site: Site, chance: random.Random) -> None:
    container(site, "time").rename(f"{FLEET}-renamed-{chance.randrange(10**6)}")


def cut_off(site: Site, chance: random.Random) -> None:
    hit = container(site, "time")
    for network in hit.attrs["NetworkSettings"]["Networks"]:
        site.docker.networks.get(network).disconnect(hit, force=True)


def swell(site: Site, chance: random.Random) -> None:
    container(site, "time").update(mem_limit="700m", memswap_limit="700m")


def add_server(site: Site, chance: random.Random) -> None:
    site.write_config({**scene.SERVERS, f"new{chance.randrange(10**6)}": ANOTHER})


def roll(site: Site, chance: random.Random) -> None:
    changed = {**scene.SERVERS["time"], "env": {"TZ": f"Etc/GMT+{chance.randrange(12)}", "LUCK": str(chance.random())}}
    site.write_config({**scene.SERVERS, "time": changed})


def half_saved(site: Site, chance: random.Random) -> Ender:
    """An editor that has written half of the file when everybody looks, and the rest a while later."""
    path = site.etc / "mcp.config.json"
    whole = path.read_text()
    path.write_text(whole[: len(whole) // 2])
    time.sleep(3)
    return lambda: path.write_text(whole)


def spoil_state(site: Site, chance: random.Random) -> None:
    (site.var / "state.json").write_bytes(b'{"servers": [\x00')


def spoil_overrides(site: Site, chance: random.Random) -> None:
    (site.var / "overrides.json").write_bytes(b'{"servers": [\x00')


def kill_service(program: str) -> Blow:
    """Returns the blow that kills all processes of a program of the site."""

    def blow(site: Site, chance: random.Random) -> None:
        for process in scene.processes(site, program):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    return blow


def kill_run(site: Site, chance: random.Random) -> None:
    """A run that has something to do, killed at a random moment of it."""
    site.write_config({**scene.SERVERS, "time": {**scene.SERVERS["time"], "env": {"LUCK": str(chance.random())}}})
    with contextlib.suppress(AssertionError):  # it was over before anybody saw it
        until(lambda: scene.run_under_way(site), "a run is under way", 30)
    time.sleep(chance.uniform(0.1, 4))
    for process in scene.processes(site, "ansible-playbook"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def steal_port(site: Site, chance: random.Random) -> None:
    """Somebody else binds a removed server's port before it is back."""
    hit = container(site, "time")
    bindings = hit.attrs["HostConfig"]["PortBindings"]
    (found,) = next(iter(bindings.values()))
    hit.remove(force=True)
    thief = socket.socket()
    thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    until(lambda: _bound(thief, (found["HostIp"] or "127.0.0.1", int(found["HostPort"]))), "the port is stolen", 5)
    thief.listen()
    STOLEN.append(thief)


def _bound(thief: socket.socket, address: tuple[str, int]) -> bool:
    try:
        thief.bind(address)
    except OSError:
        return False
    return True


def delete_rule(site: Site, chance: random.Random) -> None:
    site.elbv2().delete_rule(RuleArn=site.rules()["/mcp/time"])


def move_rule(site: Site, chance: random.Random) -> None:
    moved = {"RuleArn": site.rules()["/mcp/time"], "Priority": chance.randrange(3000, 40000)}
    site.elbv2().set_rule_priorities(RulePriorities=[moved])


def delete_targets(site: Site, chance: random.Random) -> None:
    api = site.elbv2()
    arn = scene.group_of(site, "time")
    found = api.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
    api.deregister_targets(TargetGroupArn=arn, Targets=[each["Target"] for each in found])


def delete_group(site: Site, chance: random.Random) -> None:
    arn = scene.group_of(site, "time")
    delete_rule(site, chance)
    site.elbv2().delete_target_group(TargetGroupArn=arn)


def delete_tags(site: Site, chance: random.Random) -> None:
    """The mark by which a rule is known as the fleet's stays: without it, it is somebody else's."""
    arn = site.rules()["/mcp/time"]
    (tags,) = site.elbv2().describe_tags(ResourceArns=[arn])["TagDescriptions"]
    extra = [tag["Key"] for tag in tags["Tags"] if tag["Key"] not in scene.OWNERSHIP]
    site.elbv2().remove_tags(ResourceArns=[arn], TagKeys=extra)


def outage(site: Site, chance: random.Random) -> Ender:
    """The control plane is away while a server is removed and another is added: what serves, serves on."""
    scene.supervisor(site, "stop", f"{FLEET}-local-alb")
    site.write_config({**scene.SERVERS, f"new{chance.randrange(10**6)}": ANOTHER})
    time.sleep(OUTAGE_SECONDS)
    return lambda: scene.supervisor(site, "start", f"{FLEET}-local-alb")


def freeze_haproxy(site: Site, chance: random.Random) -> Ender:
    frozen = scene.processes(site, "haproxy")
    for process in frozen:
        os.kill(process, signal.SIGSTOP)
    time.sleep(3)

    def thaw() -> None:
        for process in frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGCONT)

    return thaw


def full_disk(site: Site, chance: random.Random) -> Ender:
    """The disk under the state is full while a container is removed."""
    state = site.var / "history"
    kept = site.root / "kept"
    shutil.copytree(state, kept)
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", state], check=True)
    subprocess.run(["dd", "if=/dev/zero", f"of={state}/fill"], check=False, stderr=subprocess.DEVNULL)
    container(site, "time").remove(force=True)
    time.sleep(10)

    def room() -> None:
        subprocess.run(["umount", "--lazy", state], check=True)
        shutil.rmtree(kept)

    return room


def edit_during_run(site: Site, chance: random.Random) -> None:
    """A second edit while the run of the first is under way."""
    first = f"new{chance.randrange(10**6)}"
    site.write_config({**scene.SERVERS, first: ANOTHER})
    with contextlib.suppress(AssertionError):
        until(lambda: scene.run_under_way(site), "a run is under way", 30)
    site.write_config({**scene.SERVERS, first: ANOTHER, f"new{chance.randrange(10**6)}": ANOTHER})


def hostile_request(site: Site, chance: random.Random) -> None:
    """Requests that are none; a run refuses them all and goes on."""
    spool = site.var / "requests"
    (spool / f"{chance.randrange(10**6)}.json").write_text(json.dumps({"action": "stop", "name": "../../etc"}))
    (spool / f"{chance.randrange(10**6)}.json").write_text("{")
    os.mkfifo(spool / f"{chance.randrange(10**6)}.json")


TIME, PAIR = frozenset({"time"}), frozenset({"pair"})
# The calls that a replica has in hand, or gets before the engine sees it dead, and one as it begins to listen again.
MOST_LOST = 2
WATCHER, ENGINE, SUPERVISOR, TIMER, BRIDGE = "watcher", "engine", "supervisor", "next timed run", "bridge"
FAULTS: tuple[Fault, ...] = (
    Fault("the first process of a container is killed (kill -9)", kill_process("time"), TIME, ENGINE, 10),
    Fault("the process that a bridge has started is killed (kill -9)", exhaustion.kill_child("time"), TIME, BRIDGE, 10),
    Fault("`docker rm -f` of a container", remove("time"), TIME, WATCHER, 20),
    Fault("an edit adds a server whose image is there", add_server, NOBODY, WATCHER, 7),
    Fault("`docker rm -f` of one of two replicas", remove("pair"), PAIR, WATCHER, most_lost=MOST_LOST),
    Fault("kill -9 of one of two replicas", kill_process("pair"), PAIR, ENGINE, most_lost=MOST_LOST),
    Fault("an edit rolls a server", roll, NOBODY, WATCHER),
    Fault("the kernel takes the first process for want of memory", exhaustion.out_of_memory("time"), TIME, ENGINE),
    Fault("the first process is killed at each start for 20 s", exhaustion.keep_killing("time"), TIME, ENGINE, 3),
    Fault("an edit to a command that ends at once, and back", exhaustion.ends_at_once, NOBODY, WATCHER, 3),
    Fault("`docker kill`", docker_kill, TIME, WATCHER),
    Fault("`docker stop`", stop, TIME, WATCHER),
    Fault("`docker pause`", pause, TIME, WATCHER),
    Fault("`docker rename`", rename, TIME, WATCHER),
    Fault("a container is cut off from its network", cut_off, TIME, WATCHER),
    Fault("all containers are removed", remove_all, EVERYBODY, WATCHER, 3),
    Fault("somebody takes the port of a removed container", steal_port, TIME, WATCHER, 3),
    Fault("an edit during the run of another edit", edit_during_run, NOBODY, WATCHER, 3),
    Fault("a run is killed at a random moment", kill_run, NOBODY, WATCHER, 20),
    Fault("a config is saved half, and whole 3 s later", half_saved, NOBODY, WATCHER, 3),
    Fault("HAProxy is killed", kill_service("haproxy"), EVERYBODY, SUPERVISOR),
    Fault("HAProxy is frozen for 3 s", freeze_haproxy, EVERYBODY, "nobody: it goes on", 3),
    Fault("the local ALB's control plane is killed", kill_service("local_alb"), EVERYBODY, SUPERVISOR),
    Fault("the monitor is killed", kill_service("monitor"), NOBODY, SUPERVISOR),
    Fault("the watcher is killed", kill_service("watcher"), NOBODY, SUPERVISOR),
    Fault("the control plane is away for 20 s, with an edit meanwhile", outage, NOBODY, WATCHER, 3),
    Fault("the API throttles nearly all calls for 2 min, with an edit meanwhile", outages.throttled, NOBODY, TIMER, 2),
    Fault("the API answers 503 for 2 min while a container is removed", outages.unavailable, TIME, WATCHER, 2),
    Fault(
        "nothing from the balancer reaches a server for 20 s", outages.partition("time"), TIME, "nobody: it goes on", 3
    ),
    Fault("a run whose clock is 26 h fast", outages.wrong_clock(26), NOBODY, TIMER, 2),
    Fault("a run whose clock is 26 h slow", outages.wrong_clock(-26), NOBODY, TIMER, 2),
    Fault("no room under the history while a container is removed", full_disk, TIME, WATCHER, 2),
    Fault("the state file is corrupt", spoil_state, NOBODY, TIMER, 2),
    Fault("the overrides are corrupt", spoil_overrides, NOBODY, TIMER, 2),
    Fault("requests that are none", hostile_request, NOBODY, WATCHER, 3),
    Fault("the memory limit of a container is changed", swell, NOBODY, TIMER, 2),
    Fault("a rule is deleted", delete_rule, TIME, TIMER, 2),
    Fault("a rule is moved to another priority", move_rule, NOBODY, TIMER, 2),
    Fault("targets are deregistered", delete_targets, TIME, TIMER, 2),
    Fault("a rule and its target group are deleted", delete_group, TIME, TIMER, 2),
    Fault("tags of a rule are deleted", delete_tags, NOBODY, TIMER, 2),
)
