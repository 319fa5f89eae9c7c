"""From a record to a span: OpenTelemetry's conventions for MCP, and nothing of what a call carries."""

from __future__ import annotations

from typing import Any

import pytest
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.trace import SpanKind, StatusCode
from traces.span import span_of

from tests.unit.records.kept import FIRST
from tests.unit.traces.recorded import PARENT, SPAN_ID, TRACE_ID, call

RESOURCE = Resource({"service.name": "time"})


def span(**said: Any) -> ReadableSpan:
    found = span_of(call(**said), RESOURCE)
    assert found is not None
    return found


def test_a_call_of_a_tool_is_a_span_of_its_clients_trace() -> None:
    found = span(started=2.5, state="vendor=x%20y,b=1")
    assert (found.name, found.kind, found.resource) == ("tools/call get_time", SpanKind.SERVER, RESOURCE)
    assert f"{found.context.trace_id:032x}" == TRACE_ID
    assert (f"{found.parent.span_id:016x}", found.parent.is_remote) == (SPAN_ID, True)
    assert found.context.trace_state.to_header() == "vendor=x y,b=1"
    assert found.start_time == (FIRST * 1000 + 2500) * 1_000_000
    assert found.end_time - found.start_time == 12_300_000
    assert found.status.status_code is StatusCode.UNSET
    assert found.attributes == {
        "mcp.method.name": "tools/call",
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "get_time",
        "jsonrpc.request.id": "7",
        "mcp.protocol.version": "2025-11-25",
        "mcp.session.id": "0011223344556677",
        "network.transport": "tcp",
        "network.protocol.name": "http",
    }


def test_a_call_without_a_trace_begins_one() -> None:
    found = span(parent="-", session="-", revision="-")
    assert found.parent is None
    assert found.context.trace_flags.sampled
    assert not {"mcp.session.id", "mcp.protocol.version"} & found.attributes.keys()


@pytest.mark.parametrize(
    ("outcome", "error", "kind", "code"),
    [
        ("ok", "-", None, None),
        ("ok", "tool_error", "tool_error", None),
        ("error", "-32602", "-32602", "-32602"),
        ("error", "_OTHER", "_OTHER", None),
        ("lost", "-", "lost", None),
        ("cancelled", "-", "cancelled", None),
    ],
)
def test_what_went_wrong_is_told_as_the_conventions_want_it(
    outcome: str, error: str, kind: str | None, code: str | None
) -> None:
    found = span(call=f"tools/call get_time {outcome} 1.0", error=error)
    assert found.attributes.get("error.type") == kind
    assert found.attributes.get("rpc.response.status_code") == code
    assert (found.status.status_code is StatusCode.ERROR) == (kind is not None)
    assert found.status.description is None


def test_a_prompt_is_named_and_is_no_tool() -> None:
    found = span(call="prompts/get - ok 1.0", prompt="greet")
    assert found.name == "prompts/get greet"
    assert found.attributes["gen_ai.prompt.name"] == "greet"
    assert not {"gen_ai.operation.name", "gen_ai.tool.name"} & found.attributes.keys()


def test_a_method_without_a_target_names_the_span_alone() -> None:
    assert span(call="tools/list - ok 1.0").name == "tools/list"


def test_the_context_of_the_http_request_is_a_link() -> None:
    (link,) = span(link=PARENT.replace(SPAN_ID, "00f067aa0ba902b7")).links
    assert f"{link.context.span_id:016x}" == "00f067aa0ba902b7"


def test_a_trace_that_its_client_does_not_sample_gets_no_span() -> None:
    assert span_of(call(parent=PARENT[:-2] + "00"), RESOURCE) is None


@pytest.mark.parametrize("parent", ["ff" + PARENT[2:], f"00-{'0' * 32}-{SPAN_ID}-01", f"00-{TRACE_ID}-{'0' * 16}-01"])
def test_a_context_that_is_none_is_as_if_there_were_none(parent: str) -> None:
    assert span(parent=parent).parent is None


def test_a_span_that_is_made_twice_has_the_same_ids_and_another_call_has_others() -> None:
    first, again, other = (span(parent="-", position=at).context for at in ("1:99", "1:99", "1:200"))
    assert (first.trace_id, first.span_id) == (again.trace_id, again.span_id)
    assert first.trace_id != other.trace_id
    assert first.span_id != other.span_id


def test_a_call_that_its_bridge_did_not_trace_gets_no_span() -> None:
    untraced = call()
    assert span_of(type(untraced)(**{**_fields(untraced), "trace": None}), RESOURCE) is None


def _fields(of: Any) -> dict[str, Any]:
    return {name: getattr(of, name) for name in of.__dataclass_fields__}
