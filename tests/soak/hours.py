"""What an hour of a fleet's life may bring. Each returns when it has done its part; what follows is the fleet's."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tests.chaos import scene
from tests.e2e.support.sample import ANOTHER
from tests.e2e.support.site import FLEET, PROJECT
from tests.e2e.support.waiting import until

# Servers that come and go have one of these names, and what is kept of a server is kept by name.
GUESTS = tuple(f"guest{number}" for number in range(4))
# A server of which nobody changes anything.
STEADY = "steady"
IMAGE = "mcp-sample/time:1"
# What a variable of a server refers to.
SECRET = "soak.secret"
TAGGED = f"{FLEET}-soak/time"
ASK_SECONDS = 240
# More than the smallest log that a server may have.
FLOOD = "import sys; [print(number, 'x' * 200, file=open('/proc/1/fd/1', 'a')) for number in range(8000)]"


@dataclass
class Life:
    """A site, its luck, and its desired servers. ``number`` is that of the hour."""

    site: scene.FaultySite
    luck: random.Random
    servers: dict[str, Any]
    number: int = 0

    @property
    def guests(self) -> list[str]:
        """The names of the servers that may go again."""
        return [name for name in self.servers if name in GUESTS]

    def edit(self, **servers: Any) -> None:
        """Writes the config with these entries; None removes one."""
        self.servers = {name: entry for name, entry in {**self.servers, **servers}.items() if entry is not None}
        self.site.write_config(self.servers)

    def ask(self, *arguments: str, entry: dict[str, Any] | None = None) -> None:
        """Makes a request on the command line and waits for its answer; AssertionError where it is refused."""
        command = [sys.executable, "-m", "request", *arguments, "--directory", str(self.site.var)]
        asked = subprocess.run(
            [*command, "--timeout", str(ASK_SECONDS)],
            env={**os.environ, "PYTHONPATH": str(PROJECT / "files")},
            input=json.dumps(entry or {}),
            capture_output=True,
            text=True,
            check=False,
        )
        assert asked.returncode == 0, asked.stdout + asked.stderr


def nothing(life: Life) -> None:
    """A quiet hour."""


def add(life: Life) -> None:
    name = life.luck.choice(GUESTS)
    entry = {**ANOTHER, "env": {"TZ": "Asia/Tokyo", "HOUR": str(life.number)}, "orchestrator": {"isolation": "pooled"}}
    life.edit(**{name: entry})


def take_away(life: Life) -> None:
    life.edit(**dict.fromkeys(life.guests[:1]))


def switch_off(life: Life) -> None:
    """A server is disabled, or enabled again."""
    entry = life.servers["pair"]
    life.edit(pair={**entry, "disabled": not entry.get("disabled")})


def roll(life: Life) -> None:
    time_server = life.servers["time"]
    life.edit(time={**time_server, "env": {**time_server["env"], "TZ": f"Etc/GMT+{life.luck.randrange(12)}"}})


def new_image(life: Life) -> None:
    """Another release of the image of a server, which is on with it; the former image goes with its last container.

    (An image that no container has had is nobody's to remove.)
    """
    base = life.site.docker.containers.create(IMAGE)
    base.commit(TAGGED, str(life.number), changes=f"LABEL hour={life.number}")
    base.remove()
    args = [*ANOTHER["args"][:-1], f"{TAGGED}:{life.number}"]
    life.edit(pair={**life.servers["pair"], "args": args, "disabled": False})


def half_saved(life: Life) -> None:
    path = life.site.etc / "mcp.config.json"
    path.write_text(path.read_text()[:100])
    time.sleep(2)
    life.edit()


def rotate_secret(life: Life) -> None:
    """Another value behind a reference, which a run is told of."""
    (life.site.etc / SECRET).write_text(f"{life.luck.random()}")
    life.ask("sync")


def rotate_access_key(life: Life) -> None:
    key = life.site.etc / "local_alb.credentials"
    program = [str(life.site.root / "home/venv/bin/python"), "-B", "-m", "local_alb.api.credentials", str(key)]
    subprocess.run(program, cwd=PROJECT / "files", check=True)
    life.site.forget_client()
    life.ask("sync")


def flood(life: Life) -> None:
    """A server writes more than its log holds."""
    scene.containers_of(life.site, "orders")[0].exec_run(["python3", "-c", FLOOD])


def restart(life: Life) -> None:
    life.ask("restart", life.luck.choice(["time", "orders"]))


def stop_and_start(life: Life) -> None:
    life.ask("stop", "orders")
    life.ask("start", "orders")


def drop_in(life: Life) -> None:
    life.ask("create", "dropped", "--entry", "-", entry=ANOTHER)
    life.ask("delete", "dropped")


def docker_restart(life: Life) -> None:
    scene.containers_of(life.site, "time")[0].restart(timeout=2)


def docker_remove(life: Life) -> None:
    scene.containers_of(life.site, life.luck.choice(["time", "orders"]))[0].remove(force=True)


def kill_process(life: Life) -> None:
    os.kill(scene.containers_of(life.site, "time")[0].attrs["State"]["Pid"], signal.SIGKILL)


def kill_run(life: Life) -> None:
    roll(life)
    with contextlib.suppress(AssertionError):  # it was over before anybody saw it
        until(lambda: scene.run_under_way(life.site), "a run is under way", 20)
    time.sleep(life.luck.uniform(0.1, 2))
    for process in scene.processes(life.site, "ansible-playbook"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(process, signal.SIGKILL)


def restart_service(life: Life) -> None:
    names = ("watcher", "monitor", "local-alb", "local-alb-haproxy")
    scene.supervisor(life.site, "restart", f"{FLEET}-{life.luck.choice(names)}")


def install_again(life: Life) -> None:
    """As setup.sh is called again, after an upgrade for one."""
    run = life.site.install()
    assert run.code == 0, run.output[-2000:]


# How often each comes, of all hours.
HOURS: dict[Callable[[Life], None], int] = {
    nothing: 8, add: 6, take_away: 5, roll: 6, new_image: 4, switch_off: 4, half_saved: 2, rotate_secret: 4,
    rotate_access_key: 2, flood: 5, restart: 4, stop_and_start: 3, drop_in: 3, docker_restart: 3, docker_remove: 4,
    kill_process: 3, kill_run: 2,
}  # fmt: skip
# Whose calls each of them may cost; what is not here is a change that costs nobody one.
HITS: dict[Callable[[Life], None], frozenset[str]] = {
    docker_restart: frozenset({"time"}),
    docker_remove: frozenset({"time", "orders"}),
    kill_process: frozenset({"time"}),
    stop_and_start: frozenset({"orders"}),
    restart_service: frozenset({"time", "orders", STEADY}),
}
# What begins a program of ours anew comes in the first third only: after it, whatever they keep shows.
EARLY: dict[Callable[[Life], None], int] = {**HOURS, restart_service: 4, install_again: 1}
