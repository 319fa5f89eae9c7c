"""Counts and durations in Prometheus' text format."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter

_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)
_METHODS = frozenset(
    {
        "completion/complete",
        "initialize",
        "logging/setLevel",
        "ping",
        "prompts/get",
        "prompts/list",
        "resources/list",
        "resources/read",
        "resources/subscribe",
        "resources/templates/list",
        "resources/unsubscribe",
        "server/discover",
        "subscriptions/listen",
        "tools/call",
        "tools/list",
    }
)  # a client may invent methods; it must not invent time series


class Metrics:
    """What has happened since the start."""

    def __init__(self) -> None:
        self.calls: Counter[tuple[str, str]] = Counter()
        self.sessions = 0
        self._buckets = [0] * (len(_BUCKETS) + 1)
        self._seconds = 0.0

    def called(self, method: str, outcome: str, seconds: float) -> None:
        """Counts a call that ended after `seconds`. `outcome`: ok, error (the server's), lost (it died), busy,
        cancelled or ended."""
        self.calls[method if method in _METHODS else "other", outcome] += 1
        self._buckets[bisect_left(_BUCKETS, seconds)] += 1
        self._seconds += seconds

    @property
    def failed(self) -> int:
        """Calls that got no answer from the server."""
        return sum(count for (_, outcome), count in self.calls.items() if outcome not in ("ok", "error"))

    def render(self, gauges: dict[str, float], counters: dict[str, float]) -> bytes:
        """Returns the page. `gauges` and `counters`: further values by name, without the prefix."""
        lines = ["# TYPE mcp_bridge_calls_total counter"]
        lines += [
            f'mcp_bridge_calls_total{{method="{method}",outcome="{outcome}"}} {count}'
            for (method, outcome), count in sorted(self.calls.items())
        ]
        lines.append("# TYPE mcp_bridge_call_seconds histogram")
        total = 0
        for bound, count in zip((*_BUCKETS, "+Inf"), self._buckets, strict=True):
            total += count
            lines.append(f'mcp_bridge_call_seconds_bucket{{le="{bound}"}} {total}')
        lines.append(f"mcp_bridge_call_seconds_sum {self._seconds:.6f}")
        lines.append(f"mcp_bridge_call_seconds_count {total}")
        for kind, values in (("counter", {"sessions_total": self.sessions, **counters}), ("gauge", gauges)):
            for name, value in values.items():
                lines += [f"# TYPE mcp_bridge_{name} {kind}", f"mcp_bridge_{name} {value:g}"]
        return ("\n".join(lines) + "\n").encode()
