"""The monitor's brake on guessing, over real connections: it tells clients apart, and nobody can pass for another."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import pytest
from monitor.access.passwords import hashed
from monitor.access.users import Account, User, write_users

from tests.e2e.support.ports import free_port
from tests.e2e.support.waiting import until

PROJECT = Path(__file__).parents[2]
PASSWORD = "correct horse battery staple"
NOBODY = 65534
GUESSES = 12
IMAGE = "mcp-base/python:3.11"
# One request as another user, or in another network: prints its status.
ASK = """
import base64, http.client, sys
host, port, password, forwarded = sys.argv[1:]
connection = http.client.HTTPConnection(host, int(port), timeout=60)
token = base64.b64encode(f"admin:{password}".encode()).decode()
for number in range(int(forwarded) if forwarded.isdigit() else 1):
    client = f"198.51.100.{number}" if forwarded.isdigit() else forwarded
    headers = {"Authorization": f"Basic {token}", "X-Forwarded-For": client}
    connection.request("GET", "/monitor/mcp.json", headers=headers)
    answer = connection.getresponse()
    answer.read()
    print(answer.status)
"""

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can act as other users")


class Monitor:
    """A monitor that takes the word of a balancer of this process's user, and of one in ``networks``."""

    def __init__(self, folder: Path, bind: str, *networks: str) -> None:
        users = folder / "monitor.users.json"
        users.touch()
        write_users(users, {"admin": Account(User("admin", "operate"), hashed(PASSWORD))})
        self.port = free_port()
        options = [word for network in networks for word in ("--balancer-network", network)]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "--state", str(folder / "state.json"), "--bind", f"{bind}:{self.port}",
             "--users", str(users), "--balancer-user", "root", *options],
            cwd=PROJECT / "files", stderr=subprocess.DEVNULL,
        )  # fmt: skip
        until(self._answers, "the monitor answers")

    def _answers(self) -> bool:
        try:
            return self.ask(None) == 401
        except OSError:
            return False

    def ask(self, password: str | None, forwarded: str | None = None) -> int:
        """The status of a request of this process, which is the balancer's where it forwards."""
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {"X-Forwarded-For": forwarded} if forwarded else {}
        if password is not None:
            headers["Authorization"] = f"Basic {base64.b64encode(f'admin:{password}'.encode()).decode()}"
        connection.request("GET", "/monitor/mcp.json", headers=headers)
        status = connection.getresponse().status
        connection.close()
        return status

    def guess(self, forwarded: str) -> list[int]:
        """The statuses of more wrong guesses than a client has."""
        with ThreadPoolExecutor(4) as pool:
            return list(pool.map(lambda number: self.ask(f"wrong {number}", forwarded), range(GUESSES)))


@pytest.fixture
def monitor(tmp_path: Path) -> Iterator[Monitor]:
    running = Monitor(tmp_path, "127.0.0.1")
    yield running
    running.process.send_signal(signal.SIGTERM)
    running.process.wait(60)


def statuses(argv: list[str], **options: int) -> list[int]:
    done = subprocess.run(argv, capture_output=True, text=True, check=True, timeout=60, **options)  # type: ignore[call-overload]
    return [int(word) for word in done.stdout.split()]


def test_one_client_that_guesses_is_slowed_and_the_others_are_not(monitor: Monitor) -> None:
    assert 429 in monitor.guess("203.0.113.9")
    assert monitor.ask(PASSWORD, "203.0.113.9") == 429
    assert monitor.ask(PASSWORD, "203.0.113.9:4711") == 429
    assert monitor.ask(PASSWORD, "8.8.8.8, 203.0.113.9") == 429
    assert monitor.ask(PASSWORD, "203.0.113.10") == 404  # signed in, and there is no state yet
    assert monitor.ask(PASSWORD) == 404


def test_a_client_of_ipv6_stays_slowed_when_it_takes_another_of_its_addresses(monitor: Monitor) -> None:
    assert 429 in monitor.guess("2001:db8::1")
    assert monitor.ask(PASSWORD, "2001:db8::2") == 429
    assert monitor.ask(PASSWORD, "2001:db8:0:1::2") == 404


def test_a_local_user_who_forges_the_header_is_one_client_and_slows_no_other(monitor: Monitor) -> None:
    forged = ["/usr/bin/python3", "-I", "-c", ASK, "127.0.0.1", str(monitor.port), "wrong", str(GUESSES)]
    assert statuses(forged, user=NOBODY, group=NOBODY)[-1] == 429
    right = [*forged[:-2], PASSWORD, "203.0.113.77"]
    assert statuses(right, user=NOBODY, group=NOBODY) == [429]
    for number in range(GUESSES):
        assert monitor.ask(PASSWORD, f"198.51.100.{number}") == 404


def test_a_container_that_forges_the_header_is_one_client(tmp_path: Path) -> None:
    bridge = subprocess.run(["ip", "-4", "-j", "addr", "show", "docker0"], capture_output=True, text=True, check=True)
    host = json.loads(bridge.stdout)[0]["addr_info"][0]["local"]
    monitor = Monitor(tmp_path, "0.0.0.0", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")
    try:
        forged = ["docker", "run", "--rm", IMAGE, "python3", "-c", ASK, host, str(monitor.port), "wrong", str(GUESSES)]
        assert statuses(forged)[-1] == 429
        assert monitor.ask(PASSWORD, "198.51.100.1") == 404
    finally:
        monitor.process.terminate()
        monitor.process.wait(60)
