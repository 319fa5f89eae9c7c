"""The clients of a host's servers, which run on the host itself: its load balancer listens on loopback alone."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tests.chaos.load import Tally
from tests.hosts.host import Host, output

HERE = Path(__file__).resolve().parent
LISTENER = "127.0.0.1:8080"
DIRECTORY = "/root/chaos"


class Asking:
    """Clients of the servers of these names, until the block ends or the host does.

    Without ``calls`` they ask for nothing but their health.
    """

    def __init__(self, host: Host, names: Sequence[str], *, calls: bool = True) -> None:
        host.run("mkdir", "-p", DIRECTORY)
        for program in (HERE / "asker.py", HERE.parent / "load.py"):
            output(["docker", "cp", str(program), f"{host.name}:{DIRECTORY}/{program.name}"])
        argv = [
            "docker",
            "exec",
            "-i",
            host.name,
            "/usr/bin/python3",
            f"{DIRECTORY}/asker.py",
            LISTENER,
            "calls" if calls else "health",
            *names,
        ]
        self._program = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self) -> Asking:
        return self

    def __exit__(self, *_error: object) -> None:
        if self._program.stdin:
            self._program.stdin.close()
        self._program.wait(60)

    def look(self) -> tuple[list[str], float]:
        """Returns who is silent, and when somebody was last, in seconds of the monotonic clock."""
        told = self._ask("look")
        return told["silent"], told["last_silent"]

    def take(self) -> dict[str, Tally]:
        """Returns what has become of the calls since the last time, by server."""
        return {name: Tally(**tally) for name, tally in self._ask("take").items()}

    def _ask(self, word: str) -> dict[str, Any]:
        if not self._program.stdin or not self._program.stdout:
            raise OSError("the clients have no pipes")
        self._program.stdin.write(f"{word}\n")
        self._program.stdin.flush()
        return dict(json.loads(self._program.stdout.readline()))
