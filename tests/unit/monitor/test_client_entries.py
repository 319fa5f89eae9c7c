"""What clients are told, in their own forms."""

from __future__ import annotations

import base64
import json
import shlex
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml
from monitor import client_entries

HOSTED = {"type": "http", "url": "https://mcp.example.com/mcp/time/mcp", "autoApprove": ["now"]}
OLD = {"type": "sse", "url": "http://10.0.0.7/mcp/old/sse", "headers": {"X-Team": "it's; $(mine)"}}
ENTRIES = {"time": HOSTED, "my-old": OLD}


def test_claude_code_gets_commands_that_a_shell_reads_as_they_are_meant() -> None:
    first, second = client_entries.claude_code(ENTRIES).splitlines()
    assert first == "claude mcp add --transport http time https://mcp.example.com/mcp/time/mcp"
    words = ["claude", "mcp", "add", "--transport", "sse", "my-old", OLD["url"], "--header", "X-Team: it's; $(mine)"]
    assert shlex.split(second) == words


def test_claude_desktop_goes_by_a_proxy() -> None:
    servers = json.loads(client_entries.claude_desktop(ENTRIES))["mcpServers"]
    assert servers["time"] == {"command": "npx", "args": ["-y", "mcp-remote", HOSTED["url"]]}
    assert servers["my-old"]["args"][3:] == [
        "--allow-http", "--transport", "sse-only", "--header", "X-Team:it's; $(mine)",
    ]  # fmt: skip


@pytest.mark.parametrize("url", ["http://127.0.0.1:8080/mcp/time/mcp", "http://localhost/mcp", "http://[::1]/mcp"])
def test_the_proxy_may_speak_http_with_this_machine_anyway(url: str) -> None:
    assert "--allow-http" not in client_entries.claude_desktop({"time": {"type": "http", "url": url}})


def test_the_files_of_editors_hold_what_they_read() -> None:
    assert json.loads(client_entries.cursor(ENTRIES))["mcpServers"]["time"] == {"url": HOSTED["url"]}
    servers = json.loads(client_entries.vs_code(ENTRIES))["servers"]
    assert servers["my-old"] == {"type": "sse", "url": OLD["url"], "headers": OLD["headers"]}


def test_links_carry_the_same_entry() -> None:
    cursor = urlsplit(client_entries.cursor_link("time", HOSTED))
    query = parse_qs(cursor.query)
    assert (cursor.scheme, cursor.netloc, cursor.path) == ("cursor", "anysphere.cursor-deeplink", "/mcp/install")
    assert query["name"] == ["time"]
    assert json.loads(base64.b64decode(query["config"][0])) == {"url": HOSTED["url"]}
    link = client_entries.vs_code_link("my-old", OLD)
    assert link.startswith("vscode:mcp/install?")
    assert json.loads(unquote(link.partition("?")[2])) == {
        "name": "my-old", "type": "sse", "url": OLD["url"], "headers": OLD["headers"],
    }  # fmt: skip


def test_litellm_gets_yaml_with_names_that_it_takes() -> None:
    assert yaml.safe_load(client_entries.lite_llm(ENTRIES)) == {
        "mcp_servers": {
            "time": {"url": HOSTED["url"], "transport": "http"},
            "my_old": {"url": OLD["url"], "transport": "sse", "static_headers": OLD["headers"]},
        }
    }
