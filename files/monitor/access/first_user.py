"""Makes the user of settings.conf: python -m monitor.access.first_user SETTINGS PASSWORD_FILE USERS_FILE GROUP

The password is the one in settings.conf. Where there is none it is the one in PASSWORD_FILE, which root alone reads;
a missing one is made up, and nothing else holds it. What is kept of it for the monitor is in USERS_FILE, of GROUP.
It goes from file to file, so that no playbook, log or command line ever holds it. Prints "written" when a file changed,
its text or who may read it: a group that was made anew has another id, and the old one may be a stranger's.
"""

from __future__ import annotations

import argparse
import configparser
import grp
import os
import shutil
import stat
import sys
from pathlib import Path

from monitor.access.passwords import FEWEST_CHARACTERS, generated, hashed, matches
from monitor.access.stored import MODE
from monitor.access.tokens import FILE as TOKENS_FILE
from monitor.access.users import (
    ADMIN,
    SETTINGS,
    Account,
    User,
    UsersUnusable,
    check_name,
    read_users,
    write_users,
)

SECRET_MODE = 0o600


def configured(settings: Path) -> tuple[str, str]:
    """The user's name and password, which may be empty. Raises OSError and configparser.Error."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(settings.read_text("utf-8"))
    name = parser.get("dashboard", "username", fallback="").strip() or "admin"
    return name, parser.get("dashboard", "password", fallback="").strip()


def settle_password(file: Path, password: str) -> tuple[str, bool]:
    """The password that holds, and whether the file changed. Where settings.conf has it, there is no file."""
    if password:
        changed = file.exists()
        file.unlink(missing_ok=True)
        return password, changed
    present = file.read_text("utf-8").strip() if file.exists() else ""
    if present and _is(file, os.getegid(), SECRET_MODE):
        return present, False
    part = file.with_name(f".{file.name}.new")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, SECRET_MODE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"{present or generated()}\n")
    part.replace(file)
    return file.read_text("utf-8").strip(), True


def settle_users(file: Path, name: str, password: str, group: str) -> bool:
    """Whether the file had to be changed for the user of settings.conf, the only one that it makes, to be in it.

    Raises UsersUnusable, OSError and LookupError.
    """
    present = read_users(file) if file.exists() else {}
    account = present.get(name)
    good = account is not None and (account.made_by, account.user.role) == (SETTINGS, ADMIN)
    if account is None or not good or not matches(password, account.kept):
        account = Account(User(name, ADMIN), hashed(password), SETTINGS)
    others = {other: each for other, each in present.items() if each.made_by != SETTINGS}
    desired = {**others, name: account}
    if desired == present and _is(file, grp.getgrnam(group).gr_gid, MODE):
        return False
    write_users(file, desired, group)
    return True


def settle_tokens(file: Path, group: str) -> bool:
    """Whether the file of tokens, where there is one, had to be given to the group. Raises OSError and LookupError."""
    if not file.exists() or _is(file, grp.getgrnam(group).gr_gid, MODE):
        return False
    shutil.chown(file, os.geteuid(), group)
    file.chmod(MODE)
    return True


def _close(file: Path) -> bool:
    """Whether everybody could read the file, who cannot from now on."""
    opened = file.exists() and bool(file.stat().st_mode & stat.S_IROTH)
    if opened:
        file.chmod(MODE)
    return opened


def _is(file: Path, group: int, mode: int) -> bool:
    found = file.stat()
    return (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (os.geteuid(), group, mode)


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m monitor.access.first_user", description=(__doc__ or "").splitlines()[0]
    )
    parser.add_argument("settings", type=Path)
    parser.add_argument("password_file", type=Path)
    parser.add_argument("users_file", type=Path)
    parser.add_argument("group")
    options = parser.parse_args()
    try:
        closed = _close(options.users_file)
        name, password = configured(options.settings)
        check_name(name)
        password, changed = settle_password(options.password_file, password)
        if len(password) < FEWEST_CHARACTERS:
            sys.exit(
                f"{options.password_file}: has fewer than {FEWEST_CHARACTERS} characters, which is soon guessed;"
                " write a longer password into it, or remove it to have one generated"
            )
        made = settle_users(options.users_file, name, password, options.group)
        handed = settle_tokens(options.users_file.with_name(TOKENS_FILE), options.group)
        if made or handed or changed or closed:
            print("written")
    except configparser.Error:
        sys.exit(f"{options.settings}: it is not an ini file; make check-config says where")
    except UsersUnusable as error:
        sys.exit(str(error))
    except ValueError as error:
        sys.exit(f"{options.settings}: [dashboard] username: {error}")
    except (OSError, LookupError) as error:
        sys.exit(f"{options.users_file}: the monitor's user could not be put there: {error}")


if __name__ == "__main__":
    main()
