# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""LiteLLM's admin API, asked with the key of the settings, which nobody else gets to see."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.common.module import result_of
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.secret import Secret
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.admin_api import AdminApi, AdminError
from ansible_collections.mcp.orchestrator.plugins.module_utils.litellm.module import run

KEY = "sk-s3same-0pen"


class LiteLlm(ThreadingHTTPServer):
    """Rows by id, and what it was asked. ``answer`` is a status and a body for everything, where it is not None."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.rows: dict[str, Any] = {}
        self.asked: list[str] = []
        self.answer: tuple[int, str] | None = None
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(BaseHTTPRequestHandler):
    server: LiteLlm

    def _handle(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or "null")
        self.server.asked.append(f"{self.command} {self.path}")
        if self.server.answer is not None:
            return self._say(*self.server.answer)
        if self.headers["authorization"] != f"Bearer {KEY}":
            return self._say(401, json.dumps({"error": {"message": f"no: {self.headers['authorization']}"}}))
        if self.command == "GET":
            return self._say(200, json.dumps(list(self.server.rows.values())))
        if self.command == "DELETE":
            del self.server.rows[self.path.rpartition("/")[2]]
        else:
            self.server.rows.setdefault(body["server_id"], {}).update(body)
        return self._say(202, "{}")

    do_GET = do_POST = do_PUT = do_DELETE = _handle

    def _say(self, status: int, text: str) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("location", "http://127.0.0.1:9/")
        self.send_header("content-length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_arguments: Any) -> None:
        """Says nothing."""


@pytest.fixture
def litellm() -> Iterator[LiteLlm]:
    server = LiteLlm()
    yield server
    server.shutdown()
    server.server_close()


def config(*names: str) -> dict[str, Any]:
    servers = [{"name": name, "image": "i", "path": f"/mcp/{name}", "isolation": "pooled"} for name in names]
    empty: dict[str, Any] = {
        "errors": [],
        "headers": {},
        "clients": {},
        "remotes": [],
        "entries": dict.fromkeys(names, "1"),
    }
    return {**empty, "servers": servers, "settings": {"routes": {"auth": "none"}}}


def told(litellm: LiteLlm, folder: Path, *names: str, check: bool = False, **more: Any) -> dict[str, Any]:
    (folder / "key").write_text(f"{KEY}\n")
    (folder / "key").chmod(0o600)
    (folder / "settings.conf").write_text(f"[litellm]\nurl = {litellm.url}/\nkey = ${{file:{folder}/key}}\n")
    arguments = {
        "settings": str(folder / "settings.conf"), "config": config(*names), "public_url": "http://lb",
        "memory": str(folder / "memory.json"), "state": "present", **more,
    }  # fmt: skip
    result = result_of(run, arguments, check)
    assert KEY not in json.dumps(result)
    return result


def test_servers_are_made_changed_and_removed_by_our_mark_alone(litellm: LiteLlm, tmp_path: Path) -> None:
    litellm.rows["theirs"] = {"server_id": "theirs", "server_name": "theirs", "mcp_info": None}
    assert told(litellm, tmp_path, "time", "my-docs")["changed"] is True
    names = {row["server_name"] for row in litellm.rows.values()}
    assert names == {"theirs", "time", "my_docs"}
    assert told(litellm, tmp_path, "time", "my-docs")["changed"] is False
    litellm.asked.clear()
    assert told(litellm, tmp_path, "time", public_url="http://other")["changed"] is True
    assert [each.split()[0] for each in litellm.asked] == ["GET", "DELETE", "PUT"]
    assert told(litellm, tmp_path, state="absent")["changed"] is True
    assert list(litellm.rows) == ["theirs"]


def test_check_mode_asks_and_changes_nothing(litellm: LiteLlm, tmp_path: Path) -> None:
    result = told(litellm, tmp_path, "time", check=True)
    assert (result["changed"], litellm.rows, litellm.asked) == (True, {}, ["GET /v1/mcp/server"])
    assert result["diff"]["after"].startswith("time: http http://lb/mcp/time/mcp")


def test_a_name_that_litellm_has_for_another_is_an_error(litellm: LiteLlm, tmp_path: Path) -> None:
    litellm.rows["1"] = {"server_id": "1", "server_name": "x", "alias": "time", "mcp_info": {}}
    result = told(litellm, tmp_path, "time", "docs")
    assert result["errors"][0]["server"] == "time"
    assert "docs" in {row["server_name"] for row in litellm.rows.values()}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ((401, f"Received {KEY}"), "401: the key of [litellm] is none of a proxy admin; name another"),
        ((500, json.dumps({"detail": {"error": f"Database not connected {KEY}"}})), "500: Database not connected …"),
        ((302, ""), "302: "),
        ((200, "<html>"), "the answer is no JSON; is it LiteLLM?"),
        ((200, '{"a": 1}'), "answers no list of servers; is it LiteLLM?"),
    ],
)
def test_what_litellm_refuses_is_told_without_the_key(
    litellm: LiteLlm, tmp_path: Path, answer: tuple[int, str], reason: str
) -> None:
    litellm.answer = answer
    result = told(litellm, tmp_path, "time")
    assert result["failed"] is True
    assert reason in result["msg"]
    assert litellm.url in result["msg"]


def test_without_litellm_the_address_is_named() -> None:
    with pytest.raises(AdminError, match=r"http://127.0.0.1:9: GET /v1/mcp/server: no answer: .*refused"):
        AdminApi("http://127.0.0.1:9", Secret(KEY)).servers()
