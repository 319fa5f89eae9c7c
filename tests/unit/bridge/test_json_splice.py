"""Finding a value in JSON text."""

from __future__ import annotations

import json
from typing import Any

import pytest
from bridge.protocol.json_splice import Ambiguous, elements, find, replace
from hypothesis import given
from hypothesis import strategies as st

names = st.sampled_from(["id", "params", "_meta", "progressToken", "result", '"', "\\", "id\\", "{", "}"])
scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text() | names, inner, max_size=4),
    max_leaves=20,
)
layouts = st.sampled_from([{"separators": (",", ":")}, {"indent": 1}, {"ensure_ascii": False}, {}])


def write(value: Any, layout: dict[str, Any]) -> bytes:
    return json.dumps(value, **layout).encode("utf-8", "surrogatepass")


@given(st.dictionaries(names | st.text(), values), values, layouts)
def test_a_key_is_found_wherever_it_stands(document: dict[str, Any], value: Any, layout: dict[str, Any]) -> None:
    document["id"] = value
    text = write(document, layout)
    start, end = find(text, "id")
    assert json.loads(text[start:end].decode("utf-8", "surrogatepass")) == value


@given(values, values, values, layouts)
def test_a_deep_value_is_replaced_and_nothing_else(first: Any, last: Any, value: Any, layout: dict[str, Any]) -> None:
    document = {"a": first, "params": {"x": first, "_meta": {"progressToken": value, "z": last}}, "b": last}
    text = write(document, layout)
    changed = replace(text, find(text, "params", "_meta", "progressToken"), b'"new"')
    document["params"]["_meta"]["progressToken"] = "new"
    assert json.loads(changed.decode("utf-8", "surrogatepass")) == document
    assert len(changed) == len(text) - len(write(value, layout)) + 5 or "indent" in layout


@given(st.lists(values), layouts)
def test_an_array_is_cut_into_its_elements(array: list[Any], layout: dict[str, Any]) -> None:
    found = elements(write(array, layout))
    assert [json.loads(one.decode("utf-8", "surrogatepass")) for one in found] == array


@pytest.mark.parametrize("key", [r"\u0069d", r"i\u0064", r"\u0069\u0064"])
def test_a_key_written_with_an_escape_is_the_same_key(key: str) -> None:
    text = b'{"%b": 1, "params": {"id": "decoy"}}' % key.encode()
    assert replace(text, find(text, "id"), b"2") == b'{"%b": 2, "params": {"id": "decoy"}}' % key.encode()
    with pytest.raises(Ambiguous):
        find(b'{"%b": 1, "id": 2}' % key.encode(), "id")


def test_a_key_that_occurs_twice_is_ambiguous() -> None:
    with pytest.raises(Ambiguous, match="'id' occurs twice"):
        find(b'{"id":1,"x":{"id":2},"id":3}', "id")
    with pytest.raises(Ambiguous):
        find(b'{"id":1,"\\u0069d":3,"x":"id"}', "id")


def test_long_strings_and_deep_nesting_are_no_matter() -> None:
    text = b'{"x":"' + b"\\\\" * 2_000_000 + b'","y":' + b"[" * 50_000 + b"]" * 50_000 + b',"z":{"id":0},"id":42}'
    start, end = find(text, "id")
    assert text[start:end] == b"42"
