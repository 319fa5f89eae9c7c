"""What the monitor reads out of a state file, and what it says of one that is none."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitor.pages.overview import overview_view
from monitor.state import StateMissing, StateUnreadable, parse_state, read_state

from tests.unit.monitor import samples

SCHEMA = json.loads((Path(__file__).parents[3] / "files/state.schema.json").read_text())


def encoded(document: Any) -> bytes:
    return json.dumps(document).encode()


@pytest.mark.parametrize("sample", [samples.three_servers, samples.no_servers, samples.hundred_servers])
def test_the_samples_keep_to_the_schema_and_can_be_read(sample: Any) -> None:
    document = sample()
    jsonschema.Draft202012Validator(SCHEMA).validate(document)
    state = parse_state(encoded(document))
    assert [server.name for server in state.servers] == [entry["name"] for entry in document["servers"]]


def test_a_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    with pytest.raises(StateMissing, match="no run has written it yet"):
        read_state(tmp_path / "state.json")


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateUnreadable, match="cannot be read: Is a directory"):
        read_state(tmp_path)


def test_a_half_written_file_is_told_with_the_place() -> None:
    content = encoded(samples.three_servers())
    with pytest.raises(StateUnreadable, match=r"not complete JSON: line 1, column [0-9]+ does not parse"):
        parse_state(content[:500])


@pytest.mark.parametrize("version", [1, 3, None])
def test_a_state_of_another_release_is_named_and_not_guessed_at(version: Any) -> None:
    with pytest.raises(StateUnreadable, match=f"has version {version} and this monitor reads version 2: another"):
        parse_state(encoded({"version": version, "servers": []}))


def test_a_severity_that_nobody_knows_is_told() -> None:
    document = samples.three_servers()
    document["servers"][0]["severity"] = "purple"
    with pytest.raises(StateUnreadable, match=r"state.servers\[0\].severity is not one of ok, warning, critical, none"):
        parse_state(encoded(document))


def test_a_wrong_place_is_named() -> None:
    document = samples.three_servers()
    document["servers"][1]["health"]["tools"] = "many"
    with pytest.raises(StateUnreadable, match=r"state.servers\[1\].health.tools is not a list"):
        parse_state(encoded(document))
    del document["servers"][1]["health"]["tools"]
    with pytest.raises(StateUnreadable, match=r"state.servers\[1\].health.tools is missing"):
        parse_state(encoded(document))


def test_sessions_are_read_for_people_and_a_file_of_before_has_none() -> None:
    document = samples.three_servers()
    health = document["servers"][0]["health"]
    assert parse_state(encoded(document)).servers[0].sessions == "3 open, room for 9"
    health["sessions"]["oom_kills"] = 2
    told = parse_state(encoded(document)).servers[0].sessions
    assert told == "3 open, room for 9; 2 processes killed for want of memory"
    del health["sessions"]
    assert parse_state(encoded(document)).servers[0].sessions is None


@given(st.data())
def test_whatever_stands_in_a_state_is_read_or_told(data: st.DataObject) -> None:
    """One place of a good state is replaced by anything; nothing but StateUnreadable may come of it."""
    document: Any = samples.state([samples.server("time"), samples.disabled("notes")])
    place = document
    while True:
        keys = list(place) if isinstance(place, dict) else list(range(len(place)))
        key = data.draw(st.sampled_from(keys))
        inner = place[key]
        if isinstance(inner, (dict, list)) and inner and data.draw(st.booleans()):
            place = inner
            continue
        place[key] = data.draw(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just([]) | st.just({})
        )
        break
    with contextlib.suppress(StateUnreadable):
        state = parse_state(encoded(document))
        assert overview_view(state, samples.FINISHED)


@given(st.binary(max_size=200))
def test_any_bytes_are_told(content: bytes) -> None:
    with pytest.raises(StateUnreadable):
        parse_state(content)
