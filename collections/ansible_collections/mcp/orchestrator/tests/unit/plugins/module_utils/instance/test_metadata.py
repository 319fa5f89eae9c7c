# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service of our own that answers as EC2's does, with the options that a test gives it."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.instance.metadata import (
    DISABLED,
    Seen,
    ask,
    is_worth_asking,
    warnings,
)

TOKEN = "token-of-the-test"
DATA = {"/latest/meta-data/placement/region": "eu-central-1", "/latest/meta-data/instance-id": "i-0123456789abcdef0"}
Service = Callable[..., tuple[str, int]]


class Handler(BaseHTTPRequestHandler):
    def setup(self) -> None:
        super().setup()
        # As EC2 does it: all that the service sends in answer has the hop limit as its time to live.
        self.connection.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, self.server.hop_limit)

    def do_PUT(self) -> None:
        self.say(200 if self.server.is_on and self.path == "/latest/api/token" else 403, TOKEN)

    def do_GET(self) -> None:
        given = self.headers.get("X-aws-ec2-metadata-token")
        if given != TOKEN and not (given is None and self.server.open_to_all):
            self.say(401, "")
        else:
            self.say(200, DATA.get(self.path, "ami-id"))

    def say(self, status: int, text: str) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: object) -> None:
        """Say nothing."""


class Server(ThreadingHTTPServer):
    daemon_threads = True
    open_to_all = False
    is_on = True
    hop_limit = 1


@pytest.fixture
def service() -> Iterator[Service]:
    running: list[Server] = []

    def start(**options: int) -> tuple[str, int]:
        server = Server(("127.0.0.1", 0), Handler)
        vars(server).update(options)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        running.append(server)
        return "127.0.0.1", server.server_address[1]

    yield start
    for server in running:
        server.shutdown()
        server.server_close()


@pytest.mark.parametrize(("hop_limit", "further"), [(1, False), (2, True), (64, True)])
def test_the_hop_limit_shows_in_what_a_socket_takes(service: Service, hop_limit: int, further: bool) -> None:
    seen = ask(service(hop_limit=hop_limit))
    assert seen is not None
    assert (seen.token_comes_further, seen.answers_without_token) == (further, False)


def test_an_answer_without_a_token_is_seen(service: Service) -> None:
    assert ask(service(open_to_all=True)) == Seen(True, False, "eu-central-1", "i-0123456789abcdef0")


def test_a_service_that_is_off_or_missing_is_none(service: Service) -> None:
    assert ask(service(is_on=False)) is None
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        assert ask(("127.0.0.1", taken.getsockname()[1])) is None


def test_a_host_that_never_answers_costs_half_a_second() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        begun = time.monotonic()
        assert ask(silent.getsockname()) is None
        assert time.monotonic() - begun < 30


def test_good_options_and_no_service_say_nothing() -> None:
    assert warnings(None) == warnings(Seen(False, False)) == []


def test_a_warning_tells_what_is_open_and_the_command_that_closes_it() -> None:
    (warning,) = warnings(Seen(True, True, "eu-central-1", "i-0123456789abcdef0"))
    assert "answers without a token (IMDSv1)" in warning
    assert "; and it sends its tokens further than to this host (hop limit over 1)" in warning
    assert warning.endswith(
        "Do: aws ec2 modify-instance-metadata-options --region eu-central-1 --instance-id i-0123456789abcdef0"
        " --http-tokens required --http-put-response-hop-limit 1"
    )
    (one,) = warnings(Seen(False, True))
    assert "IMDSv1" not in one
    assert "--region REGION --instance-id INSTANCE" in one


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("class/dmi/id/sys_vendor", "Amazon EC2\n"),
        ("class/dmi/id/board_vendor", "Amazon EC2\n"),
        ("hypervisor/uuid", "ec2e1916-9099-7caf-fd21-012345abcdef\n"),
    ],
)
def test_an_ec2_instance_is_known_by_its_hardware(tmp_path: Path, path: str, text: str) -> None:
    assert not is_worth_asking(False, str(tmp_path))
    (tmp_path / path).parent.mkdir(parents=True)
    (tmp_path / path).write_text(text)
    assert is_worth_asking(False, str(tmp_path))


def test_a_host_behind_a_load_balancer_of_aws_is_asked_unless_asking_is_off(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_worth_asking(True, str(tmp_path))
    monkeypatch.setenv(DISABLED, "true")
    assert not is_worth_asking(True, str(tmp_path))
