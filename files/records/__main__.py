"""Prints the log of a server, or its calls: python -m records NAME [--grep TEXT] [--since 2h] [--follow]."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path

from .line import LEVELS, STREAMS, Line
from .logs import MOST_LINES, Logs
from .moment import moment
from .query import Query, QueryRefused

_POLL_SECONDS = 0.3
_NARROW = 200  # lines of a log that is asked for without saying which


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints until there is no more, or until it is interrupted. Returns 0, or 1 with the reason on stderr."""
    options = _parser().parse_args(arguments)
    logs = Logs(options.directory / ("calls" if options.calls else "logs"))
    servers = options.name or logs.servers()
    try:
        query = Query(
            text=options.grep,
            regex=options.regex,
            since=moment(options.since, time.time()) if options.since else "",
            until=moment(options.until, time.time()) if options.until else "",
            stream=options.stream,
            level=options.level,
        )
        _refuse_unknown(servers, logs)
    except (ValueError, QueryRefused, LookupError) as error:
        print(f"mcp logs: {error.args[0]}", file=sys.stderr)
        return 1
    say = _printer(several=len(servers) > 1)
    with suppress(KeyboardInterrupt):
        _print(logs, servers, query, options, say)
    return 0


def _print(
    logs: Logs, servers: Sequence[str], query: Query, options: argparse.Namespace, say: Callable[[Iterable[Line]], None]
) -> None:
    asked = any((options.grep, options.regex, options.since, options.until))
    if len(servers) == 1 and asked and not options.follow and not options.lines:
        say(logs.oldest_first(servers[0], query))
        return
    page = logs.tail(servers, query, options.lines or (MOST_LINES if asked else _NARROW))
    say(page.lines)
    while options.follow:
        time.sleep(_POLL_SECONDS)
        page = logs.after(page.position, query)
        say(page.lines)


def _refuse_unknown(servers: Sequence[str], logs: Logs) -> None:
    there = logs.servers()
    unknown = [name for name in servers if name not in there]
    if unknown:
        known = ", ".join(there) or "none yet"
        raise LookupError(
            f"nothing is kept of {', '.join(map(repr, unknown))}; there is: {known}."
            f" docker logs and journalctl -t mcp-NAME show what is not kept here"
        )


def _printer(*, several: bool) -> Callable[[Iterable[Line]], None]:
    def say(lines: Iterable[Line]) -> None:
        for line in lines:
            server = f"{line.server} " if several else ""
            stream = "" if line.stream == "out" else f"{line.stream}: "
            print(f"{line.time[:23]}Z {server}{stream}{line.text}")
        sys.stdout.flush()

    return say


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m records", description="Prints what the watcher keeps of servers.")
    add = parser.add_argument
    add("name", nargs="*", metavar="NAME", help="a server; all without one")
    add("--directory", type=Path, default=Path("/var/lib/mcp-orchestrator"), help="the watcher's")
    add("--calls", action="store_true", help="the record of calls instead of the log")
    add("--grep", default="", metavar="TEXT", help="only lines with this, in small or capital letters")
    add("--regex", default="", metavar="EXPRESSION", help="only lines with this, as grep -E takes it")
    add("--since", default="", metavar="TIME", help="such as 2h, 30m, or 2026-11-29T01:19:13Z")
    add("--until", default="", metavar="TIME")
    add("--stream", default="", choices=STREAMS)
    add("--level", default="", choices=LEVELS, help="lines of this level and above")
    add("--lines", type=int, default=0, metavar="N", help="the last N lines")
    add("--follow", action="store_true", help="go on with what comes")
    return parser


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:  # head has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
