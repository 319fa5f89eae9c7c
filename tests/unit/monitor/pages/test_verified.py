"""The page of verifications."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from monitor.pages import verified
from monitor.sources import Sources
from monitor.web import Request

NOW = datetime(2026, 11, 29, 7, 0, tzinfo=UTC)
SCHEMA = json.loads((Path(__file__).resolve().parents[4] / "files/verification.schema.json").read_text())


def server(name: str, verdict: str = "passed", changes: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    case = {
        "file": "a.yml",
        "name": "knows <b>tea</b>",
        "protocol": "auto",
        "verdict": verdict,
        "tries": 1,
        "seconds": 0.25,
        "failures": [] if verdict == "passed" else ["step 1 call_tool price: error tool: no tea"],
        "steps": [{"place": "step 1", "title": "call_tool price", "seconds": 0.25, "error": None}],
    }
    return {"name": name, "at": "2026-11-29T06:50:00Z", "verdict": verdict, "cases": [case], "changes": list(changes)}


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(tmp_path / "state.json", tmp_path)


def shown(sources: Sources, *servers: dict[str, Any]) -> str:
    content = {"version": 1, "servers": list(servers)}
    jsonschema.validate(content, SCHEMA)
    (sources.directory / "verify.json").write_text(json.dumps(content))
    return str(verified.page(Request(now=NOW), sources).body)


def test_the_worst_comes_first_with_what_is_wrong_and_what_has_changed(sources: Sources) -> None:
    gone = {"where": "tool price", "text": "it is gone", "breaking": True}
    new = {"where": "tool more", "text": "it is new", "breaking": False}
    text = shown(sources, server("apples"), server("pears", "flaky"), server("shop", changes=(new, gone)))
    assert "2 servers are not as expected" in text
    assert text.index("/servers/shop") < text.index("/servers/pears") < text.index("/servers/apples")
    assert text.index("breaking: tool price: it is gone") < text.index("harmless: tool more: it is new")
    assert "1 passed, 1 breaking and 1 harmless since its baseline" in text
    assert "a.yml: knows &lt;b&gt;tea&lt;/b&gt; (auto): step 1 call_tool price: error tool: no tea" in text
    assert "10 minutes ago" in text


def test_when_all_is_as_expected_the_page_says_so(sources: Sources) -> None:
    changed = server("shop", changes=({"where": "tool more", "text": "it is new", "breaking": False},))
    assert "2 servers are as their files expect" in shown(sources, server("apples"), changed)


def test_a_long_list_of_failures_is_cut(sources: Sources) -> None:
    changes = tuple({"where": f"tool t{number}", "text": "it is new", "breaking": False} for number in range(25))
    text = shown(sources, server("shop", changes=changes))
    assert "and 5 more: make verify NAME=shop" in text


@pytest.mark.parametrize("content", [None, "{", '{"version": 2, "servers": []}', '{"version": 1, "servers": [{}]}'])
def test_before_the_first_verification_the_page_says_how_to_begin(sources: Sources, content: str | None) -> None:
    if content is not None:
        (sources.directory / "verify.json").write_text(content)
    text = str(verified.page(Request(now=NOW), sources).body)
    assert "No server has been verified yet" in text
    assert "make verify-init" in text
