"""The limits that botocore's model states are kept, each of them."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.model import ListShape, Shape, StructureShape
from local_alb.api.constraints import check_request
from local_alb.api.service_model import operation_model
from local_alb.errors import ApiError
from local_alb.operations.table import READS, WRITES

from tests.unit.local_alb.inprocess import LISTENER, Alb, refusal

OPERATIONS = sorted([*READS, *WRITES])


def sample(shape: Shape | None) -> Any:
    """The smallest value that keeps all of a shape's limits, as far as the model states them."""
    if isinstance(shape, StructureShape):
        return {name: sample(shape.members[name]) for name in shape.required_members}
    if isinstance(shape, ListShape):
        return [sample(shape.member)]
    if shape is None:
        return {}
    if shape.type_name in ("integer", "long"):
        return shape.metadata.get("min", 1)
    if shape.type_name == "boolean":
        return True
    if shape.metadata.get("enum"):
        return shape.metadata["enum"][0]
    special = {"RedirectActionProtocol": "HTTP", "FixedResponseActionStatusCode": "200"}
    return special.get(shape.name, "a" * max(1, shape.metadata.get("min", 1)))


def violations(shape: Shape) -> list[tuple[Any, str]]:
    """Values that break one limit of the shape, and a part of the sentence that says so."""
    found: list[tuple[Any, str]] = []
    low, high = shape.metadata.get("min"), shape.metadata.get("max")
    if shape.type_name in ("integer", "long"):
        if low is not None:
            found.append((low - 1, f"greater than or equal to {low}"))
        if high is not None:
            found.append((high + 1, f"less than or equal to {high}"))
    elif shape.type_name == "string":
        if low:
            found.append(("a" * (low - 1), f"length greater than or equal to {low}"))
        if high is not None:
            found.append(("a" * (high + 1), f"length less than or equal to {high}"))
        if shape.metadata.get("enum"):
            found.append(("no-such-thing", "enum value set"))
        if shape.metadata.get("pattern"):
            found.append(("\u2603", "regular expression pattern"))
    elif isinstance(shape, ListShape) and low:
        found.append(([], f"length greater than or equal to {low}"))
    return found


def broken_requests() -> list[Any]:
    cases = []
    for name in OPERATIONS:
        shape = operation_model(name).input_shape
        if not isinstance(shape, StructureShape):
            continue
        for required in shape.required_members:
            request = {key: value for key, value in sample(shape).items() if key != required}
            cases.append(pytest.param(name, request, "must not be null", id=f"{name}-without-{required}"))
        for member_name, member in shape.members.items():
            for value, complaint in violations(member):
                request = {**sample(shape), member_name: value}
                cases.append(pytest.param(name, request, complaint, id=f"{name}-{member_name}-{complaint[:14]}"))
            if isinstance(member, ListShape):
                for value, complaint in violations(member.member):
                    request = {**sample(shape), member_name: [value]}
                    cases.append(pytest.param(name, request, complaint, id=f"{name}-{member_name}-{complaint[:14]}"))
    return cases


@pytest.mark.parametrize(("name", "request_", "complaint"), broken_requests())
def test_each_limit_of_the_model_is_kept(name: str, request_: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ApiError) as refused:
        check_request(operation_model(name), request_)
    assert refused.value.code == "ValidationError"
    assert complaint in refused.value.message


@pytest.mark.parametrize("name", OPERATIONS)
def test_a_request_that_keeps_all_limits_is_let_through(name: str) -> None:
    operation = operation_model(name)
    check_request(operation, sample(operation.input_shape))


def test_all_violations_of_a_request_are_told_at_once(alb: Alb) -> None:
    code, message = refusal(alb.unchecked.create_rule, ListenerArn=LISTENER, Priority=0, Actions=[{"Type": "sing"}])
    assert code == "ValidationError"
    assert message.startswith("3 validation errors detected")
    assert "'priority'" in message
    assert "'conditions'" in message
    assert "'actions.1.member.type'" in message


def test_tags_may_hold_letters_of_any_language_and_no_brackets(alb: Alb) -> None:
    alb.group("g1", Tags=[{"Key": "owner", "Value": "Jürgen 東京 1/2"}])
    code, message = refusal(
        alb.unchecked.create_target_group,
        Name="g2",
        Protocol="HTTP",
        Port=80,
        VpcId="vpc-1",
        Tags=[{"Key": "owner", "Value": '{"json": 1}'}],
    )
    assert code == "ValidationError"
    assert "tags.1.member.value" in message
