# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.request.form import ACTIONS, LARGEST, Refused, parse
from hypothesis import given
from hypothesis import strategies as st

SCHEMA = json.loads((Path(__file__).parents[9] / "files" / "request.schema.json").read_text())


def is_right(said: Any) -> bool:
    try:
        parse("one", json.dumps(said).encode(), 0, "root")
    except Refused:
        return False
    return True


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert tuple(SCHEMA["properties"]["action"]["enum"]) == ACTIONS


_names = st.one_of(st.sampled_from(["time", "a.b", "", "../x", "x/y", "-x", "x" * 63, "x" * 64, "x\n"]), st.none())
_said = st.fixed_dictionaries(
    {},
    optional={
        "action": st.one_of(st.sampled_from(ACTIONS), st.sampled_from(["", "Stop", 1, None, []])),
        "server": st.one_of(_names, st.sampled_from([1, [], {}])),
        "by": st.one_of(st.sampled_from(["admin", "ädmin 1", "", "x" * 101, 7, "a\u001bb", "a\u202eb"]), st.none()),
        "from": st.sampled_from(["page 10.0.0.7", "x" * 201]),
        "entry": st.sampled_from([{}, {"command": "docker"}, [], "x"]),
        "version": st.just(1),
    },
)


@given(_said)
def test_the_schema_and_the_reader_judge_alike(said: dict[str, Any]) -> None:
    plain = jsonschema.Draft202012Validator(SCHEMA).is_valid(said)
    ends = isinstance(said.get("server"), str) and said["server"].endswith("\n")  # Python's $ lets one newline pass
    assert is_right(said) == (plain and not ends)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "not complete JSON: line 1, column 1"),
        (b'{"action": "sync"', "not complete JSON"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[]", "no JSON object"),
        (b'{"action": "sync", "action": "stop"}', "has a key twice"),
        (b'{"action": NaN}', "a number that JSON does not know"),
        (b"[" * 60000, "nested too deeply"),
        (b" " * (LARGEST + 1), "larger than 64 KiB"),
        (b'{"action": "stop", "server": "../../etc/passwd"}', "no server's name"),
        (b'{"action": "stop", "server": "x", "by": "a\\u001b[31m"}', "by is no text"),
        (b'{"action": "create", "server": "x"}', "entry is missing"),
    ],
)
def test_what_is_no_request_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with pytest.raises(Refused, match=reason.replace("[", r"\[")):
        parse("one", content, 0, "root")


@pytest.mark.parametrize("identity", ["", "..", "a/b", "a b", "-a", "x" * 65, "ä", "a\n"])
def test_an_id_that_could_be_a_path_is_refused(identity: str) -> None:
    with pytest.raises(Refused, match="no id"):
        parse(identity, b'{"action": "sync"}', 0, "root")


def test_a_refusal_holds_no_value_of_the_request() -> None:
    said = {"action": "s3same", "server": "s3same/", "by": ["s3same"], "entry": "s3same", "s3same": 1}
    with pytest.raises(Refused) as refusal:
        parse("one", json.dumps(said).encode(), 0, "root")
    assert "s3same" not in str(refusal.value)


def test_a_request_does_not_show_its_entry() -> None:
    said = {"action": "create", "server": "x", "entry": {"env": {"K": "s3same"}}}
    assert "s3same" not in repr(parse("one", json.dumps(said).encode(), 0, "root"))
