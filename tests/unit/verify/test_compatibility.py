"""Whether another schema breaks those who keep to the earlier one: rule by rule, and against real validation."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from verify.compatibility import Effect, differences, effect_of
from verify.shape import merged, shape_of

NARROWER, WIDER, BOTH, NONE = Effect.NARROWER, Effect.WIDER, Effect.BOTH, Effect.NONE
TEXT = {"type": "string"}


def with_property(schema: Any, required: bool = False) -> dict[str, Any]:
    return {"type": "object", "properties": {"a": schema}, "required": ["a"] if required else []}


@pytest.mark.parametrize(
    ("before", "after", "effect"),
    [
        (TEXT, {"type": "integer"}, BOTH),
        ({"type": "integer"}, {"type": "number"}, WIDER),
        (TEXT, {"type": ["string", "null"]}, WIDER),
        (TEXT, {"anyOf": [TEXT, {"type": "null"}]}, WIDER),
        ({"anyOf": [TEXT, {"type": "null"}], "default": None}, {"type": ["null", "string"]}, NONE),
        ({"oneOf": [TEXT, {"type": "integer"}]}, TEXT, NARROWER),
        ({"enum": ["a", "b"]}, {"enum": ["b"]}, NARROWER),
        ({"enum": ["a"]}, {"enum": ["a", "b"]}, WIDER),
        (TEXT, {"type": "string", "enum": ["a"]}, NARROWER),
        ({"const": 1}, {"enum": [1, 2]}, WIDER),
        (with_property(TEXT), with_property(TEXT, required=True), NARROWER),
        (with_property(TEXT, required=True), with_property(TEXT), WIDER),
        ({"type": "object"}, with_property(TEXT), NONE),
        (with_property(TEXT), {"type": "object"}, NARROWER),
        ({"type": "object"}, {"type": "object", "additionalProperties": False}, NARROWER),
        ({"type": "array", "items": TEXT}, {"type": "array"}, WIDER),
        ({"type": "integer", "minimum": 1}, {"type": "integer", "minimum": 0}, WIDER),
        ({"type": "integer", "maximum": 9}, {"type": "integer", "maximum": 8}, NARROWER),
        ({"type": "string", "pattern": "a"}, {"type": "string", "pattern": "b"}, BOTH),
        (TEXT, {"type": "string", "format": "uri"}, NARROWER),
        (TEXT, {"not": {"type": "integer"}}, BOTH),
        (TEXT, {"type": "string", "description": "Another one.", "x-order": 1}, NONE),
        ({"$ref": "#/$defs/a", "$defs": {"a": TEXT}}, TEXT, NONE),
        ({"$ref": "#/$defs/a", "$defs": {"a": TEXT}}, {"$ref": "#/$defs/a", "$defs": {"a": {"type": "null"}}}, BOTH),
        (True, {"type": "string"}, NARROWER),
    ],
)
def test_each_rule_says_which_way_a_difference_goes(before: Any, after: Any, effect: Effect) -> None:
    assert effect_of(differences(before, after)) == effect
    if effect is not NONE and "ropert" not in str(before) + str(after):
        assert effect_of(differences(after, before)) == effect.reversed


def test_a_schema_that_contains_itself_is_compared_to_an_end() -> None:
    def tree(leaf: str) -> dict[str, Any]:
        node = {"type": "object", "properties": {"leaf": {"type": leaf}, "next": {"$ref": "#/$defs/node"}}}
        return {"$ref": "#/$defs/node", "$defs": {"node": node}}

    assert differences(tree("string"), tree("string")) == []
    assert effect_of(differences(tree("string"), tree("integer"))) == BOTH


SCALARS = st.sampled_from(
    [
        {"type": "string"},
        {"type": "string", "maxLength": 2},
        {"type": "integer"},
        {"type": "integer", "minimum": 1},
        {"type": "number"},
        {"type": ["string", "null"]},
        {"enum": ["a", "b"]},
        {"enum": ["a", 1]},
        {"anyOf": [{"type": "integer"}, {"type": "null"}]},
        {},
    ]
)
VALUES = st.sampled_from(
    ["a", "b", "long text", 0, 1, 5, 1.5, None, [], ["a"], [1], {}, {"p": "a"}, {"p": 1, "q": "a"}]
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    required = st.lists(st.sampled_from(["p", "q"]), unique=True, max_size=2)
    properties = st.fixed_dictionaries({"p": inner, "q": inner})
    return st.builds(lambda of, needed: {"type": "object", "properties": of, "required": needed}, properties, required)


SCHEMAS = st.recursive(
    SCALARS, lambda inner: objects(inner) | st.builds(lambda of: {"type": "array", "items": of}, inner), max_leaves=4
)


@given(SCHEMAS, SCHEMAS, VALUES)
@settings(max_examples=300, deadline=None)
def test_what_was_allowed_stays_allowed_unless_it_is_called_narrower(before: Any, after: Any, value: Any) -> None:
    found = differences(before, after)
    # A new property that need not be there is harmless, though it forbids what an open object bore before.
    told = NARROWER in effect_of(found) or any(each.text == "it is new" for each in found)
    assert told or not Draft202012Validator(before).is_valid(value) or Draft202012Validator(after).is_valid(value)


@given(SCHEMAS, SCHEMAS)
@settings(max_examples=200, deadline=None)
def test_a_schema_is_as_itself_and_what_is_narrower_one_way_is_wider_the_other(before: Any, after: Any) -> None:
    assert differences(before, before) == []
    if not any(each.text in ("it is new", "it is gone") for each in differences(before, after)):
        assert effect_of(differences(after, before)) == effect_of(differences(before, after)).reversed


ANSWERS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=6,
)


@given(ANSWERS, ANSWERS)
@settings(max_examples=200, deadline=None)
def test_answers_that_went_into_a_shape_are_never_a_change_of_it(one: Any, other: Any) -> None:
    shape = merged(shape_of(one), shape_of(other))
    assert merged(shape, shape_of(other)) == shape
    for each in (one, other):
        assert WIDER not in effect_of(differences(shape, shape_of(each), observed=True))


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ({"a": 1}, {"a": "1"}, "a: type was number, is string"),
        ({"a": 1, "b": 1}, {"a": 1}, "b: it is not always there any more"),
        ({"l": [{"a": 1}]}, {"l": [{"a": None}]}, "l[].a: type was number, is null"),
        ({"c": [{"type": "text"}]}, {"c": [{"type": "image"}]}, 'c[].type: values: "text" gone; "image" new'),
    ],
)
def test_an_answer_of_another_shape_is_told(before: Any, after: Any, said: str) -> None:
    found = differences(shape_of(before), shape_of(after), observed=True)
    assert [f"{each.where}: {each.text}" for each in found if WIDER in each.effect] == [said]
