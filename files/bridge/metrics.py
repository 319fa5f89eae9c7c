"""Counts and durations in Prometheus' text format.

Calls are told as OpenTelemetry's conventions for MCP want it: `mcp.server.operation.duration` in seconds, with its
buckets and attributes (github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/mcp.md).
"""

from __future__ import annotations

from bisect import bisect_left

_BUCKETS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
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
)
# A client may invent methods and tools, and a server may list any number: neither makes time series without end.
OTHER = "_OTHER"
_MOST_TOOLS = 100
_LONGEST_TOOL = 128
_MOST_SERIES = 256
_DURATION = "mcp_server_operation_duration_seconds"
_PREFIX = "mcp_bridge_"
_MEANINGS = {
    "sessions_opened_total": "Sessions that were opened.",
    "child_starts_total": "Starts of processes of the server.",
    "oom_kills_total": "Processes that the kernel killed for want of memory.",
    "wakes_total": "Calls that found the server asleep.",
    "received_bytes_total": "Bytes that clients sent, with the heads of requests.",
    "sent_bytes_total": "Bytes that were sent to clients, with the heads of answers.",
    "sessions": "Open sessions.",
    "sessions_fit": "Sessions for which there is room, with those that are open.",
    "calls_in_flight": "Calls that have no answer yet.",
    "calls_queued": "Calls that wait for a process.",
    "warm_processes": "Processes of the server that wait for a session.",
    "children": "Processes of the server.",
    "healthy": "Whether the server answers, or sleeps: 1 or 0.",
    "asleep": "Whether the server sleeps: 1 or 0.",
}


class Metrics:
    """What has happened since the start."""

    def __init__(self) -> None:
        self.calls = 0
        self.failed = 0
        """Calls that got no answer from the server."""
        self.sessions = 0
        self.tools: list[str] = []
        """The names that the server last listed."""
        self._labels: dict[str, str] = {}
        self._series: dict[tuple[str, str, str], list[float]] = {}  # counts of each bucket, then the sum

    def called(self, method: str, outcome: str, seconds: float, tool: str = "", error: str = "") -> None:
        """Counts a call that ended after `seconds`. `outcome`: ok, error (the server's), lost (it died), busy,
        cancelled or ended. `tool`: the client's name for it, empty for other methods. `error`: as error_type says of an
        answer."""
        self.calls += 1
        if outcome not in ("ok", "error"):
            self.failed += 1
        error = error or ("" if outcome == "ok" else outcome)
        key = (method if method in _METHODS else OTHER, tool and self._label(tool), error)
        found = self._series.get(key)
        if found is None:
            if len(self._series) >= _MOST_SERIES:
                key = (key[0], tool and OTHER, error and OTHER)
            found = self._series.setdefault(key, [0] * (len(_BUCKETS) + 2))
        found[bisect_left(_BUCKETS, seconds)] += 1
        found[-1] += seconds

    def _label(self, tool: str) -> str:
        """What stands for a tool: its name where the server has listed it."""
        label = self._labels.get(tool)
        if label is None:
            if len(self._labels) >= _MOST_TOOLS or len(tool) > _LONGEST_TOOL or tool not in self.tools:
                return OTHER
            label = self._labels[tool] = tool
        return label

    def render(self, gauges: dict[str, float], counters: dict[str, float]) -> bytes:
        """Returns the page. `gauges` and `counters`: further values by name, without the prefix."""
        lines = [
            f"# HELP {_DURATION} How long calls took. Without an error_type the server answered them well.",
            f"# TYPE {_DURATION} histogram",
        ]
        for (method, tool, error), found in sorted(self._series.items()):
            labels = f'mcp_method_name="{method}",gen_ai_tool_name="{_escaped(tool)}",error_type="{error}"'
            total = 0
            for bound, count in zip((*_BUCKETS, "+Inf"), found, strict=False):
                total += int(count)
                lines.append(f'{_DURATION}_bucket{{{labels},le="{bound}"}} {total}')
            lines += [f"{_DURATION}_sum{{{labels}}} {found[-1]:.6f}", f"{_DURATION}_count{{{labels}}} {total}"]
        for kind, values in (("counter", {"sessions_opened_total": self.sessions, **counters}), ("gauge", gauges)):
            for name, value in values.items():
                lines += [
                    f"# HELP {_PREFIX}{name} {_MEANINGS[name]}",
                    f"# TYPE {_PREFIX}{name} {kind}",
                    f"{_PREFIX}{name} {value}",
                ]
        return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
