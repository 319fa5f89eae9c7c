"""The monitor as its unit runs it, on a directory, and clients that ask it."""

from __future__ import annotations

import base64
import grp
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from monitor.access.passwords import hashed
from monitor.access.users import VIEW, Account, User, write_users

from tests.e2e.support.ports import free_port, listens
from tests.e2e.support.waiting import until

PROJECT = Path(__file__).resolve().parents[2]
PASSWORD = "benchmark-only"  # noqa: S105 - of a monitor on loopback that ends with the benchmark
HEADERS = {"Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()}


@dataclass(frozen=True)
class Monitor:
    """A running monitor."""

    pid: int
    port: int

    def get(self, path: str) -> tuple[bytes, float]:
        """Returns the body, and the seconds until all of it was there."""
        began = time.perf_counter()
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", f"/monitor{path}", headers=HEADERS)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != http.HTTPStatus.OK:
                raise RuntimeError(f"{path} is answered with {answer.status}")
            return body, time.perf_counter() - began
        finally:
            connection.close()

    def events(self, path: str) -> Iterator[tuple[float, str, Any]]:
        """Yields when each event came (time.monotonic), its name and its data, until the caller goes away."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        with connection, connection.makefile("rb") as lines:
            head = f"GET /monitor{path} HTTP/1.0\r\nAuthorization: {HEADERS['Authorization']}\r\n\r\n"
            connection.sendall(head.encode())
            name = ""
            for line in lines:
                if line.startswith(b"event: "):
                    name = line[7:].decode().strip()
                elif line.startswith(b"data: "):
                    yield time.monotonic(), name, json.loads(line[6:])

    def mebibytes(self) -> float:
        """Returns its resident memory."""
        status = Path(f"/proc/{self.pid}/status").read_text("ascii")
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def cpu_seconds(self) -> float:
        """Returns the CPU seconds that it has used."""
        fields = Path(f"/proc/{self.pid}/stat").read_text("ascii").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def monitor(directory: Path, role: str = VIEW, *options: str) -> Iterator[Monitor]:
    """Serves a directory until the end of the block, to a user of that role; ``options`` are further ones."""
    users = directory / "benchmark.users.json"
    write_users(users, {"admin": Account(User("admin", role), hashed(PASSWORD))}, grp.getgrgid(os.getgid()).gr_name)
    port = free_port()
    places = ["--state", directory / "state.json", "--directory", directory, "--users", users]
    command = [sys.executable, "-m", "monitor", *places, "--bind", f"127.0.0.1:{port}", *options]
    with subprocess.Popen([str(word) for word in command], cwd=PROJECT / "files", stderr=subprocess.DEVNULL) as program:
        try:
            until(lambda: listens(port), "the monitor listens")
            yield Monitor(program.pid, port)
        finally:
            program.terminate()


class Follower(threading.Thread):
    """Somebody who looks at a log: when each line came, by its text."""

    def __init__(self, monitor: Monitor, path: str) -> None:
        super().__init__(daemon=True)
        self._monitor = monitor
        self._path = path
        self.came: dict[str, float] = {}

    def run(self) -> None:
        """Follows until the monitor ends."""
        with suppress(OSError):
            for at, name, data in self._monitor.events(self._path):
                if name == "lines":
                    for row in data:
                        self.came.setdefault(row[5], at)
