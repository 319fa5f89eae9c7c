"""What Prometheus scrapes. The library that writes it is loaded with the first scrape."""

from __future__ import annotations

from monitor.access.users import VIEW
from monitor.api.operation import Call, Operation
from monitor.web import Answer

PLAIN, OPENMETRICS = "text/plain", "application/openmetrics-text"


def _metrics(call: Call) -> Answer:
    from monitor.metrics.exposition import answer
    from monitor.metrics.page import families_of

    return answer(families_of(call.sources, call.now), call.request)


METRICS = (
    Operation(
        "getMetrics",
        "GET",
        "/metrics",
        VIEW,
        "What is measured of the fleet and its servers, for Prometheus.",
        _metrics,
        None,
        media=(PLAIN, OPENMETRICS),
        more="Also at `/metrics` below the page's path. In OpenMetrics where Accept names it.",
    ),
)
