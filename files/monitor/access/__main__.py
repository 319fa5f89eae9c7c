"""Users beside the one of settings.conf: python -m monitor.access add|remove|list --file FILE [NAME] [--role view]"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from monitor.access.passwords import generated, hashed
from monitor.access.users import (
    ROLES,
    SETTINGS,
    VIEW,
    Account,
    User,
    UsersUnusable,
    check_name,
    read_users,
    write_users,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Does what it is told; the monitor notices by itself. Returns 0, or 1 with the reason on stderr."""
    options = _parser().parse_args(arguments)
    try:
        users = read_users(options.file)
        if options.command == "list":
            for name, each in users.items():
                made_by = "  of settings.conf" if each.made_by == SETTINGS else ""
                print(f"{name:<20} {each.user.role}{made_by}")
            return 0
        check_name(options.name)
        if (known := users.get(options.name)) is not None and known.made_by == SETTINGS:
            raise ValueError(f"{options.name} is the user of settings.conf: change it in [dashboard], and run setup.sh")
        if options.command == "add":
            password = generated()
            added = Account(User(options.name, options.role), hashed(password))
            write_users(options.file, {**users, options.name: added})
            print(f"{options.name} may {options.role}. The password, which is kept nowhere:\n{password}")
        elif known is None:
            raise ValueError(f"there is no user {options.name}")
        else:
            write_users(options.file, {name: each for name, each in users.items() if name != options.name})
            print(f"{options.name} is removed")
    except (UsersUnusable, ValueError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{options.file} cannot be written: {error.strerror}; run as root (sudo)", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m monitor.access", description="Who may sign in to the monitor.")
    parser.add_argument("--file", type=Path, default=Path("/etc/mcp-orchestrator/monitor.users.json"))
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add", help="a user, with a new password")
    add.add_argument("name")
    add.add_argument("--role", choices=ROLES, default=VIEW)
    commands.add_parser("remove", help="a user").add_argument("name")
    commands.add_parser("list", help="the users")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
