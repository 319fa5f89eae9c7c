"""From families to an answer, in the form that the client asks for."""

from __future__ import annotations

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4 as CONTENT_TYPE_PLAIN
from prometheus_client.exposition import generate_latest as plain_text
from prometheus_client.openmetrics.exposition import CONTENT_TYPE_LATEST as CONTENT_TYPE_OPENMETRICS
from prometheus_client.openmetrics.exposition import generate_latest as openmetrics_text

from monitor.compress import LEAST, compressed, takes_gzip
from monitor.metrics.measure import Families
from monitor.web import Answer, Request

_OPENMETRICS = "application/openmetrics-text"


def wants_openmetrics(accepted: str) -> bool:
    """Returns whether a client with this Accept asks for OpenMetrics, which it names only where it prefers that."""
    return any(each.partition(";")[0].strip() == _OPENMETRICS for each in accepted.lower().split(","))


def answer(families: Families, request: Request) -> Answer:
    """Returns the families in OpenMetrics 1.0 or in Prometheus' text format 0.0.4."""
    if wants_openmetrics(request.headers.get("accept", "")):
        return _sent(openmetrics_text(families), CONTENT_TYPE_OPENMETRICS, request)  # type: ignore[no-untyped-call]
    return _sent(plain_text(families), CONTENT_TYPE_PLAIN, request)


def told(content: bytes, request: Request) -> Answer:
    """Returns the answer with what somebody else has written, in the text format."""
    return _sent(content, CONTENT_TYPE_PLAIN, request)


def _sent(content: bytes, content_type: str, request: Request) -> Answer:
    """The answer, compressed where the client takes that."""
    headers = {"Vary": "Accept, Accept-Encoding, Origin"}
    if len(content) >= LEAST and takes_gzip(request.headers.get("accept-encoding", "")):
        content, headers["Content-Encoding"] = compressed(content), "gzip"
    return Answer(content, 200, content_type, headers)
