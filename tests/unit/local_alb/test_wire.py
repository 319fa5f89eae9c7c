"""The wire form, led by botocore's model."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.model import ListShape, MapShape, Shape, StructureShape
from botocore.parsers import create_parser
from botocore.serialize import create_serializer
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from local_alb.api.service_model import operation_model, service_model
from local_alb.api.wire import parse_request, serialise_error, serialise_reply
from local_alb.errors import ApiError
from local_alb.operations.table import READS, WRITES

from tests.unit.local_alb.inprocess import Alb, refusal, signed

OPERATIONS = sorted([*READS, *WRITES])
# What XML 1.0 can carry and a form, too: https://www.w3.org/TR/xml/#charsets
CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs"), exclude_characters="\ufffe\uffff")
TEXT = st.text(CHARACTERS, min_size=1, max_size=20)


def values(shape: Shape | None, depth: int = 0, *, empty: bool = True) -> st.SearchStrategy[Any]:
    """Values of a shape as a caller of boto3 would pass them; without ``empty``, none that has nothing to send."""
    if isinstance(shape, StructureShape):
        return structures(shape, depth) if empty else nonempty_structures(shape, depth)
    if isinstance(shape, ListShape):
        # An empty structure in a list cannot be sent at all.
        return st.lists(values(shape.member, depth + 1, empty=False), min_size=1, max_size=3)
    if isinstance(shape, MapShape):
        return st.dictionaries(TEXT, values(shape.value, depth + 1), min_size=1, max_size=2)
    if shape is None:
        return st.just({})
    if shape.type_name == "boolean":
        return st.booleans()
    if shape.type_name in ("integer", "long"):
        return st.integers(-(10**9), 10**9)
    if shape.type_name == "timestamp":
        return st.integers(0, 4 * 10**9)
    return TEXT


def structures(shape: StructureShape, depth: int) -> st.SearchStrategy[Any]:
    parts = {name: values(member, depth + 1) for name, member in shape.members.items()}
    required = {name: parts.pop(name) for name in shape.required_members}
    return st.fixed_dictionaries(required, optional=parts if depth < 5 else {})


def nonempty_structures(shape: StructureShape, depth: int) -> st.SearchStrategy[Any]:
    """Structures of which one member at least has something to send."""

    def with_member(name: str) -> st.SearchStrategy[Any]:
        sure = values(shape.members[name], depth + 1, empty=False)
        return st.builds(lambda rest, member: {**rest, name: member}, structures(shape, depth), sure)

    return st.sampled_from(sorted(shape.members)).flatmap(with_member)


def without_empty(value: Any) -> Any:
    """An empty structure and an absent one are the same on the wire."""
    if isinstance(value, dict):
        cleaned = {key: without_empty(item) for key, item in value.items()}
        return {key: item for key, item in cleaned.items() if item not in ({}, None)}
    if isinstance(value, list):
        return [without_empty(item) for item in value]
    return value


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_botocore_sends_is_read_as_it_was_meant(name: str, data: st.DataObject) -> None:
    operation = operation_model(name)
    meant = data.draw(values(operation.input_shape))
    sent = create_serializer("query", include_validation=False).serialize_to_request(meant, operation)
    fields = {key: str(text) for key, text in sent["body"].items() if key not in ("Action", "Version")}
    assert without_empty(parse_request(operation, fields)) == without_empty(meant)


@pytest.mark.parametrize("name", OPERATIONS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_what_is_answered_is_read_by_botocore_as_it_was_meant(name: str, data: st.DataObject) -> None:
    operation = operation_model(name)
    meant = data.draw(values(operation.output_shape))
    body = serialise_reply(operation, meant, "id-1")
    response = {"body": body.encode(), "headers": {}, "status_code": 200}
    assert operation.output_shape
    read = create_parser("query").parse(response, operation.output_shape)
    assert read.pop("ResponseMetadata")["RequestId"] == "id-1"

    def as_numbers(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: as_numbers(item) for key, item in value.items()}
        if isinstance(value, list):
            return [as_numbers(item) for item in value]
        return int(value.timestamp()) if hasattr(value, "timestamp") else value

    assert without_empty(as_numbers(read)) == without_empty(meant)


def test_every_error_code_of_the_known_operations_reaches_botocore_with_its_message() -> None:
    for name in OPERATIONS:
        output = operation_model(name).output_shape
        assert output
        for shape in operation_model(name).error_shapes:
            described = shape.metadata["error"]
            error = ApiError(described["code"], "<why> & how", described["httpStatusCode"])
            body = serialise_error(error, service_model().metadata["xmlNamespace"], "id-2")
            response = {"body": body.encode(), "headers": {}, "status_code": error.status}
            read = create_parser("query").parse(response, output)
            assert (read["Error"]["Code"], read["Error"]["Message"]) == (described["code"], "<why> & how")


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        ({"Colour": "red"}, "Unknown parameter 'Colour'"),
        ({"Matcher.Colour": "red"}, "Unknown parameter 'Matcher.Colour'"),
        ({"Port": "eighty"}, "Invalid integer at 'Port'"),
        ({"Port": "8.0"}, "Invalid integer at 'Port'"),
        ({"Port.member.1": "80"}, "Unexpected complex element at 'Port'"),
        ({"HealthCheckEnabled": "yes"}, "Invalid boolean at 'HealthCheckEnabled'"),
        ({"Tags": "red"}, "a list is expected"),
        ({"Tags.member.1.Key": "a", "Tags.member.3.Key": "b"}, "has a gap"),
        ({"Tags.member.x.Key": "a"}, "not an index"),
        ({"Tags.member.999999999999.Key": "a"}, "not an index"),
        ({"Tags.1.Key": "a"}, "in the form 'Tags.member.1'"),
        ({"Matcher": "200"}, "a structure is expected"),
        ({"Name": "a\x00b"}, "XML cannot carry"),
        ({"Name": "a", "Name.b": "c"}, "contradicts"),
    ],
)
def test_a_request_that_is_not_of_its_operations_form_is_refused(fields: dict[str, str], complaint: str) -> None:
    with pytest.raises(ApiError) as refused:
        parse_request(operation_model("CreateTargetGroup"), fields)
    assert refused.value.code == "MalformedInput"
    assert complaint in refused.value.message


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ("", "MissingAction"),
        ("Version=2015-12-01", "MissingAction"),
        ("Action=MakeCoffee&Version=2015-12-01", "InvalidAction"),
        ("Action=DescribeRules&Version=2012-06-01", "InvalidAction"),
        ("Action=CreateTrustStore&Version=2015-12-01", "InvalidAction"),
        ("Action=DescribeRules&Action=DescribeTags", "MalformedQueryString"),
        ("Action", "MalformedQueryString"),
    ],
)
def test_a_request_for_no_known_operation_is_refused(alb: Alb, form: str, code: str) -> None:
    answer = alb.api.answer(signed(form))
    assert f"<Code>{code}</Code>" in answer.body


def test_a_failure_of_our_own_is_answered_without_its_details(alb: Alb, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setitem(READS, "DescribeAccountLimits", broken)
    code, message = refusal(alb.client.describe_account_limits)
    assert code == "InternalFailure"
    assert "secret" not in message
