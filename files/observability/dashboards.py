"""The dashboards for Grafana: python -m observability.dashboards DIRECTORY writes a file of each.

Each query is tried on a real Prometheus in the tests: there is no panel without data.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from observability.panel import Dashboard, Panel, Variable, document

_FLEET = Variable("fleet", "Fleet", "label_values(mcp_build_info, fleet)")
_HOST = Variable("host", "Host", 'label_values(mcp_build_info{fleet="$fleet"}, host)', many=True)
_SERVER = Variable("server", "Server", 'label_values(mcp_server_info{fleet="$fleet"}, server)')
_HERE = 'fleet="$fleet", host=~"$host"'
_THIS = f'{_HERE}, server="$server"'
_CALLS = f"mcp_server_operation_duration_seconds_count{{{_THIS}}}"
_BUCKETS = f'mcp_server_operation_duration_seconds_bucket{{{_THIS}, mcp_method_name="tools/call"}}'
_RATE = "[$__rate_interval]"

FLEET = Dashboard(
    "mcp-fleet",
    "MCP fleet",
    (_FLEET, _HOST),
    (
        Panel("Answering", [(f"sum(mcp_server_up{{{_HERE}}})", "")], kind="stat", width=4, height=4),
        Panel("Not answering", [(f"sum(1 - mcp_server_up{{{_HERE}}})", "")], kind="stat", width=4, height=4),
        Panel(
            "Last run",
            [(f"min(mcp_run_success{{{_HERE}}})", "")],
            kind="stat",
            width=4,
            height=4,
            texts=("failed", "ok"),
        ),
        Panel(
            "Age of the state",
            [(f"time() - min(mcp_run_finished_timestamp_seconds{{{_HERE}}})", "")],
            "s",
            "stat",
            "Of all that is said of servers.",
            4,
            4,
        ),
        Panel(
            "Watcher",
            [(f"min(mcp_watcher_up{{{_HERE}}})", "")],
            kind="stat",
            width=4,
            height=4,
            texts=("gone", "there"),
        ),
        Panel(
            "Alerts",
            [('count(ALERTS{alertname=~"Mcp.*", alertstate="firing", fleet="$fleet"}) or vector(0)', "")],
            kind="stat",
            width=4,
            height=4,
        ),
        Panel(
            "Servers that answer",
            [(f"mcp_server_up{{{_HERE}}}", "{{server}}")],
            kind="state-timeline",
            width=16,
            height=10,
            texts=("no", "yes"),
            meaning="Whether each answered the last run, or sleeps.",
        ),
        Panel(
            "Servers by condition",
            [(f"sum by (condition) (mcp_servers{{{_HERE}}})", "{{condition}}")],
            height=10,
            stacked=True,
        ),
        Panel("Calls", [('mcp:server_calls:rate5m{fleet="$fleet"}', "{{server}}")], "reqps"),
        Panel("Calls that fail", [('mcp:server_errors:ratio_rate5m{fleet="$fleet"}', "{{server}}")], "percentunit"),
        Panel(
            "Tool calls, 95 of 100 take at most",
            [('mcp:server_tool_seconds:p95_5m{fleet="$fleet"}', "{{server}}")],
            "s",
        ),
        Panel("Memory of its limit", [(f"mcp:server_memory:ratio{{{_HERE}}}", "{{server}}")], "percentunit"),
        Panel("Processor, cores", [(f"mcp_server_cpu_cores{{{_HERE}}}", "{{server}}")]),
        Panel(
            "Containers that serve, and that are to",
            [
                (f"sum(mcp_server_replicas_serving{{{_HERE}}})", "serve"),
                (f"sum(mcp_server_replicas_desired{{{_HERE}}})", "are to"),
            ],
        ),
        Panel("Runs take", [(f"mcp_run_seconds{{{_HERE}}}", "{{host}}")], "s"),
        Panel(
            "What runs do",
            [
                (f"mcp_run_changes{{{_HERE}}}", "changes on {{host}}"),
                (f"mcp_run_errors{{{_HERE}}}", "errors on {{host}}"),
                (f"mcp_run_repaired_servers{{{_HERE}}}", "repaired servers on {{host}}"),
                (f"mcp_requests_waiting{{{_HERE}}}", "requests that wait on {{host}}"),
            ],
        ),
        Panel(
            "Quotas of the load balancer",
            [(f"mcp_quota_used{{{_HERE}}} / mcp_quota_limit", "{{load_balancer}}: {{quota}}")],
            "percentunit",
            "bargauge",
        ),
    ),
)

SERVER = Dashboard(
    "mcp-server",
    "MCP server",
    (_FLEET, _HOST, _SERVER),
    (
        Panel("Answers", [(f"min(mcp_server_up{{{_THIS}}})", "")], kind="stat", width=4, height=4, texts=("no", "yes")),
        Panel("Tools", [(f"max(mcp_server_tools{{{_THIS}}})", "")], kind="stat", width=4, height=4),
        Panel(
            "Is in its condition since",
            [(f"time() - max(mcp_server_condition_since_timestamp_seconds{{{_THIS}}})", "")],
            "s",
            "stat",
            width=4,
            height=4,
        ),
        Panel("What it is", [(f"mcp_server_info{{{_THIS}}}", "")], kind="table", width=12, height=4),
        Panel(
            "Calls by tool",
            [
                (
                    f"sum by (mcp_method_name, gen_ai_tool_name) (rate({_CALLS}{_RATE}))",
                    "{{mcp_method_name}} {{gen_ai_tool_name}}",
                )
            ],
            "reqps",
            stacked=True,
        ),
        Panel(
            "Calls that fail, by kind",
            [
                (
                    f'sum by (error_type, gen_ai_tool_name) (rate({_CALLS[:-1]}, error_type!=""}}{_RATE}))',
                    "{{error_type}} {{gen_ai_tool_name}}",
                )
            ],
            "reqps",
            stacked=True,
        ),
        Panel(
            "Tool calls take",
            [
                (f"histogram_quantile({share}, sum by (le) (rate({_BUCKETS}{_RATE})))", legend)
                for share, legend in ((0.5, "half"), (0.95, "95 of 100"), (0.99, "99 of 100"))
            ],
            "s",
        ),
        Panel(
            "Tool calls by duration", [(f"sum by (le) (rate({_BUCKETS}{_RATE}))", "{{le}}")], kind="heatmap", least=None
        ),
        Panel(
            "Sessions",
            [
                (f"sum(mcp_bridge_sessions{{{_THIS}}})", "open"),
                (f"sum(mcp_bridge_sessions_fit{{{_THIS}}})", "room for"),
            ],
        ),
        Panel(
            "Calls under way",
            [
                (f"sum(mcp_bridge_calls_in_flight{{{_THIS}}})", "without an answer"),
                (f"sum(mcp_bridge_calls_queued{{{_THIS}}})", "wait for a process"),
            ],
        ),
        Panel(
            "Processes",
            [
                (f"sum(mcp_bridge_children{{{_THIS}}})", "of the server"),
                (f"sum(mcp_bridge_warm_processes{{{_THIS}}})", "wait for a session"),
                (f"sum(mcp_bridge_asleep{{{_THIS}}})", "bridges whose server sleeps"),
            ],
        ),
        Panel(
            "Memory",
            [(f"mcp_server_memory_bytes{{{_THIS}}}", "used"), (f"mcp_server_memory_limit_bytes{{{_THIS}}}", "limit")],
            "bytes",
        ),
        Panel(
            "Processor, cores",
            [(f"mcp_server_cpu_cores{{{_THIS}}}", "used"), (f"mcp_server_cpu_limit_cores{{{_THIS}}}", "limit")],
        ),
        Panel(
            "Restarts and kills for want of memory",
            [
                (f"increase(mcp_server_restarts_total{{{_THIS}}}{_RATE})", "restarts"),
                (f"increase(mcp_server_oom_kills_total{{{_THIS}}}{_RATE})", "kills in containers"),
                (f"sum(increase(mcp_bridge_child_starts_total{{{_THIS}}}{_RATE}))", "starts of processes"),
            ],
        ),
        Panel(
            "Bytes of clients",
            [
                (f"sum(rate(mcp_bridge_received_bytes_total{{{_THIS}}}{_RATE}))", "received"),
                (f"sum(rate(mcp_bridge_sent_bytes_total{{{_THIS}}}{_RATE}))", "sent"),
            ],
            "Bps",
        ),
        Panel("Targets by health", [(f"sum by (state) (mcp_server_targets{{{_THIS}}})", "{{state}}")], stacked=True),
        Panel("Asking it for its tools takes", [(f"mcp_server_probe_seconds{{{_THIS}}}", "{{host}}")], "s"),
    ),
)

_BACKEND = f'{_HERE}, server!=""'
BALANCER = Dashboard(
    "mcp-balancer",
    "MCP load balancer",
    (_FLEET, _HOST),
    (
        Panel(
            "Requests by server",
            [(f"sum by (server) (rate(haproxy_backend_http_requests_total{{{_BACKEND}}}{_RATE}))", "{{server}}")],
            "reqps",
            stacked=True,
        ),
        Panel(
            "Answers by status",
            [(f"sum by (code) (rate(haproxy_frontend_http_responses_total{{{_HERE}}}{_RATE}))", "{{code}}")],
            "reqps",
            stacked=True,
        ),
        Panel(
            "Answers 5xx by server",
            [
                (
                    f'sum by (server) (rate(haproxy_backend_http_responses_total{{{_BACKEND}, code="5xx"}}{_RATE}))',
                    "{{server}}",
                )
            ],
            "reqps",
        ),
        Panel(
            "Servers begin to answer after",
            [(f"max by (server) (haproxy_backend_response_time_average_seconds{{{_BACKEND}}})", "{{server}}")],
            "s",
            meaning="The mean of the last 1,024 requests. An event stream has begun to answer with its first bytes.",
        ),
        Panel("Healthy targets", [(f"sum by (server) (haproxy_backend_active_servers{{{_BACKEND}}})", "{{server}}")]),
        Panel(
            "Requests that wait for a target",
            [(f"sum by (server) (haproxy_backend_current_queue{{{_BACKEND}}})", "{{server}}")],
        ),
        Panel(
            "Requests under way", [(f"sum by (server) (haproxy_backend_current_sessions{{{_BACKEND}}})", "{{server}}")]
        ),
        Panel(
            "Errors towards targets",
            [
                (f"sum(rate(haproxy_backend_connection_errors_total{{{_HERE}}}{_RATE}))", "no connection"),
                (f"sum(rate(haproxy_backend_response_errors_total{{{_HERE}}}{_RATE}))", "no whole answer"),
                (f"sum(rate(haproxy_backend_retry_warnings_total{{{_HERE}}}{_RATE}))", "tried again"),
            ],
            "reqps",
        ),
        Panel(
            "Bytes of clients",
            [
                (f"sum(rate(haproxy_frontend_bytes_in_total{{{_HERE}}}{_RATE}))", "received"),
                (f"sum(rate(haproxy_frontend_bytes_out_total{{{_HERE}}}{_RATE}))", "sent"),
            ],
            "Bps",
        ),
        Panel("Connections", [(f"haproxy_process_current_connections{{{_HERE}}}", "{{host}}")]),
        Panel(
            "Runs since",
            [(f"time() - haproxy_process_start_time_seconds{{{_HERE}}}", "{{host}}")],
            "s",
            "stat",
            "Since the last change of a route, from which on it counts.",
        ),
    ),
)

ALL = (FLEET, SERVER, BALANCER)


def main(directory: Path) -> None:
    """Writes a file of each dashboard into ``directory``, and says which were another before."""
    for dashboard in ALL:
        file, text = directory / f"{dashboard.uid}.json", json.dumps(document(dashboard), indent=1) + "\n"
        if not file.exists() or file.read_text(encoding="utf-8") != text:
            file.write_text(text, encoding="utf-8")
            print(f"written: {file}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
