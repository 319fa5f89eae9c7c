"""For each alert: series that set it off and end it, in the notation of promtool's unit tests, a value a minute."""

from __future__ import annotations

from dataclasses import dataclass, field

HOST = 'fleet="mcp",host="h1",instance="h1",job="mcp"'
SERVER = f'{HOST},server="time"'
CALLS = 'fleet="mcp",host="h1",server="time",mcp_method_name="tools/call",gen_ai_tool_name="now"'


@dataclass(frozen=True)
class Case:
    """``series`` are names and values. The alert is off ``before``, on ``during``, off ``after``, in minutes."""

    alert: str
    series: dict[str, str]
    before: int
    during: int
    after: int
    labels: dict[str, str]
    summary: str
    severity: str = "warning"
    never: bool = field(default=False)
    """Whether it must not go off at all."""


def server(**more: str) -> dict[str, str]:
    return {"fleet": "mcp", "host": "h1", "instance": "h1", "job": "mcp", "server": "time", **more}


def host(**more: str) -> dict[str, str]:
    return {"fleet": "mcp", "host": "h1", "instance": "h1", "job": "mcp", **more}


_OF_SERVER = {"fleet": "mcp", "server": "time"}
_COUNT, _BUCKET = "mcp_server_operation_duration_seconds_count", "mcp_server_operation_duration_seconds_bucket"

CASES = (
    Case(
        "McpServerDown",
        {f"mcp_server_up{{{SERVER}}}": "1x4 0x11 1x30", f"mcp_server_quarantined{{{SERVER}}}": "0x60"},
        8, 12, 20, server(), "time does not answer on h1", "critical",
    ),
    Case(
        "McpServerDown",
        {f"mcp_server_up{{{SERVER}}}": "0x60", f"mcp_server_quarantined{{{SERVER}}}": "1x60"},
        8, 12, 20, server(), "", "critical", never=True,
    ),
    Case(
        "McpServerQuarantined",
        {f"mcp_server_quarantined{{{SERVER}}}": "0x4 1x9 0x30"},
        3, 8, 20, server(), "time on h1 has failed so often that it is left alone for long", "critical",
    ),
    Case(
        "McpServerFlapping",
        {f"mcp_server_restarts_total{{{SERVER}}}": "0x4 1 2 3 4 5x60"},
        4, 15, 50, server(), "time on h1 comes and goes",
    ),
    Case(
        "McpServerFlapping",
        {f"mcp_server_up{{{SERVER}}}": "1x4 0 1 0 1 0 1x90"},
        4, 12, 80, server(), "time on h1 comes and goes",
    ),
    Case(
        "McpServerReplicasMissing",
        {
            f"mcp_server_replicas_serving{{{SERVER}}}": "2x4 1x15 2x30",
            f"mcp_server_replicas_desired{{{SERVER}}}": "2x60",
            f"mcp_server_up{{{SERVER}}}": "1x60",
        },
        12, 18, 30, server(), "time has 1 containers on h1, and is to have more",
    ),
    Case(
        "McpServerTargetsUnhealthy",
        {f'mcp_server_targets{{{SERVER},state="unhealthy"}}': "_x4 2x15 _x30"},
        12, 18, 30, server(state="unhealthy"), "2 targets of time fail the load balancer's health check",
    ),
    Case(
        "McpServerErrors",
        {
            f'{_COUNT}{{{CALLS},error_type=""}}': "0+60x90",
            f'{_COUNT}{{{CALLS},error_type="tool_error"}}': "0x4 20+20x20 420x60",
        },
        12, 22, 50, _OF_SERVER, "25% of the calls of time fail",
    ),
    Case(
        "McpServerErrors",
        {
            f'{_COUNT}{{{CALLS},error_type=""}}': "0+60x90",
            f'{_COUNT}{{{CALLS},error_type="cancelled"}}': "0+60x90",
        },
        12, 22, 50, _OF_SERVER, "", never=True,
    ),
    Case(
        "McpServerSlow",
        {
            f'{_BUCKET}{{{CALLS},error_type="",le="10.0"}}': "0+60x8 480x20 540+60x60",
            f'{_BUCKET}{{{CALLS},error_type="",le="30.0"}}': "0+60x90",
            f'{_BUCKET}{{{CALLS},error_type="",le="+Inf"}}': "0+60x90",
        },
        8, 26, 50, _OF_SERVER, "One tool call in twenty of time takes 29s or longer",
    ),
    Case(
        "McpServerNearMemoryLimit",
        {
            f"mcp_server_memory_bytes{{{SERVER}}}": "50x4 95x15 40x30",
            f"mcp_server_memory_limit_bytes{{{SERVER}}}": "100x60",
        },
        12, 18, 30, server(), "time on h1 uses 95% of its memory",
    ),
    Case(
        "McpServerOutOfMemory",
        {f"mcp_server_oom_kills_total{{{SERVER}}}": "0x4 1x60"},
        4, 10, 30, server(), "The kernel has killed processes of time on h1 for want of memory",
    ),
    Case(
        "McpCertificateEnds",
        {f"mcp_server_certificate_ends_timestamp_seconds{{{SERVER}}}": "1210500x30 9999999x30"},
        2, 20, 40, server(), "The certificate of time, which runs elsewhere, ends in 13d 23h 55m 0s",
    ),
    Case(
        "McpNotScraped",
        {
            f"up{{{HOST}}}": "1x4 0x10 1x30",
            'up{fleet="mcp",server="time",job="mcp"}': "0x60",
            'up{job="others"}': "0x60",
        },
        8, 12, 20, host(), "The monitor on h1 tells nothing", "critical",
    ),
    Case(
        "McpStateStale",
        {
            f"mcp_run_finished_timestamp_seconds{{{HOST}}}": "0x20 1260x30",
            f"mcp_run_interval_seconds{{{HOST}}}": "300x60",
        },
        15, 18, 25, host(), "No run has ended on h1 when it should have", "critical",
    ),
    Case(
        "McpStateStale",
        {f"mcp_state_readable{{{HOST}}}": "1x4 0x10 1x30"},
        4, 8, 25, host(), "No run has ended on h1 when it should have", "critical",
    ),
    Case(
        "McpRunFailing",
        {f"mcp_run_success{{{HOST}}}": "1x4 0x20 1x30"},
        18, 22, 30, host(), "Runs on h1 end with errors",
    ),
    Case(
        "McpDriftAgainAndAgain",
        {f"mcp_run_repaired_servers{{{HOST}}}": "0x4 1x30 0x90"},
        6, 30, 110, host(), "Something on h1 changes what runs have made, again and again",
    ),
    Case(
        "McpRequestsWaiting",
        {f"mcp_requests_waiting{{{HOST}}}": "0x4 2x15 0x30"},
        12, 18, 30, host(), "2 requests wait on h1, and no run takes them",
    ),
    Case(
        "McpWatcherGone",
        {f"mcp_watcher_up{{{HOST}}}": "1x4 0x10 1x30"},
        5, 10, 20, host(), "The watcher on h1 has stopped", "critical",
    ),
    Case(
        "McpQuotaNear",
        {
            f'mcp_quota_used{{{HOST},load_balancer="shared",quota="rules"}}': "80x4 95x10 80x30",
            f'mcp_quota_limit{{{HOST},load_balancer="shared",quota="rules"}}': "100x60",
        },
        8, 12, 20, host(load_balancer="shared", quota="rules"), "shared has 95% of its rules",
    ),
    Case(
        "McpListenerUnknown",
        {f'mcp_listener_up{{{HOST},load_balancer="shared",port="443"}}': "1x4 0x20 1x30"},
        18, 22, 30, host(load_balancer="shared", port="443"), "Runs on h1 cannot ask for the rules of shared",
    ),
)  # fmt: skip
