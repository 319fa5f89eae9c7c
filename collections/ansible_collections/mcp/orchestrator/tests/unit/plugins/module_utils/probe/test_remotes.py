# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that run elsewhere are asked with their headers, and none of what may be a secret comes back."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe import remotes
from ansible_collections.mcp.orchestrator.plugins.module_utils.probe.module import run
from ansible_collections.mcp.orchestrator.tests.unit.plugins.module_utils.probe.scripted import (
    Request,
    Serve,
    answer,
    session_server,
)

TOKEN = "Bearer op3n-s3same-0pen"


def asked(folder: Path, entries: dict[str, Any], shown: dict[str, str] | None = None, **more: Any) -> Any:
    """The reports of the module on remote servers with these entries."""
    config = folder / "mcp.config.json"
    config.write_text(json.dumps({"mcpServers": entries}))
    plain = {
        "endpoints": [],
        "timeout": 5,
        "deadline": 20,
        "settle": 0,
        "schemas": False,
        "validate_certs": True,
        "tools_file": None,
        "group": None,
    }
    told = {"remotes": shown or dict.fromkeys(entries, "https://shown"), "config": [str(config)], "settings": None}
    return run({**plain, **told, **more}, check_mode=False)["remotes"]


def test_a_remote_server_is_asked_with_its_headers_and_tells_its_tools(serve: Serve, tmp_path: Path) -> None:
    server = serve(session_server())
    (report,) = asked(tmp_path, {"docs": {"url": server.url, "headers": {"Authorization": TOKEN}}})
    assert (report["state"], report["url"], report["server"]["name"]) == ("ok", "https://shown", "scripted")
    assert report["tools"]
    assert report["digests"].keys() == set(report["tools"])
    assert {request.headers["authorization"] for request in server.requests} == {TOKEN}


def test_a_header_may_be_a_reference(serve: Serve, tmp_path: Path) -> None:
    server = serve(session_server())
    (tmp_path / "token").write_text("fr0m-a-file\n")
    headers = {"Authorization": f"Bearer ${{file:{tmp_path}/token}}"}
    (report,) = asked(tmp_path, {"docs": {"url": server.url, "headers": headers}})
    assert report["state"] == "ok"
    assert {request.headers["authorization"] for request in server.requests} == {"Bearer fr0m-a-file"}


def test_without_the_value_of_a_header_nobody_is_asked(serve: Serve, tmp_path: Path) -> None:
    server = serve(session_server())
    (report,) = asked(tmp_path, {"docs": {"url": server.url, "headers": {"Authorization": "${NOBODY_SETS_THIS}"}}})
    assert (report["cause"], report["checked"], server.requests) == ("reference", None, [])
    assert "headers.Authorization: '${NOBODY_SETS_THIS}' is not set" in report["reason"]


def test_a_secret_that_the_server_quotes_is_not_repeated(serve: Serve, tmp_path: Path) -> None:
    def script(request: Request) -> Any:
        said = f"{request.headers['authorization']} at {request.path} is not known"
        return answer(500, {"error": said}, server="quoting")

    server = serve(script)
    url = server.url.replace("/time/", "/pl4in-path-t0ken/") + "?key=qu3ry-t0ken"
    (report,) = asked(tmp_path, {"docs": {"url": url, "headers": {"Authorization": TOKEN}}})
    assert report["state"] == "failing"
    told = json.dumps(report)
    assert "***" in told
    assert [each for each in ("s3same", "pl4in", "qu3ry") if each in told] == []


def test_a_refusal_wants_a_login(serve: Serve, tmp_path: Path) -> None:
    server = serve(lambda _request: answer(401, "", www_authenticate='Bearer resource_metadata="https://x"'))
    (report,) = asked(tmp_path, {"docs": {"url": server.url}})
    assert report["cause"] == "auth"
    assert "requires an authorization that the probe does not have (Bearer)" in report["reason"]


def test_slow_remote_servers_hold_nobody_beyond_their_own_time(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remotes, "SECONDS", 1.0)
    monkeypatch.setattr(remotes, "ALL_SECONDS", 1.5)
    silent = serve(lambda _request: iter(lambda: (silent.ended.wait(0.1) and b"") or b"", None))
    quick = serve(session_server())
    entries = {"quick": {"url": quick.url}} | {f"s{number}": {"url": silent.url} for number in range(2000)}
    began = time.monotonic()
    reports = {each["name"]: each for each in asked(tmp_path, entries)}
    assert time.monotonic() - began < 25  # one group of them after the other would take 30 s
    assert reports["quick"]["state"] == "ok"
    assert {reports[name]["cause"] for name in entries if name != "quick"} <= {"timeout", "deadline"}


def test_an_entry_that_has_gone_since_the_run_began_is_not_asked(tmp_path: Path) -> None:
    (report,) = asked(tmp_path, {}, {"docs": "https://docs.example.com"})
    assert report["reason"] == "its entry has changed since the run began"
