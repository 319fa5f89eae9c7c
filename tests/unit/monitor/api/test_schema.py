"""What is wrong with a value: the same judgement as a real validator's, and no value in a sentence."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from monitor.api.problem import Mistake
from monitor.api.schema import mistakes, read_text

SCHEMA: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name"],
    "description": "kind or share",
    "maxProperties": 4,
    "oneOf": [{"required": ["kind"], "properties": {"share": False}}, {"required": ["share"]}],
    "minProperties": 1,
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z]+$", "minLength": 1, "maxLength": 4},
        "count": {"type": "integer", "minimum": 1, "maximum": 3},
        "share": {"type": ["number", "null"], "minimum": 0},
        "kind": {"enum": ["a", "b"]},
        "env": {"type": "object", "additionalProperties": {"type": "string"}},
        "list": {"type": "array", "maxItems": 2, "items": {"type": "boolean"}},
    },
}
PLAIN = (
    st.none() | st.booleans() | st.integers(-2, 5) | st.floats(-2, 5) | st.sampled_from(["", "a", "b", "abc", "Ab1"])
)
VALUES = PLAIN | st.lists(PLAIN, max_size=3) | st.dictionaries(st.sampled_from(["A", "B"]), PLAIN, max_size=2)


@given(st.dictionaries(st.sampled_from([*SCHEMA["properties"], "more"]), VALUES) | VALUES)
def test_it_agrees_with_a_real_validator(value: Any) -> None:
    accepted = jsonschema.Draft202012Validator(SCHEMA).is_valid(value)
    assert (not list(mistakes(value, SCHEMA, "body"))) == accepted


def test_every_mistake_is_named_by_its_place() -> None:
    found = list(mistakes({"count": 9, "env": {"KEY": 5}, "nmae": "x"}, SCHEMA, "body"))
    assert found == [
        Mistake("body.name", "is missing"),
        Mistake("body", "has to have kind or share"),
        Mistake("body.count", "is more than 3"),
        Mistake("body.env.KEY", "is not a text"),
        Mistake("body.nmae", "is unknown; known are name, count, share, kind, env, list"),
    ]


def test_no_value_is_in_a_sentence() -> None:
    secret = "S3cret"
    for value in ({"name": secret}, {"kind": secret, "name": "a"}, {"name": "a", "count": secret}, secret):
        assert all(secret not in f"{each.place}{each.text}" for each in mistakes(value, SCHEMA, "body"))


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("12", "integer", 12),
        ("012", "integer", "012"),
        ("1.5", "integer", "1.5"),
        ("true", "boolean", True),
        ("1", "boolean", "1"),
    ],
)
def test_texts_become_what_they_are_to_be_or_stay_texts(text: str, kind: str, value: Any) -> None:
    assert read_text(text, {"type": kind}) == value
