"""What clients are told, in their own forms."""

from __future__ import annotations

import base64
import io
import json
import shlex
import tomllib
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml
from monitor import client_entries, client_file

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


def test_codex_gets_toml_with_tokens_by_the_names_of_variables() -> None:
    headers = {"Authorization": "Bearer ${TOKEN}", "X-Key": "${env:KEY}", "X-Team": 'a "b" \x7f\U0001f600'}
    told = tomllib.loads(client_entries.codex({**ENTRIES, "do.cs": {**HOSTED, "headers": headers}}))["mcp_servers"]
    assert told == {
        "time": {"url": HOSTED["url"]},
        "my-old": {
            "command": "npx",
            "args": ["-y", "mcp-remote", OLD["url"], "--allow-http", "--transport", "sse-only", "--header",
                     "X-Team:it's; $(mine)"],
        },
        "do-cs": {
            "url": HOSTED["url"],
            "bearer_token_env_var": "TOKEN",
            "http_headers": {"X-Team": headers["X-Team"]},
            "env_http_headers": {"X-Key": "KEY"},
        },
    }  # fmt: skip


def test_mcphub_gets_its_words_for_the_transports() -> None:
    servers = json.loads(client_entries.mcphub(ENTRIES))["mcpServers"]
    assert {name: entry["type"] for name, entry in servers.items()} == {"time": "streamable-http", "my-old": "sse"}


def test_contextforge_gets_gateways_to_import_and_no_header() -> None:
    guarded = {"type": "http", "url": "https://x/mcp", "headers": {"Authorization": "Bearer s3cret"}}
    document = json.loads(
        client_entries.context_forge({"do.cs": guarded, "old": {"type": "sse", "url": "https://x/sse"}})
    )
    there, old = document["entities"]["gateways"]
    assert (there["name"], there["transport"]) == ("do.cs", "STREAMABLEHTTP")
    assert "Authorization" in there["description"]
    assert "s3cret" not in json.dumps(document)
    assert old == {"name": "old", "url": "https://x/sse", "transport": "SSE"}


@pytest.mark.parametrize("client", client_entries.FILES)
def test_an_exported_file_is_put_into_the_form_of_each_client(
    client: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps({"$comment": "…", "mcpServers": ENTRIES})))
    assert client_file.main([client]) == 0
    assert HOSTED["url"] in capsys.readouterr().out


def test_a_client_that_is_not_known_is_told_those_that_are(capsys: pytest.CaptureFixture[str]) -> None:
    assert client_file.main(["emacs"]) == 2
    assert "claude-code, claude-desktop, codex" in capsys.readouterr().err


def test_litellm_gets_yaml_with_names_that_it_takes() -> None:
    assert yaml.safe_load(client_entries.lite_llm(ENTRIES)) == {
        "mcp_servers": {
            "time": {"url": HOSTED["url"], "transport": "http"},
            "my_old": {"url": OLD["url"], "transport": "sse", "static_headers": OLD["headers"]},
        }
    }
