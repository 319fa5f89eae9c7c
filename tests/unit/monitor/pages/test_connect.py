"""The page with what clients need."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from monitor.pages.connect import connect_view, page
from monitor.sources import Sources
from monitor.state import parse_state
from monitor.web import Request

from tests.unit.monitor import samples
from tests.unit.monitor.pages.test_overview import read

FLEET = samples.state([samples.server("time"), samples.disabled("old")], remotes=[samples.remote("docs")])


def shown(folder: Path, **query: str) -> str:
    (folder / "state.json").write_text(json.dumps(FLEET))
    request = Request(query={name: (value,) for name, value in query.items()})
    return str(page(request, Sources(folder / "state.json", folder)).body)


def test_all_servers_come_in_one_file_for_each_client() -> None:
    view = connect_view(parse_state(json.dumps(FLEET).encode()))
    clients = ["Claude Code", "Claude Desktop", "Cursor", "VS Code", "Codex", "Gemini CLI", "LiteLLM", "MCPHub"]
    assert [each.client for each in view.recipes] == [*clients, "ContextForge"]
    assert all("/mcp/time" in each.text and each.link is None for each in view.recipes)
    assert [each.server for each in view.links] == ["docs", "time"]
    assert view.left_out == ["old"]


def test_one_server_comes_with_links_that_install_it(tmp_path: Path) -> None:
    body = shown(tmp_path, server="time")
    assert re.findall(r'href="(cursor|vscode):', body) == ["cursor", "vscode"]
    assert "docs.example.com" not in body
    assert "claude mcp add --transport http time" in read(body)


def test_a_server_that_is_off_has_nothing_for_clients(tmp_path: Path) -> None:
    body = shown(tmp_path, server="old")
    assert "Not for clients now old" in read(body)
    assert "<pre" not in body


@pytest.mark.parametrize("name", ["other", "../time"])
def test_a_server_that_is_none_has_no_page(tmp_path: Path, name: str) -> None:
    body = shown(tmp_path, server=name)
    assert f"There is no server {name}" in read(body)
    assert "claude mcp add" not in body


def test_without_a_state_the_page_says_so(tmp_path: Path) -> None:
    answer = page(Request(), Sources(tmp_path / "none.json", tmp_path))
    assert "No run has been reported yet" in str(answer.body)
