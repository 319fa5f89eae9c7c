"""Tokens for programs: python -m monitor.access.token add|remove|list [NAME] [--scope view] [--days 90]"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from monitor.access.tokens import (
    FILE,
    MOST,
    Token,
    TokensUnusable,
    check_token_name,
    digest_of,
    generated_token,
    read_tokens,
    write_tokens,
)
from monitor.access.users import ROLES, VIEW

LONGEST_DAYS = 3650


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what it is told; the monitor notices by itself. Returns 0, or 1 with the reason on stderr."""
    options = _parser().parse_args(arguments)
    file = options.users.with_name(FILE)
    try:
        tokens = read_tokens(file)
        if options.command == "list":
            _list(tokens)
        elif options.command == "add":
            _add(file, tokens, options)
        elif options.name not in tokens:
            raise ValueError(f"there is no token {options.name}")
        else:
            kept = {name: each for name, each in tokens.items() if name != options.name}
            write_tokens(file, kept, options.users.stat().st_gid)
            print(f"{options.name} is removed, and admits nobody from now on")
    except (TokensUnusable, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{file} cannot be written: {error.strerror}; run as root (sudo)", file=sys.stderr)
        return 1
    return 0


def _add(file: Path, tokens: dict[str, Token], options: argparse.Namespace) -> None:
    check_token_name(options.name)
    if options.name in tokens:
        raise ValueError(f"there is a token {options.name} already; remove it (make delete-token NAME={options.name})")
    if not 0 <= options.days <= LONGEST_DAYS:
        raise ValueError(f"a token lives for 1 to {LONGEST_DAYS} days, or with 0 until it is removed")
    if len(tokens) >= MOST:
        raise ValueError(f"there are {MOST} tokens already; remove those that nobody uses (make tokens)")
    now = datetime.now(UTC)
    expires = now + timedelta(days=options.days) if options.days else None
    shown = generated_token()
    # Its group is the users' file's, which is the monitor's.
    added = Token(options.name, options.scope, digest_of(shown), now, expires)
    write_tokens(file, {**tokens, options.name: added}, options.users.stat().st_gid)
    until = f"until {expires:%Y-%m-%d}" if expires else "until it is removed"
    print(f"{options.name} may {options.scope} {until}. The token, which is kept nowhere:", file=sys.stderr)
    print(shown)


def _list(tokens: dict[str, Token]) -> None:
    now = datetime.now(UTC)
    for name, each in tokens.items():
        state = "expired" if each.has_expired(now) else "until"
        when = f"{state} {each.expires:%Y-%m-%d}" if each.expires else "no expiry"
        print(f"{name:<24} {each.scope:<8} {when:<20} made {each.made:%Y-%m-%d}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monitor.access.token", description="Tokens for programs.")
    parser.add_argument("--users", type=Path, default=Path("/etc/mcp-orchestrator/monitor.users.json"))
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="a token, which is printed once")
    add.add_argument("name")
    add.add_argument("--scope", choices=ROLES, default=VIEW)
    add.add_argument("--days", type=int, default=90, help="after so many it admits nobody; 0: never")
    commands.add_parser("remove", help="a token").add_argument("name")
    commands.add_parser("list", help="the tokens")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
