"""python -m firewall --directory DIRECTORY [--fleet NAME]: puts each fleet's last rules back, or closes its bridges.

Exits 0 when every fleet's servers are kept by rules, else 1 with the reason on stderr.
"""

from __future__ import annotations

import argparse
import os
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from firewall.rules import Rules, RulesError, closed, is_intact, present, read, transaction

COMMAND_SECONDS = 60
LARGEST_FILE = 4 * 1024 * 1024
TRIES = 3
# By the ending of a fleet's file.
PROGRAMS = {"v4": "iptables", "v6": "ip6tables"}
IPV6_ADDRESSES = Path("/proc/net/if_inet6")
_FLEET = re.compile(r"[a-z0-9][a-z0-9-]{0,31}")


class FilterError(Exception):
    """The packet filter cannot be read or written; the message says why."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Obey the command line; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m firewall", description="Restores the firewall rules of confined servers."
    )
    parser.add_argument("--directory", type=Path, required=True, help="where FLEET.v4 and FLEET.v6 are saved")
    parser.add_argument(
        "--fleet", action="append", default=[], help="a fleet that is confined even when it has no file"
    )
    options = parser.parse_args(arguments)
    failed = False
    for fleet in sorted({*options.fleet, *saved_fleets(options.directory)}):
        for family in families():
            try:
                print(f"{fleet}, {PROGRAMS[family]}: {restore(options.directory, fleet, family)}", flush=True)
            except FilterError as error:
                print(
                    f"{fleet}, {PROGRAMS[family]}: its servers are not confined: {error}", file=sys.stderr, flush=True
                )
                failed = True
    return 1 if failed else 0


def saved_fleets(directory: Path) -> set[str]:
    """The fleets that have a file."""
    found = (path.stem for family in PROGRAMS for path in directory.glob(f"*.{family}"))
    return {name for name in found if _FLEET.fullmatch(name)}


def families() -> list[str]:
    """The families of addresses that this kernel knows."""
    return [family for family in PROGRAMS if family == "v4" or IPV6_ADDRESSES.exists()]


def restore(directory: Path, fleet: str, family: str) -> str:
    """Puts the saved rules in place, or closes the fleet's bridges; says which. Raises FilterError."""
    try:
        put(read(read_file(directory / f"{fleet}.{family}"), fleet), fleet, family)
    except (RulesError, FilterError) as error:
        if is_intact(seen(fleet, family), fleet):
            return f"the rules in place are kept, because the saved ones cannot be restored: {error}"
        put(closed(fleet, family), fleet, family)
        return f"no new connection is allowed until the next run, because the saved rules cannot be restored: {error}"
    return "the saved rules are restored"


def read_file(path: Path) -> str:
    """A file that only its owner, who runs this, can have written. Raises RulesError."""
    try:
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or status.st_mode & 0o022:
                raise RulesError(f"{path} could have been written by others")
            content = file.read(LARGEST_FILE + 1)
    except OSError as error:
        raise RulesError(f"{path} cannot be read: {error.strerror}") from error
    if len(content) > LARGEST_FILE:
        raise RulesError(f"{path} is larger than any fleet's rules")
    try:
        return content.decode("ascii")
    except UnicodeDecodeError:
        raise RulesError(f"{path} is not text") from None


def put(desired: Rules, fleet: str, family: str) -> None:
    """Replaces the fleet's rules by ``desired``. Raises FilterError."""
    for left in reversed(range(TRIES)):
        try:
            text = transaction(seen(fleet, family), desired, fleet)
            command([f"{PROGRAMS[family]}-restore", "--wait", "30", "--noflush"], text)
        except FilterError:
            # A run of the reconciler may have changed them in between.
            if not left:
                raise
        else:
            return


def seen(fleet: str, family: str) -> Rules:
    """The fleet's rules as they are. Raises FilterError."""
    return present(command([f"{PROGRAMS[family]}-save"]), fleet)


def command(words: list[str], text: str = "") -> str:
    """What a program prints. Raises FilterError."""
    try:
        done = subprocess.run(words, input=text, capture_output=True, text=True, timeout=COMMAND_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise FilterError(f"{words[0]} could not be run: {error}") from error
    if done.returncode:
        said = " ".join((done.stderr or done.stdout).split()) or f"exit code {done.returncode}"
        raise FilterError(f"{words[0]} refused: {said}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
