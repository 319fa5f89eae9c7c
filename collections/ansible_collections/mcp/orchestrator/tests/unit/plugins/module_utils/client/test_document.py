# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What clients are told of the servers, with consent to tell secrets and without."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.client.document import (
    ClientConfig,
    client_config,
    report,
)
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.fleet import load_remotes, read_fleet
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.secrets.resolver import EmptyResolver, Resolver

URL = "http://127.0.0.1:8080/mcp/time/mcp"
TIME = {"command": "docker", "args": ["run", "-i", "-e", "TOKEN", "mcp/time"], "env": {"TOKEN": "canary-env"}}


def told(
    folder: Path, entries: dict[str, Any], *, consent: bool = False, urls: dict[str, str] | None = None
) -> ClientConfig:
    path = folder / "mcp.config.json"
    path.write_text(json.dumps({"mcpServers": entries}))
    resolver = Resolver(environment={"TOKEN": "canary-environment"})
    values = load_remotes([str(path)], None, resolver) if consent else None
    fleet = read_fleet([str(path)], None, b"k" * 32, EmptyResolver())
    return client_config(fleet, {"time": URL} if urls is None else urls, values)


def test_a_server_that_runs_here_is_told_by_its_address_with_what_is_for_clients(tmp_path: Path) -> None:
    config = told(tmp_path, {"time": {**TIME, "autoApprove": ["now"], "timeout": 60, "description": "The time"}})
    assert config.servers == {
        "time": {"type": "http", "url": URL, "autoApprove": ["now"], "timeout": 60, "description": "The time"}
    }
    assert config.left_out == []


def test_a_server_that_speaks_sse_is_told_as_one(tmp_path: Path) -> None:
    entry = {"command": "docker", "args": ["run", "-p", "80:80", "a"], "orchestrator": {"transport": "sse"}}
    assert told(tmp_path, {"time": entry}).servers["time"]["type"] == "sse"


def test_what_is_off_wrong_or_without_a_route_is_left_out_with_the_reason(tmp_path: Path) -> None:
    entries = {
        "off": {**TIME, "disabled": True},
        "far": {"url": "https://a.example.com/mcp", "disabled": True},
        "new": TIME,
        "bad": {"command": "docker"},
    }
    config = told(tmp_path, entries, urls={})
    assert config.servers == {}
    assert report(config) == [
        "no server is included",
        "left out: bad: its entry has an error; make check-config shows it",
        "left out: new: the last run has no route for it; run the site playbook",
        "left out: off: it is disabled",
        "left out: far: it is disabled",
    ]


@pytest.mark.parametrize(
    "header",
    ["Bearer canary", "canary", "${file:/run/canary}", "${ssm:/canary}", "${TOKEN:-canary}", "Bearer ${TOKEN}-canary"],
)
def test_a_header_is_not_told_without_consent(tmp_path: Path, header: str) -> None:
    entry = {"url": "https://a.example.com/mcp", "headers": {"X-Any": header}}
    config = told(tmp_path, {"a": entry})
    assert config.servers == {"a": {"type": "http", "url": "https://a.example.com/mcp"}}
    assert report(config)[1:] == ["left out: a: headers.X-Any: it may be a secret; export with secrets to include it"]


@pytest.mark.parametrize("header", ["Bearer ${TOKEN}", "${env:TOKEN}", "token ${TOKEN}"])
def test_a_reference_to_a_clients_own_variable_is_told_as_it_is(tmp_path: Path, header: str) -> None:
    config = told(tmp_path, {"a": {"url": "https://a.example.com/mcp", "headers": {"Authorization": header}}})
    assert config.servers["a"]["headers"] == {"Authorization": header}
    assert config.left_out == []


@pytest.mark.parametrize(
    "url",
    [
        "https://user:canary@a.example.com/mcp",
        "https://a.example.com/mcp?api_key=canary",
        "https://a.example.com/mcp?k=c4n4ry0123456789abcdef",
        "https://a.example.com/c4n4ry0123456789abcdef/mcp",
        "https://a.example.com/mcp?key=${TOKEN:-canary}",
        "https://a.example.com/mcp#canary",
    ],
)
def test_an_address_that_may_hold_a_secret_is_not_told_without_consent(tmp_path: Path, url: str) -> None:
    config = told(tmp_path, {"a": {"url": url}})
    assert config.servers == {}
    assert "canary" not in str(config)
    assert "c4n4ry" not in str(config)


def test_a_harmless_query_belongs_to_the_address(tmp_path: Path) -> None:
    url = "https://mcp.example.com/mcp?project_ref=${PROJECT_REF}&read_only=true&features=docs,database"
    assert told(tmp_path, {"a": {"url": url}}).servers["a"]["url"] == url


def test_with_consent_everything_is_told(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("canary-file\n")
    remote = {
        "url": "https://a.example.com/mcp?key=canary",
        "headers": {"A": "Bearer ${TOKEN}", "B": f"${{file:{tmp_path}/secret}}", "C": "canary-plain"},
        "oauth": {"clientSecret": "canary-oauth"},
    }
    config = told(tmp_path, {"a": remote, "time": {**TIME, "displayName": "Clock"}}, consent=True)
    assert config.left_out == []
    assert config.servers == {
        "a": {
            "type": "http",
            "url": "https://a.example.com/mcp?key=canary",
            "headers": {"A": "Bearer canary-environment", "B": "canary-file", "C": "canary-plain"},
            "oauth": {"clientSecret": "canary-oauth"},
        },
        "time": {"type": "http", "url": URL, "displayName": "Clock"},
    }


def test_a_reference_that_this_host_does_not_know_is_left_to_the_client_or_out(tmp_path: Path) -> None:
    headers = {"A": "Bearer ${NOBODY_KNOWS}", "B": "${file:/none/such}"}
    config = told(tmp_path, {"a": {"url": "https://a.example.com/mcp", "headers": headers}}, consent=True)
    assert config.servers["a"]["headers"] == {"A": "Bearer ${NOBODY_KNOWS}"}
    assert report(config)[1:] == [
        "left out: a: headers.B: '${file:/none/such}' cannot be read on the host: No such file or directory"
    ]


def test_no_variable_of_a_server_is_told_even_with_consent(tmp_path: Path) -> None:
    assert "canary" not in json.dumps(told(tmp_path, {"time": TIME}, consent=True).servers)


def test_a_proxied_server_is_told_with_the_token_that_its_entry_holds(tmp_path: Path) -> None:
    entry = {
        "command": "npx",
        "args": ["mcp-remote", "https://a.example.com/mcp", "--header", "Authorization: Bearer ${AUTH}"],
        "env": {"AUTH": "canary-own"},
    }
    assert "headers" not in told(tmp_path, {"a": entry}).servers["a"]
    full = told(tmp_path, {"a": entry}, consent=True).servers["a"]
    assert full["headers"] == {"Authorization": "Bearer canary-own"}
