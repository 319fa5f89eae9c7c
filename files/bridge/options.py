"""The bridge's command line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from .call_record import RECORDS
from .limits import Limits
from .log import LEVELS

if TYPE_CHECKING:
    import argparse

ISOLATIONS = ("per_session", "pooled", "shared")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Options:
    """What the command line says.

    `path`: the public prefix without a slash at its end. `isolation`: one of ISOLATIONS. `command`: the server's,
    without the `secret_args` arguments at its end, which the environment has. `call_record`: one of RECORDS. `origins`,
    `hosts`: as OriginCheck takes them. `limits`: those that the command line can set, and the defaults.
    """

    host: str
    port: int
    path: str
    isolation: str
    command: list[str]
    secret_args: int
    log_level: str
    call_record: str
    origins: list[str]
    hosts: list[str]
    limits: Limits


def parse(arguments: list[str]) -> Options:
    """Returns the options in `arguments`. Exits with a usage message where they are wrong."""
    ours, dashes, command = arguments, "", []
    if "--" in arguments:
        at = arguments.index("--")
        ours, dashes, command = arguments[:at], "--", arguments[at + 1 :]
    parser = _parser(Limits())
    found = parser.parse_args(ours)
    if not dashes or (not command and not found.secret_args):
        parser.error("the server's command is missing after --")
    if found.path and not found.path.startswith("/"):
        parser.error("--path must begin with /")
    return Options(
        host=found.host,
        port=found.port,
        path=found.path.rstrip("/"),
        isolation=found.isolation,
        command=command,
        secret_args=found.secret_args,
        log_level=found.log_level,
        call_record=found.call_record,
        origins=found.allow_origin,
        hosts=found.allow_host,
        limits=Limits(
            sessions=found.max_sessions,
            message=found.max_message,
            pool_size=found.pool_size,
            warm_processes=found.warm_processes,
            idle_seconds=found.idle_timeout,
            sleep_after=found.sleep_after,
            deep_check_seconds=found.deep_check_interval,
            resume_seconds=found.resume_timeout,
            abandoned_seconds=found.resume_timeout,
        ),
    )


def _parser(defaults: Limits) -> argparse.ArgumentParser:
    """What an entry's `orchestrator` key or the settings can set; everything else is a constant in limits.py."""
    import argparse  # whoever has parsed can drop it

    parser = argparse.ArgumentParser(
        prog="bridge",
        usage="bridge [options] -- COMMAND [ARGUMENT ...]",
        description="Serves a stdio MCP server over HTTP.",
    )
    add = parser.add_argument
    add("--host", default="0.0.0.0", help="address to listen on")  # noqa: S104  # inside a container
    add("--port", type=int, default=8000)
    add("--path", default="", help="public prefix, such as /mcp/time")
    add("--isolation", choices=ISOLATIONS, default="per_session")
    add("--max-sessions", type=int, default=defaults.sessions)
    add("--max-message", type=int, default=defaults.message, help="bytes")
    add("--idle-timeout", type=float, default=defaults.idle_seconds, help="seconds after which a session ends")
    add("--sleep-after", type=float, default=defaults.sleep_after, help="seconds without a client; 0: never")
    add("--deep-check-interval", type=float, default=defaults.deep_check_seconds, help="seconds, in sleep")
    add("--resume-timeout", type=float, default=defaults.resume_seconds, help="the same without its stream or client")
    add("--pool-size", type=int, default=defaults.pool_size, help="processes at most, with --isolation pooled")
    add("--warm-processes", type=int, default=defaults.warm_processes, help="with --isolation per_session")
    add("--secret-args", type=int, default=0, help="arguments of the server that are in MCP_SECRET_ARG_1, …")
    add("--allow-origin", action="append", default=[], metavar="ORIGIN", help="or * for any")
    add("--allow-host", action="append", default=[], metavar="NAME")
    add("--call-record", choices=RECORDS, default="on", help="a line in the log for each call, with its trace")
    add("--log-level", choices=LEVELS, default="info")
    return parser
