"""The command line: python -m request stop time. Exit code 0 when it is done, 1 when not, 3 when nobody answers."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from request.client import NotWritten, ask, identity, wait_for
from request.who import asker

ACTIONS = ("stop", "start", "restart", "pull", "sync", "clear-override", "create", "delete", "check")
DONE, NOT_DONE, UNANSWERED = 0, 1, 3


def main(arguments: list[str]) -> int:
    """Asks for what ``arguments`` say; returns the exit code."""
    options = _parser().parse_args(arguments)
    said: dict[str, Any] = {"action": options.action, **asker()}
    if options.server:
        said["server"] = options.server
    if options.entry is not None:
        try:
            said["entry"] = json.loads(sys.stdin.read() if options.entry == "-" else Path(options.entry).read_text())
        except (OSError, ValueError) as error:
            print(f"the entry cannot be read: {error}", file=sys.stderr)
            return NOT_DONE
    name = identity()
    try:
        ask(options.directory, name, said)
    except NotWritten as error:
        print(error, file=sys.stderr)
        return NOT_DONE
    result = wait_for(options.directory, name, options.timeout)
    if result is None:
        print(
            f"request {name} is written, and no run has answered it for {options.timeout:g} s: see what the run does"
            " (journalctl -fu mcp-reconcile), or start one (systemctl start mcp-reconcile)",
            file=sys.stderr,
        )
        return UNANSWERED
    return _told(result)


def _told(result: dict[str, Any]) -> int:
    """Prints what came of it."""
    status = result.get("status")
    stream = sys.stdout if status == "done" else sys.stderr
    for line in [f"{status}: {result.get('message')}", *result.get("messages", [])[1:]]:
        print(line, file=stream)
    for server, found in sorted(result.get("servers", {}).items()):
        for change in found.get("changes", []):
            print(f"  {server}: {change}", file=stream)
    return DONE if status == "done" else NOT_DONE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="request", description="Ask the reconciler for something, and wait for it.")
    parser.add_argument("action", choices=ACTIONS)
    parser.add_argument("server", nargs="?", help="the server's name; sync takes none")
    parser.add_argument(
        "--entry", metavar="FILE", help="with create, check: the new server's entry as JSON, - for stdin"
    )
    parser.add_argument("--directory", type=Path, default=Path("/var/lib/mcp-orchestrator"), help="where requests/ is")
    parser.add_argument("--timeout", type=float, default=300, help="seconds to wait for the answer")
    return parser


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
