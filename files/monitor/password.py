"""Puts the monitor's password where the monitor reads it: python -m monitor.password SETTINGS FILE GROUP

The password is the one in settings.conf; where there is none, the one in the file stays, and a missing one is made up.
It goes from file to file, so that no playbook, log or command line ever holds it. Prints "written" when the file
changed, its text or who may read it: a group that was made anew has another id, and the old one may be a stranger's.
"""

from __future__ import annotations

import argparse
import configparser
import grp
import os
import secrets
import shutil
import stat
import sys
from pathlib import Path

GENERATED_BYTES = 18
# As the reader of settings.conf asks it; who writes the file by hand passes that by.
FEWEST_CHARACTERS = 12
MODE = 0o640


def configured_password(settings: Path) -> str:
    """The password that settings.conf names, or nothing. Raises OSError and configparser.Error."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(settings.read_text("utf-8"))
    return parser.get("dashboard", "password", fallback="").strip()


def present_password(file: Path) -> str:
    """The password that the monitor has now, or nothing."""
    return file.read_text("utf-8").strip() if file.exists() else ""


def is_private(file: Path, group: str) -> bool:
    """Whether root owns the file and only the group reads it. Raises OSError and LookupError."""
    found = file.stat()
    ours = (os.geteuid(), grp.getgrnam(group).gr_gid, MODE)
    return (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == ours


def write_password(file: Path, password: str, group: str) -> None:
    """Replace the file in one step; only root writes it, only the group reads it."""
    part = file.with_name(f".{file.name}.new")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        stream.write(f"{password}\n")
    shutil.chown(part, group=group)
    part.chmod(MODE)
    part.replace(file)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m monitor.password", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("settings", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("group")
    options = parser.parse_args()
    try:
        present = present_password(options.file)
        password = configured_password(options.settings) or present or secrets.token_urlsafe(GENERATED_BYTES)
        if len(password) < FEWEST_CHARACTERS:
            sys.exit(
                f"{options.file}: has fewer than {FEWEST_CHARACTERS} characters, which is soon guessed;"
                " write a longer password into it, or remove it to have one generated"
            )
        if password != present or not is_private(options.file, options.group):
            write_password(options.file, password, options.group)
            print("written")
    except configparser.Error:
        sys.exit(f"{options.settings}: it is not an ini file; make check-config says where")
    except (OSError, LookupError) as error:
        sys.exit(f"{options.file}: the monitor's password could not be put there: {error}")


if __name__ == "__main__":
    main()
