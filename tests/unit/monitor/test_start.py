"""With what the monitor starts, and what it refuses to start with."""

from __future__ import annotations

import base64
import json
import logging
import signal
import socket
import subprocess
import sys
from pathlib import Path

import monitor.start
import pytest
from monitor.access.passwords import hashed
from monitor.access.users import Account, User, write_users
from monitor.start import address, main

from tests.unit.monitor import samples
from tests.unit.monitor.access.accounts import write_accounts

FILES = Path(__file__).parents[3] / "files"


@pytest.fixture
def users(tmp_path: Path) -> Path:
    return write_accounts(tmp_path / "users.json", admin=("sesame", "operate"))


def started(users: Path, *arguments: str) -> int | str | None:
    with pytest.raises(SystemExit) as ended:
        main(["--state", "/nowhere/state.json", "--users", str(users), *arguments])
    return ended.value.code


def test_it_does_not_start_without_users(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert started(tmp_path / "none") == 2
    assert capsys.readouterr().err == (
        f"monitor: {tmp_path}/none cannot be read: No such file or directory; setup.sh makes it\n"
    )


@pytest.mark.parametrize("content", [b"", b"\n", b"[]", b"\xff\xfe", b'{"version": 2, "users": {}}'])
def test_it_does_not_start_with_a_file_of_something_else(
    users: Path, capsys: pytest.CaptureFixture[str], content: bytes
) -> None:
    users.write_bytes(content)
    assert started(users) == 2
    assert "remove it, run setup.sh, and make the others again" in capsys.readouterr().err


def test_it_does_not_start_with_users_that_everybody_can_read(users: Path, capsys: pytest.CaptureFixture[str]) -> None:
    users.chmod(0o644)
    assert started(users) == 2
    assert f"run: chmod 640 {users}" in capsys.readouterr().err


def test_a_port_that_is_taken_is_told_in_one_line(users: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert started(users, "--bind", f"127.0.0.1:{port}") == 2
    assert capsys.readouterr().err == f"monitor: cannot listen on 127.0.0.1:{port}: Address already in use\n"


@pytest.mark.parametrize("bind", ["8482", ":8482", "host:", "host:http", "host:70000"])
def test_an_address_that_is_none_is_refused(users: Path, bind: str) -> None:
    assert started(users, "--bind", bind) == 2


@pytest.mark.parametrize("path", ["monitor", "/a b", "/<x>", "/a?b"])
def test_a_path_that_is_none_is_refused(users: Path, path: str) -> None:
    assert started(users, "--path", path) == 2


def test_an_address_may_be_of_ipv6() -> None:
    assert address("[::1]:8482") == ("::1", 8482)
    assert address("0.0.0.0:80") == ("0.0.0.0", 80)


@pytest.mark.parametrize(("level", "said"), [("DEBUG", True), ("INFO", True), ("WARNING", False), ("ERROR", False)])
def test_it_logs_as_much_as_its_level_says(
    users: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, level: str, said: bool
) -> None:
    monkeypatch.setattr(monitor.start, "make_server", lambda *_arguments: None)
    monkeypatch.setattr(monitor.start, "serve", lambda _server: None)
    logger = logging.getLogger("monitor")
    try:
        assert started(users, "--log-level", level) == 0
        assert ("serving /nowhere/state.json at http://127.0.0.1:8482/monitor" in caplog.text) is said
    finally:
        logger.setLevel(logging.NOTSET)


def test_it_stops_at_once_while_clients_are_slow(users: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    state = tmp_path / "state.json"
    state.write_bytes(json.dumps(samples.three_servers()).encode() + b" " * (20 << 20))  # more than a socket takes
    write_users(users, {"admin": Account(User("admin", "view"), hashed("sesame"))})
    login = base64.b64encode(b"admin:sesame").decode()
    request = f"GET /monitor/state.json HTTP/1.1\r\nHost: x\r\nAuthorization: Basic {login}\r\n\r\n".encode()
    options = ["--state", str(state), "--users", str(users), "--bind", f"127.0.0.1:{port}"]
    with subprocess.Popen([sys.executable, "-m", "monitor", *options], cwd=FILES, stderr=subprocess.PIPE) as monitor:
        assert monitor.stderr is not None
        assert b"serving" in monitor.stderr.readline()
        with socket.create_connection(("127.0.0.1", port)), socket.create_connection(("127.0.0.1", port)) as slow:
            slow.sendall(request * 4)
            assert slow.recv(15) == b"HTTP/1.1 200 OK"
            monitor.send_signal(signal.SIGTERM)
            # Both connections are still open: nobody was waited for.
            assert (monitor.wait(60), monitor.stderr.read()) == (0, b"")
