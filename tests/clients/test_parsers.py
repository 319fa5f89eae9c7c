"""What is exported for clients, read by the clients themselves, without a login or a server (make client-files).

Cursor, VS Code and Claude Desktop are in no package registry; their files are held to their documents alone.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from monitor.client_entries import FILES

from tests.conformance.node import CACHE, package

ENTRIES = {
    "time": {"type": "http", "url": "http://127.0.0.1:9/mcp/time/mcp", "autoApprove": ["now"]},
    "do.cs": {
        "type": "http",
        "url": "https://docs.example.com/mcp",
        "headers": {"Authorization": "Bearer ${DOCS_TOKEN}", "X-Key": "${KEY}", "X-Team": 'a "b"'},
    },
    "my-old": {"type": "sse", "url": "http://127.0.0.1:9/mcp/old/sse"},
}
PROGRAMS = ("@anthropic-ai/claude-code", "@google/gemini-cli", "@openai/codex")
Ask = Callable[..., str]


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Runs a client in an empty home and an empty project: what it prints."""
    folder = CACHE / "client-files"
    environment = package(folder, *PROGRAMS)

    def asked(program: str, *arguments: str) -> str:
        home = {"HOME": str(tmp_path), "CODEX_HOME": str(tmp_path / ".codex"), "NO_COLOR": "1"}
        run = subprocess.run(
            [str(folder / "node_modules/.bin" / program), *arguments],
            env={**environment, **home}, cwd=tmp_path, stdin=subprocess.DEVNULL, text=True,
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
        assert run.returncode == 0, run.stderr
        return run.stdout + ("" if "--json" in arguments else run.stderr)

    return asked


def written(path: Path, client: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(FILES[client](ENTRIES))


def test_codex_reads_its_file(ask: Ask, tmp_path: Path) -> None:
    written(tmp_path / ".codex/config.toml", "codex")
    found = {each["name"]: each["transport"] for each in json.loads(ask("codex", "mcp", "list", "--json"))}
    assert found["time"]["url"] == ENTRIES["time"]["url"]
    assert found["do-cs"] | {"url": ENTRIES["do.cs"]["url"]} == found["do-cs"]
    assert found["do-cs"]["bearer_token_env_var"] == "DOCS_TOKEN"
    assert found["do-cs"]["env_http_headers"] == {"X-Key": "KEY"}
    assert found["do-cs"]["http_headers"] == {"X-Team": 'a "b"'}
    assert (found["my-old"]["type"], found["my-old"]["command"]) == ("stdio", "npx")


@pytest.mark.parametrize(
    ("client", "program", "file"),
    [("gemini", "gemini", ".gemini/settings.json"), ("claude-code", "claude", ".mcp.json")],
)
def test_a_client_lists_the_servers_of_its_file(ask: Ask, tmp_path: Path, client: str, program: str, file: str) -> None:
    written(tmp_path / file, client)
    lines = {
        line.split(": ")[0].split(" ")[-1]: line.lower()
        for line in ask(program, "mcp", "list").splitlines()
        if ": " in line
    }
    for name, entry in ENTRIES.items():
        assert str(entry["url"]) in lines[name]
        assert f"({entry['type']})" in lines[name]
