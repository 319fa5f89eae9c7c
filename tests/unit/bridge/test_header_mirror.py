"""Which arguments of a tool stand in headers, too."""

from __future__ import annotations

from typing import Any

import pytest
from bridge.protocol.header_mirror import Parameter, parameters_of

REGION = {"type": "string", "x-mcp-header": "Region"}


def test_marked_properties_are_found_at_any_depth() -> None:
    schema = {
        "type": "object",
        "properties": {
            "region": REGION,
            "properties": {"properties": {"n": {"type": "integer", "x-mcp-header": "N"}}},
            "x-mcp-header": {"type": "string"},
        },
    }
    assert parameters_of(schema) == (
        Parameter(("region",), b"mcp-param-region", "string"),
        Parameter(("properties", "n"), b"mcp-param-n", "integer"),
    )


def test_values_in_a_schema_are_not_schemas() -> None:
    assert parameters_of({"properties": {"a": {"default": {"x-mcp-header": ""}, "enum": [{"x-mcp-header": 1}]}}}) == ()
    assert len(parameters_of({"properties": {"a": {"const": {"x-mcp-header": ""}}, "b": REGION}})) == 1


@pytest.mark.parametrize(
    "other",
    [
        {"type": "string", "x-mcp-header": ""},
        {"type": "string", "x-mcp-header": "a b"},
        {"type": "string", "x-mcp-header": "region"},
        {"type": "string", "x-mcp-header": 7},
        {"type": "number", "x-mcp-header": "Other"},
        {"type": ["string", "null"], "x-mcp-header": "Other"},
        {"type": "array", "items": {"type": "string", "x-mcp-header": "Other"}},
        {"oneOf": [{"properties": {"x": {"type": "string", "x-mcp-header": "Other"}}}]},
    ],
)
def test_one_invalid_mark_makes_all_of_a_tools_marks_void(other: Any) -> None:
    assert parameters_of({"properties": {"region": REGION, "other": other}}) == ()


@pytest.mark.parametrize("schema", [None, [], "x", {"x-mcp-header": "Root"}, {"properties": []}])
def test_what_is_no_schema_marks_nothing(schema: Any) -> None:
    assert parameters_of(schema) == ()


def test_a_schema_that_is_too_deep_marks_nothing() -> None:
    schema: dict[str, Any] = dict(REGION)
    for _ in range(3000):
        schema = {"properties": {"a": schema}}
    assert parameters_of(schema) == ()
