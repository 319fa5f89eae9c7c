"""From servers to what people see of them: the probe and the state under Ansible, then the monitor and the table."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from mcp.server import MCPServer
from monitor.access.passwords import hashed
from monitor.access.users import Account, User, write_users

from tests.e2e.support.ports import free_port
from tests.e2e.support.waiting import until

PROJECT = Path(__file__).parents[2]
PASSWORD = "open-sesame"


@pytest.fixture(scope="module")
def time_server() -> Iterator[str]:
    """A real MCP server with one tool; its address."""
    server = MCPServer("clock", version="4.5.6")

    @server.tool()
    def now() -> str:
        return "12:00"

    running = uvicorn.Server(uvicorn.Config(server.streamable_http_app(), port=0, log_level="error"))
    thread = threading.Thread(target=running.run, daemon=True)
    thread.start()
    until(lambda: running.started)
    yield f"http://127.0.0.1:{running.servers[0].sockets[0].getsockname()[1]}"
    running.should_exit = True
    thread.join(60)


PLAYBOOK = """
- hosts: localhost
  connection: local
  gather_facts: false
  vars:
    config:
      servers:
        - {name: clock, enabled: true, image: mcp/clock, transport: http, path: "", mcp_path: /mcp}
        - {name: lost, enabled: true, image: mcp/lost, transport: stdio, path: "", mcp_path: /mcp}
      errors: []
    containers:
      endpoints:
        - {name: clock, container: c10c, address: 127.0.0.1, port: 20000, state: running}
        - {name: lost, container: 1057, address: 127.0.0.1, port: 20001, state: running}
      errors: []
    routes:
      public_url: "{{ clock }}"
      routes: [{name: clock, mcp_url: "{{ clock }}/mcp"}, {name: lost, mcp_url: "{{ clock }}/lost"}]
      errors: []
  tasks:
    - mcp.orchestrator.mcp_probe_info:
        endpoints:
          - {name: clock, url: "{{ clock }}/mcp", call: {tool: now, expect: "12:00"}}
          - {name: lost, url: "http://127.0.0.1:1/mcp", headers: {Authorization: "{{ lookup('env', 'LOST') }}"}}
      register: probe
    - mcp.orchestrator.mcp_state:
        path: "{{ path }}"
        started: "{{ now(utc=true).strftime('%Y-%m-%dT%H:%M:%S.%fZ') }}"
        settings: {service: {fleet: mcp, reconciliation_interval_seconds: 300}, dashboard: {path: /monitor}}
        config: "{{ config }}"
        containers: "{{ containers }}"
        routes: "{{ routes }}"
        retire: {changed: false, errors: []}
        probe: "{{ probe }}"
        fail_on_errors: true
"""


def play(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    (folder / "run.yml").write_text(PLAYBOOK)
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(PROJECT / "collections"), "ANSIBLE_NOCOLOR": "1"}
    environment["LOST"] = "Bearer of-bad-news"
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    ansible = Path(sys.executable).with_name("ansible-playbook")
    command = [ansible, "-i", "localhost,", "-e", f"ansible_python_interpreter={sys.executable}", *arguments, "run.yml"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory, time_server: str) -> subprocess.CompletedProcess[str]:
    """One run under Ansible, of a server that answers and one that does not."""
    folder = tmp_path_factory.mktemp("run")
    ended = play(folder, "-vvv", "-e", f"clock={time_server} path={folder}/state.json")
    ended.folder = folder  # type: ignore[attr-defined]
    return ended


@pytest.fixture
def state_file(run: Any) -> Path:
    return run.folder / "state.json"


def test_a_run_with_a_server_that_fails_ends_with_a_line_for_it(run: Any) -> None:
    assert run.returncode == 2
    assert "lost: connection refused: nothing listens on 127.0.0.1:1; check that the balancer runs" in run.stdout
    assert "1 of 2 servers answer, lost does not" in run.stdout


def test_no_header_is_seen_in_the_output_of_a_run(run: Any) -> None:
    assert "of-bad-news" not in run.stdout + run.stderr


def test_the_state_says_what_the_probe_met(state_file: Path) -> None:
    state = json.loads(state_file.read_text())
    clock, lost = state["servers"]
    assert clock["health"]["server"] == {"name": "clock", "version": "4.5.6"}
    assert (clock["health"]["status"], clock["health"]["tools"], clock["error"]) == ("ok", ["now"], None)
    assert lost["health"]["status"] == "failing"
    assert state["run"]["result"] == "failed"


def test_check_mode_leaves_the_state_as_it_is(tmp_path: Path, time_server: str) -> None:
    play(tmp_path, "--check", "-e", f"clock={time_server} path={tmp_path}/state.json")
    assert not (tmp_path / "state.json").exists()


def test_the_table_tells_the_same(state_file: Path) -> None:
    command = [sys.executable, "-m", "monitor.status", str(state_file)]
    table = subprocess.run(command, cwd=PROJECT / "files", capture_output=True, text=True, check=False)
    assert table.returncode == 1
    lines = table.stdout.splitlines()
    assert lines[1].split()[1:4] == ["clock", "answers", "1"]
    assert lines[2].split()[1:3] == ["lost", "failing"]


class Monitor:
    """A monitor in a process of its own."""

    def __init__(self, state_file: Path, folder: Path) -> None:
        users = folder / "monitor.users.json"
        users.touch()
        write_users(users, {"admin": Account(User("admin", "operate"), hashed(PASSWORD))})
        self.port = free_port()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "monitor", "--state", str(state_file), "--bind", f"127.0.0.1:{self.port}",
             "--path", "/monitor", "--users", str(users)],
            cwd=PROJECT / "files", stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        until(self.answers)

    def answers(self) -> bool:
        try:
            return self.get("/monitor/health", None)[0].status == 200
        except OSError:
            return False

    def get(self, path: str, password: str | None = PASSWORD) -> tuple[HTTPResponse, str]:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=60)
        headers = {}
        if password is not None:
            headers["Authorization"] = f"Basic {base64.b64encode(f'admin:{password}'.encode()).decode()}"
        connection.request("GET", path, headers=headers)
        response = connection.getresponse()
        body = response.read().decode()
        connection.close()
        return response, body


@pytest.fixture
def monitor(state_file: Path, tmp_path: Path) -> Iterator[Monitor]:
    running = Monitor(state_file, tmp_path)
    yield running
    running.process.kill()
    running.process.communicate()


def test_the_page_shows_the_run_to_who_knows_the_password(monitor: Monitor) -> None:
    assert monitor.get("/monitor", None)[0].status == 401
    assert monitor.get("/monitor", "wrong")[0].status == 401
    response, page = monitor.get("/monitor")
    assert response.status == 200
    assert "1 of 2 servers answer, lost does not" in page
    assert "clock 4.5.6" in page


def test_answers_do_not_tell_what_software_gives_them(monitor: Monitor) -> None:
    response, _page = monitor.get("/monitor")
    assert response.getheader("Server") is None
    assert "default-src 'none'" in (response.getheader("Content-Security-Policy") or "")


def test_the_state_comes_to_programs_too(monitor: Monitor, state_file: Path) -> None:
    assert json.loads(monitor.get("/monitor/state.json")[1]) == json.loads(state_file.read_text())


def test_health_answers_while_guessers_are_held_up(monitor: Monitor) -> None:
    guessers = [threading.Thread(target=monitor.get, args=("/monitor", "wrong")) for _ in range(8)]
    for guesser in guessers:
        guesser.start()
    assert monitor.get("/monitor/health", None)[0].status == 200
    assert any(guesser.is_alive() for guesser in guessers)
    for guesser in guessers:
        guesser.join()


def test_it_ends_when_it_is_told_to(monitor: Monitor) -> None:
    monitor.process.send_signal(signal.SIGTERM)
    assert monitor.process.wait(60) == 0
    assert "Traceback" not in (monitor.process.stderr.read() if monitor.process.stderr else "")
