"""Spans on the wire, to a receiver that reads them with OpenTelemetry's own parser."""

from __future__ import annotations

import logging
import time

import pytest
from opentelemetry.proto.trace.v1 import trace_pb2
from opentelemetry.sdk.resources import Resource
from traces import delivery
from traces.delivery import Outcome, Receiver
from traces.span import span_of

from tests.unit.traces.collector import collector
from tests.unit.traces.recorded import SPAN_ID, TRACE_ID, call

SPAN = span_of(call(error="tool_error", state="vendor=x"), Resource({"service.name": "time"}))
CANARY = "canary-2f77"


def test_a_receiver_gets_the_span_with_all_that_it_says() -> None:
    assert SPAN is not None
    with collector() as there:
        sent = Receiver(there.endpoint, {"Authorization": f"Bearer {CANARY}"}).send([SPAN])
        (taken,), (headers,) = there.spans, there.headers
    assert sent == (Outcome.TAKEN, "")
    assert headers["authorization"] == f"Bearer {CANARY}"
    span = taken.span
    assert (span.trace_id.hex(), span.parent_span_id.hex(), len(span.span_id)) == (TRACE_ID, SPAN_ID, 8)
    assert (span.name, span.kind, span.trace_state) == (
        "tools/call get_time",
        trace_pb2.Span.SPAN_KIND_SERVER,
        "vendor=x",
    )
    assert span.status.code == trace_pb2.Status.STATUS_CODE_ERROR
    assert taken.attributes["error.type"] == "tool_error"
    assert taken.resource == {"service.name": "time"}


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(400, Outcome.REFUSED), (413, Outcome.REFUSED), (401, Outcome.WAITS), (404, Outcome.WAITS), (307, Outcome.WAITS)],
)
def test_what_a_receiver_says_no_to_is_told_by_its_status(
    status: int, outcome: Outcome, caplog: pytest.LogCaptureFixture
) -> None:
    assert SPAN is not None
    caplog.set_level(logging.DEBUG, "opentelemetry")
    with collector() as there:
        there.status = status
        sent = Receiver(there.endpoint, {"Authorization": CANARY}).send([SPAN])
        assert there.requests == 1  # also no other address gets the headers
    assert sent == (outcome, f"it answers with HTTP status {status}")
    assert CANARY not in caplog.text


@pytest.mark.parametrize("status", [429, 503, None])
def test_one_that_is_busy_or_away_costs_a_bounded_time(status: int | None, monkeypatch: pytest.MonkeyPatch) -> None:
    assert SPAN is not None
    monkeypatch.setattr(delivery, "SECONDS", 0.5)
    with collector() as there:
        endpoint = there.endpoint if status else "http://127.0.0.1:9/v1/traces"
        there.status = status or 200
        begun = time.monotonic()
        outcome, why = Receiver(endpoint, {}).send([SPAN])
        assert time.monotonic() - begun < 30
    assert outcome is Outcome.WAITS
    assert why == (f"it answers with HTTP status {status}" if status else "it cannot be reached, or does not answer")
