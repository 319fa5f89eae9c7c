"""The state file as a table for people: python -m monitor.status /var/lib/mcp-orchestrator/state.json"""

from __future__ import annotations

import argparse
import os
import sys
import textwrap
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

from monitor.access.users import SETTINGS, UsersUnusable, read_users
from monitor.duration import ago
from monitor.state import Remote, Server, State, StateUnreadable, read_state

WIDTH = 100
LONGEST_NAME = 30

# For each severity: its sign, the same in ASCII, and its colour.
_LOOKS = {
    "ok": ("●", "+", "32"),
    "warning": ("▲", "!", "33"),
    "critical": ("✗", "x", "31"),
    "none": ("·", "-", "2"),
}


class TerminalWriter:
    """Writes what the terminal can show: colours only where somebody looks, signs only where they exist."""

    def __init__(self, file: TextIO) -> None:
        self._coloured = file.isatty() and "NO_COLOR" not in os.environ
        self._unicode = (file.encoding or "").lower().replace("-", "") == "utf8"

    def sign(self, sign: str, ascii_sign: str) -> str:
        """Returns the sign, or its likeness in ASCII where the terminal has no other characters."""
        return sign if self._unicode else ascii_sign

    def colour(self, code: str, text: str) -> str:
        """Returns the text in a colour (a code of ECMA-48, SGR), where somebody looks."""
        return f"\x1b[{code}m{text}\x1b[0m" if self._coloured else text


def table(state: State, out: TerminalWriter, now: datetime, monitor: str | None, login: str | None) -> Iterator[str]:
    """The lines of the table; ``login`` says who may see the monitor, and with what."""
    listed: list[Server | Remote] = [*state.servers, *state.remotes]
    name_width = min(LONGEST_NAME, max([len("server"), *(len(_plain(each.name)) for each in listed)]))
    state_width = max(map(len, ["state", *(_plain(each.condition_text) for each in listed)]))
    if listed:
        heads = f"{'server':<{name_width}}  {'state':<{state_width}}  {'tools':>5}  url"
        yield out.colour("2", f"  {heads}")
    for server in state.servers:
        yield from _row(server, out, name_width, state_width)
    for remote in state.remotes:
        called = _plain(remote.condition_text)
        tools = str(len(remote.tools)) if remote.status == "ok" else "-"
        line = f"{_plain(remote.name):<{name_width}}  {called:<{state_width}}  {tools:>5}  {_plain(remote.url or '')}"
        yield f"{out.colour(_LOOKS[remote.severity][2], out.sign('↗', '>'))} {line}"
        if remote.error:
            yield from _note(_plain(remote.error), out, indent=name_width + 4)
    if not listed and not state.errors:
        yield "  The config holds no servers."
    for error in state.errors:
        if error.server is None:
            yield from _note(f"{error.step}: {_plain(error.message)}", out, indent=2)
    for warning in state.warnings:
        # In full: it ends with the command to type.
        lines = textwrap.wrap(_plain(warning), WIDTH - 2, break_on_hyphens=False, break_long_words=False)
        yield from ["", *(f"  {out.colour('33', line)}" for line in lines)]
    yield ""
    yield f"  {_plain(state.summary)}. Last run {ago(state.finished, now)}."
    if monitor:
        yield f"  Monitor: {_plain(monitor)}" + (f"  ({login})" if login else "")


def _row(server: Server, out: TerminalWriter, name_width: int, state_width: int) -> Iterator[str]:
    sign, ascii_sign, colour = _LOOKS[server.severity]
    called = _plain(server.condition_text)
    tools = str(len(server.tools)) if server.status in ("ok", "asleep") else "-"
    url = _plain(server.url or "")
    name = _plain(server.name)
    # The sign and the words are coloured apart from their padding, so that the columns stay where they are.
    state = out.colour(colour, called) + " " * (state_width - len(called))
    yield f"{out.colour(colour, out.sign(sign, ascii_sign))} {name:<{name_width}}  {state}  {tools:>5}  {url}".rstrip()
    if server.error:
        yield from _note(_plain(server.error), out, indent=name_width + 4)
    elif server.condition == "unknown" and server.reason:
        yield from _note(_plain(server.reason), out, indent=name_width + 4)


def _note(text: str, out: TerminalWriter, indent: int) -> Iterator[str]:
    """An error in short: at most two lines."""
    dots = out.sign("…", "...")
    for line in textwrap.wrap(text, WIDTH - indent, max_lines=2, break_on_hyphens=False, placeholder=f" {dots}"):
        yield " " * indent + out.colour("31", line)


def _plain(text: str) -> str:
    """Without control characters: a server's own words must not steer the terminal."""
    return "".join(character if character.isprintable() else "?" for character in text)


def _login(password_file: Path) -> str | None:
    """Who may see the monitor, and where the password is; None where nobody can tell."""
    try:
        users = read_users(password_file.with_name("monitor.users.json"))
    except UsersUnusable:
        return None
    name = next((name for name, each in users.items() if each.made_by == SETTINGS), None)
    place = password_file if password_file.exists() else "settings.conf"
    return f"user {name}, password in {place}" if name else None


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table; 0 when the run was good, 1 when it was not or its state cannot be read."""
    parser = argparse.ArgumentParser(prog="python -m monitor.status", description="The state file as a table.")
    parser.add_argument("state", type=Path, help="the state file")
    parser.add_argument("--monitor", metavar="URL", help="the monitor's address, if not the one in the state file")
    parser.add_argument("--password-file", type=Path, help="the file that holds a generated password of the monitor")
    options = parser.parse_args(arguments)
    try:
        state = read_state(options.state)
    except StateUnreadable as error:
        print(f"No table: {error}.", file=sys.stderr)
        return 1
    login = _login(options.password_file) if options.password_file else None
    for line in table(state, TerminalWriter(sys.stdout), datetime.now(UTC), options.monitor or state.monitor, login):
        print(line)
    return 0 if state.result == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
