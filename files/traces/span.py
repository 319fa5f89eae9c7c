"""The span of a call (OpenTelemetry's conventions for MCP: github.com/open-telemetry/semantic-conventions-genai,
docs/gen-ai/mcp.md, server spans)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from hashlib import sha256

from opentelemetry import trace
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.trace.status import Status, StatusCode
from records.call import Call

_SCOPE = InstrumentationScope("mcp-orchestrator.bridge")
_PROPAGATOR = TraceContextTextMapPropagator()
_CODE = re.compile(r"-?\d+").fullmatch
_MICROSECOND, _MILLISECOND = 1_000, 1_000_000  # nanoseconds


def span_of(call: Call, resource: Resource) -> ReadableSpan | None:
    """Returns the span of a call; None where its bridge did not trace it, or its client samples traces and left this
    one out.

    Its ids follow from the record, so that a span which is sent twice is one.
    """
    said = call.trace
    if said is None:
        return None
    parent = _context(said.parent, said.state)
    if parent is not None and not parent.trace_flags.sampled:
        return None
    link = _context(said.link)
    digest = sha256(f"{call.container} {call.position} {said.started}".encode()).digest()
    error = said.error or ("" if call.outcome == "ok" else call.outcome)
    started = said.started * _MICROSECOND
    return ReadableSpan(
        name=f"{call.method} {call.tool or said.prompt}".rstrip(),
        context=trace.SpanContext(
            trace_id=int.from_bytes(digest[:16]) if parent is None else parent.trace_id,
            span_id=int.from_bytes(digest[16:24]),
            is_remote=False,
            trace_flags=trace.TraceFlags(trace.TraceFlags.SAMPLED),
            trace_state=None if parent is None else parent.trace_state,
        ),
        parent=parent,
        resource=resource,
        attributes=_attributes(call, error),
        links=() if link is None else (trace.Link(link),),
        kind=trace.SpanKind.SERVER,
        status=Status(StatusCode.ERROR if error else StatusCode.UNSET),
        start_time=started,
        end_time=started + int(call.milliseconds * _MILLISECOND),
        instrumentation_scope=_SCOPE,
    )


def _attributes(call: Call, error: str) -> Mapping[str, str]:
    said = call.trace
    found = {
        "mcp.method.name": call.method,
        "gen_ai.operation.name": "execute_tool" if call.tool else "",
        "gen_ai.tool.name": call.tool,
        "gen_ai.prompt.name": said.prompt if said else "",
        "jsonrpc.request.id": said.ident if said else "",
        "mcp.protocol.version": said.revision if said else "",
        "mcp.session.id": call.session,  # a digest: whoever has the id itself can use the session
        "error.type": error,
        "rpc.response.status_code": error if _CODE(error) else "",
        "network.transport": "tcp",
        "network.protocol.name": "http",
    }
    return {name: value for name, value in found.items() if value}


def _context(parent: str, state: str = "") -> trace.SpanContext | None:
    """What a traceparent and its tracestate say; None where they are no context."""
    if not parent:
        return None
    found = trace.get_current_span(_PROPAGATOR.extract({"traceparent": parent, "tracestate": state})).get_span_context()
    return found if found.is_valid else None
