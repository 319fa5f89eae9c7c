# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host asks its own metadata service who it is."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.error import AlbError
from ansible_collections.mcp.orchestrator.plugins.module_utils.alb.io.instance import (
    instance_id,
    private_address,
    region,
)


class Metadata(BaseHTTPRequestHandler):
    """Version 2 of the service: without a token of its own it says nothing."""

    answers: ClassVar[dict[str, bytes]] = {
        "instance-id": b"i-0123456789abcdef0",
        "local-ipv4": b"10.0.1.7",
        "placement/region": b"eu-central-1",
    }

    def do_PUT(self) -> None:
        known = self.path == "/latest/api/token" and self.headers.get("X-aws-ec2-metadata-token-ttl-seconds")
        self.reply(b"a-token" if known else None)

    def do_GET(self) -> None:
        known = self.headers.get("X-aws-ec2-metadata-token") == "a-token"
        self.reply(self.answers.get(self.path.removeprefix("/latest/meta-data/")) if known else None)

    def reply(self, body: bytes | None) -> None:
        self.send_response(401 if body is None else 200)
        self.end_headers()
        self.wfile.write(body or b"")

    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture
def metadata() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Metadata)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def test_a_host_learns_who_and_where_it_is_with_a_token(metadata: str) -> None:
    assert instance_id(metadata) == "i-0123456789abcdef0"
    assert private_address(metadata) == "10.0.1.7"
    assert region(metadata) == "eu-central-1"


def test_an_answer_that_is_none_is_refused(metadata: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Metadata, "answers", dict.fromkeys(Metadata.answers, b"<html>a portal</html>"))
    for ask, setting in ((instance_id, "instance_id"), (private_address, "target_address"), (region, "region")):
        with pytest.raises(AlbError, match=f"set {setting} under"):
            ask(metadata)


def test_a_host_without_the_service_is_told_what_to_set() -> None:
    with pytest.raises(AlbError, match=r"set instance_id under \[aws\] in settings.conf"):
        instance_id("http://127.0.0.1:9")
