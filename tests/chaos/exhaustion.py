"""Blows by which processes end again and again: no memory left, killed at each start, a command that ends at once."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker

from tests.chaos import scene
from tests.e2e.support.site import Site
from tests.e2e.support.waiting import until

LOOP_SECONDS = 20.0
# More than any server of the scene may have, in pieces that the kernel has to give one after the other.
HOG = "held = []\nwhile True: held.append(bytearray(2**24))"
# What the kernel takes into account beside a process's memory: it goes first (proc_pid_oom_score_adj(5)).
FIRST_TO_GO = "1000"
SEEN_SECONDS = 120.0


def _descendants(process: int) -> Iterator[int]:
    with contextlib.suppress(OSError):
        for child in Path(f"/proc/{process}/task/{process}/children").read_text().split():
            yield int(child)
            yield from _descendants(int(child))


def kill_child(server: str) -> Callable[[Site, random.Random], None]:
    """Returns the blow that kills the processes that a server's bridge has started, and not the bridge."""

    def blow(site: Site, chance: random.Random) -> None:
        bridge = scene.containers_of(site, server)[0].attrs["State"]["Pid"]
        for process in list(_descendants(bridge)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    return blow


def out_of_memory(server: str) -> Callable[[Site, random.Random], None]:
    """Returns the blow by which a container's memory runs out and the kernel takes its first process."""

    def blow(site: Site, chance: random.Random) -> None:
        hit = scene.containers_of(site, server)[0]
        state = hit.attrs["State"]
        Path(f"/proc/{state['Pid']}/oom_score_adj").write_text(FIRST_TO_GO)
        api = site.docker.api
        with contextlib.suppress(docker.errors.APIError):  # it ends with its container
            api.exec_start(api.exec_create(hit.id, ["python3", "-c", HOG])["Id"], detach=True)

        def over() -> bool:
            return bool(api.inspect_container(hit.id)["State"]["StartedAt"] != state["StartedAt"])

        until(over, "the kernel has taken the first process, and the engine has started it again", SEEN_SECONDS)

    return blow


def keep_killing(server: str) -> Callable[[Site, random.Random], Callable[[], object]]:
    """Returns the blow that kills a container's first process whenever there is one."""

    def blow(site: Site, chance: random.Random) -> Callable[[], object]:
        end = time.monotonic() + LOOP_SECONDS
        while time.monotonic() < end:
            for hit in scene.containers_of(site, server)[:1]:
                if process := hit.attrs["State"]["Pid"]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(process, signal.SIGKILL)
            time.sleep(0.2)
        return lambda: None

    return blow


def ends_at_once(site: Site, chance: random.Random) -> Callable[[], object]:
    """An edit to a command that ends with an error at each start, taken back when the state says so."""
    path = site.etc / "mcp.config.json"
    whole = path.read_text()
    wrong = {**scene.SERVERS["time"], "args": [*scene.SERVERS["time"]["args"], f"--no-such-option-{chance.random()}"]}
    site.write_config({**scene.SERVERS, "time": wrong})
    until(lambda: _condition(site, "time") == "degraded", "the state tells of the failed update", SEEN_SECONDS)
    return lambda: path.write_text(whole)


def _condition(site: Site, server: str) -> str:
    found = {each["name"]: each["condition"] for each in scene.report(site).get("servers", [])}
    return str(found.get(server, ""))
