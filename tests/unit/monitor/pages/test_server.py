"""The page of one server."""

from __future__ import annotations

import html
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from monitor.pages import server as page_of_server
from monitor.pages.unknown import like
from monitor.sources import Sources
from monitor.web import Request
from watcher.disk import Disk
from watcher.happenings import Happenings

from tests.monitor_data.site import make_site
from tests.unit.monitor import samples
from tests.unit.monitor.pages.test_overview import EXCEPTIONS, HOSTILE, read

NOW = samples.FINISHED + timedelta(minutes=3)


def shown(folder: Path, document: dict[str, Any], name: str, now: datetime = NOW) -> str:
    (folder / "state.json").write_text(json.dumps(document))
    answer = page_of_server.page(Request(arguments={"name": name}, now=now), Sources(folder / "state.json", folder))
    return str(answer.body)


def of(folder: Path, **changes: Any) -> str:
    return shown(folder, samples.state([samples.server("time", 7, **changes)]), "time")


def test_a_server_shows_all_that_belongs_to_it(tmp_path: Path) -> None:
    text = read(of(tmp_path))
    for fact in (
        "http://127.0.0.1:8080/mcp/time/mcp", "get_current_time", "mcp-time, running", "mcp/time:latest",
        "127.0.0.1:20007", "mcp-time 1.2.3", "MCP 2025-11-25", "answered in 19 ms", "docker logs mcp-time", "2 tools",
    ):  # fmt: skip
        assert fact in text


def test_each_exception_has_a_line_of_its_own(tmp_path: Path) -> None:
    (block,) = re.findall(r'<ul class="exceptions".*?</ul>', of(tmp_path, exceptions=EXCEPTIONS), re.DOTALL)
    assert re.findall("<li>(.*?)</li>", html.unescape(block)) == EXCEPTIONS


def test_a_server_shows_what_became_of_its_entry(tmp_path: Path) -> None:
    text = read(
        of(
            tmp_path, transport="sse", port=8000,
            package={"name": "mcp-server-time", "version": "2026.1.26", "digest": None},
            exceptions=["a writable root"], notes=["args[1]: '--rm' is ignored", "cwd: is ignored"],
        )
    )  # fmt: skip
    for fact in (
        "--zone Etc/UTC", "sse, on port 8000 of its container", "mcp-server-time 2026.1.26",
        "512 MiB of memory, 1 core, 256 processes", "a writable root", "args[1]: '--rm' is ignored cwd: is ignored",
    ):  # fmt: skip
        assert fact in text


@pytest.mark.parametrize(
    ("network", "told"),
    [
        ("internet", "Network reach anywhere"),
        ("none", "Network reach nowhere"),
        ("fleet", "Network reach only servers of its fleet that have network fleet too"),
        (["api.github.com", "10.0.0.0/8"], "Network reach only api.github.com, 10.0.0.0/8"),
        ("corp", "Network reach as network corp lets it"),
    ],
)
def test_a_server_shows_where_it_may_go(tmp_path: Path, network: str | list[str], told: str) -> None:
    assert told in read(of(tmp_path, network=network))


def test_a_remote_server_has_a_page_too(tmp_path: Path) -> None:
    text = read(shown(tmp_path, samples.state([], remotes=[samples.remote("docs")]), "docs"))
    for fact in ("Remote server", "docs: answers", "https://docs.example.com/mcp", "Clients send Authorization"):
        assert fact in text
    assert "Last calls" not in text


@pytest.mark.parametrize("name", ["other", "..", "../time", "", "time/", "TIME"])
def test_a_name_that_the_state_does_not_hold_has_no_page(tmp_path: Path, name: str) -> None:
    (tmp_path / "state.json").write_text(json.dumps(samples.state([samples.server("time")])))
    sources = Sources(tmp_path / "state.json", tmp_path)
    answer = page_of_server.page(Request(arguments={"name": name}, now=NOW), sources)
    assert answer.status == 404
    assert '<a href="/monitor/servers/time">time</a>' in str(answer.body)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("tme", ["time", "times-2"]),
        ("GITHUB", ["github", "github-2"]),
        ("hub", ["github", "github-2"]),
        ("qqqq", []),
        ("", []),
        ("t" * 100_000, []),
    ],
)
def test_names_that_are_like_a_wrong_one_are_found(name: str, found: list[str]) -> None:
    assert like(name, ["time", "times-2", "github", "github-2", "Wiki"]) == found


def test_the_page_of_a_wrong_name_leads_to_those_that_are_like_it(tmp_path: Path) -> None:
    fleet = samples.state(
        [samples.server(f"server-{number}") for number in range(60)], remotes=[samples.remote("docs")]
    )
    text = shown(tmp_path, fleet, "dcos")
    assert "There is no server dcos" in text
    assert 'Its name is like <a href="/monitor/servers/docs">docs</a>.' in text
    assert "All 61 servers" in text
    assert "/servers/server-" not in shown(tmp_path, fleet, "qqqq")


def test_once_runs_have_been_missing_for_long_nothing_is_called_well(tmp_path: Path) -> None:
    fleet = samples.state([samples.server("time"), samples.failing("lost", "it ended")])
    late = NOW + timedelta(hours=5)
    assert "verdict none" in (text := shown(tmp_path, fleet, "time", late))
    assert "time: answers, as of 5 hours ago" in read(text)
    assert "verdict critical" in shown(tmp_path, fleet, "lost", late)


def test_nothing_of_a_hostile_server_becomes_markup(tmp_path: Path) -> None:
    hostile = samples.server(
        HOSTILE, image=HOSTILE, error=HOSTILE, command=[HOSTILE], notes=[HOSTILE], exceptions=[HOSTILE], group=HOSTILE,
        health={"tools": [HOSTILE], "server": {"name": HOSTILE, "version": HOSTILE}, "reason": HOSTILE},
    )  # fmt: skip
    page = shown(tmp_path, samples.state([hostile]), HOSTILE)
    assert "<script>" not in page
    assert "<img" not in page
    assert not re.search(r'href="[^"]*[<>]', page)


def test_without_a_state_the_page_says_so(tmp_path: Path) -> None:
    answer = page_of_server.page(Request(arguments={"name": "time"}), Sources(tmp_path / "state.json", tmp_path))
    assert answer is not None
    assert "No run has been reported yet" in str(answer.body)


def test_a_tool_is_shown_with_its_schema_and_nothing_of_it_becomes_markup(tmp_path: Path) -> None:
    tool = {"name": "convert_time", "title": None, "description": HOSTILE, "input": {"properties": {HOSTILE: {}}}}
    (tmp_path / "tools.json").write_text(
        json.dumps({"version": 1, "servers": {"time": {"digest": "0", "tools": [tool]}}})
    )
    page = of(tmp_path)
    assert "<pre>{" in page
    assert "properties" in read(page)
    assert "<script>" not in page


@pytest.mark.parametrize("content", ["", "[]", '{"version": 2}', '{"version": 1, "servers": {"time": [{}]}}'])
def test_a_tools_file_of_something_else_leaves_the_names(tmp_path: Path, content: str) -> None:
    (tmp_path / "tools.json").write_text(content)
    assert "2 tools get_current_time convert_time" in read(of(tmp_path))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_site(tmp_path_factory.mktemp("site"), servers=12, days=3, now=1_790_000_123, lines=60, calls=300)


def test_a_server_with_a_past_shows_it(site: Path) -> None:
    sources = Sources(site / "state.json", site)
    now = datetime.fromtimestamp(1_790_000_130, UTC)
    state = sources.state()
    (failing,) = [each for each in state.servers if each.condition == "failing"]
    answer = page_of_server.page(Request(arguments={"name": failing.name}, now=now), sources)
    assert answer is not None
    text = read(str(answer.body))
    for part in (
        "Last 24 hours", "nothing recorded 1 hour", "failing 40 minutes", "CPU , 6 hours: mean",
        "Memory , 30 days: mean",
        "Containers Generation", "running serves", "What happened", "its run", "Last lines of its log",
    ):  # fmt: skip
        assert part in text, part
    assert "canary" not in str(answer.body)


def test_a_server_in_a_cluster_shows_its_pods_what_happened_and_that_nothing_is_measured(
    tmp_path: Path,
) -> None:
    pod = {"name": "mcp-time-1", "node": "node-a", "state": "CrashLoopBackOff: back-off 40s", "restarts": 7}
    each = {"id": "0" * 32, "generation": "g", "replica": "1", "is_running": False, "port": None, "pod": pod}
    (tmp_path / "samples").mkdir()
    (tmp_path / "samples" / "containers.json").write_text(json.dumps({"version": 1, "servers": {"time": [each]}}))
    Happenings(tmp_path, Disk(tmp_path)).tell("time", "restarted", "pod mcp-time-1: <b>restart 7</b>", {"restarts": 7})
    container = {"id": "deployment/mcp-time", "name": "mcp-time", "logs": "kubectl -n mcp logs deployment/mcp-time"}
    page = of(tmp_path, container=container)
    text = read(page)
    for fact in (
        "Deployment mcp-time, running", "kubectl -n mcp logs deployment/mcp-time",
        "node-a mcp-time-1 7 CrashLoopBackOff",
        "restarted pod mcp-time-1: <b>restart 7</b> between runs", "the cluster has no metrics of them",
    ):  # fmt: skip
        assert fact in text
    assert "Container id" not in text
    assert "<b>restart" not in page
