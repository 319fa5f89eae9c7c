"""The bridge's command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass

from .limits import Limits
from .log import LEVELS

ISOLATIONS = ("per_session", "pooled", "shared")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Options:
    """What the bridge was asked for. Times in seconds."""

    host: str
    port: int
    path: str
    isolation: str
    command: list[str]
    log_level: str
    origins: list[str]
    hosts: list[str]
    limits: Limits


def parse(arguments: list[str]) -> Options:
    """The options in `arguments`. Exits with a usage message where they are wrong."""
    ours, dashes, command = arguments, "", []
    if "--" in arguments:
        at = arguments.index("--")
        ours, dashes, command = arguments[:at], "--", arguments[at + 1 :]
    defaults = Limits()
    parser = argparse.ArgumentParser(
        prog="bridge",
        usage="bridge [options] -- COMMAND [ARGUMENT ...]",
        description="Serves a stdio MCP server over HTTP.",
    )
    parser.add_argument("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104  # inside a container
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--path", default="", help="public prefix, such as /mcp/time")
    parser.add_argument("--isolation", choices=ISOLATIONS, default="per_session")
    parser.add_argument("--max-sessions", type=int, default=defaults.sessions)
    parser.add_argument("--max-message", type=int, default=defaults.message, help="bytes")
    parser.add_argument("--idle-timeout", type=float, default=defaults.idle_seconds, help="seconds")
    parser.add_argument("--grace", type=float, default=defaults.grace_seconds, help="seconds after a lost stream")
    parser.add_argument(
        "--probe-interval", type=float, default=defaults.ask_seconds, help="seconds between signs of life"
    )
    parser.add_argument(
        "--probe-timeout", type=float, default=defaults.silence_seconds, help="seconds that a sign of life may take"
    )
    parser.add_argument("--pool", type=int, default=defaults.pool, help="children at most, with --isolation pooled")
    parser.add_argument("--warm", type=int, default=defaults.warm, help="spare children, with --isolation per_session")
    parser.add_argument("--allow-origin", action="append", default=[], metavar="ORIGIN", help="or * for any")
    parser.add_argument("--allow-host", action="append", default=[], metavar="NAME")
    parser.add_argument("--log-level", choices=LEVELS, default="info")
    found = parser.parse_args(ours)
    if not dashes or not command:
        parser.error("the server's command is missing after --")
    if found.path and not found.path.startswith("/"):
        parser.error("--path must begin with /")
    return Options(
        host=found.host,
        port=found.port,
        path=found.path.rstrip("/"),
        isolation=found.isolation,
        command=command,
        log_level=found.log_level,
        origins=found.allow_origin,
        hosts=found.allow_host,
        limits=Limits(
            sessions=found.max_sessions,
            message=found.max_message,
            pool=found.pool,
            warm=found.warm,
            idle_seconds=found.idle_timeout,
            grace_seconds=found.grace,
            abandoned_seconds=found.grace,
            ask_seconds=found.probe_interval,
            silence_seconds=found.probe_timeout,
            hung_seconds=10 * found.probe_timeout,
        ),
    )
