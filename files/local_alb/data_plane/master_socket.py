"""HAProxy's master CLI: the one door to the running HAProxy.

The commands are those of "Master CLI" and "Unix Socket commands" in HAProxy 2.6's management guide.
"""

from __future__ import annotations

import csv
import re
import socket
from dataclasses import dataclass
from pathlib import Path

TIMEOUT = 5.0  # seconds


class MasterUnavailable(Exception):
    """HAProxy does not answer."""


@dataclass(frozen=True)
class ServerStatus:
    """One line of ``show stat``: whether the server gets requests, and how its last check ended.

    ``is_gone`` is whether it is down because nothing listens on its port any more.
    """

    is_up: bool
    check: str
    code: str
    is_gone: bool = False


@dataclass(frozen=True)
class Processes:
    """``show proc``: how often the master reloaded and failed to, and which workers are still finishing."""

    reloads: int
    failed: int
    old_workers: tuple[int, ...]


class MasterSocket:
    """Speaks to the master process of HAProxy at a path. All methods raise MasterUnavailable."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def command(self, text: str) -> str:
        """Sends one command and returns the whole answer. Raises MasterUnavailable."""
        received = []
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                connection.settimeout(TIMEOUT)
                connection.connect(str(self.path))
                # The second command closes the connection after the answer to the first.
                connection.sendall(f"{text};quit\n".encode() if not text.startswith("@") else f"{text}\n".encode())
                connection.shutdown(socket.SHUT_WR)
                while part := connection.recv(65_536):
                    received.append(part)
        except OSError as error:
            reason = error.strerror or str(error)
            raise MasterUnavailable(f"HAProxy does not answer on {self.path}: {reason}") from None
        return b"".join(received).decode(errors="replace")

    def serving(self) -> str | None:
        """Returns the digest of the configuration that the current worker serves, None where it is not one of ours."""
        found = re.search(r"^description: *(\S+)$", self.command("@1 show info"), re.MULTILINE)
        return found[1] if found else None

    def processes(self) -> Processes:
        """Returns what ``show proc`` says of the master and its older workers."""
        answer = self.command("show proc")
        master = re.search(r"^\d+\s+master\s+(\d+)(?: \[failed: (\d+)\])?", answer, re.MULTILINE)
        if not master:
            raise MasterUnavailable(f"HAProxy's answer on {self.path} names no master process")
        _, _, old = answer.partition("# old workers")
        workers = re.findall(r"^(\d+)\s+worker", old.partition("# programs")[0], re.MULTILINE)
        return Processes(int(master[1]), int(master[2] or 0), tuple(int(pid) for pid in workers))

    def reload(self) -> None:
        """Starts a reload. Whether it worked is told by processes() and serving() afterwards."""
        self.command("reload")

    def servers(self) -> dict[tuple[str, str], ServerStatus]:
        """Returns all probed servers by backend and name."""
        answer = self.command("@1 show stat -1 4 -1")
        rows = csv.DictReader(answer.lstrip("# ").splitlines())
        return {
            (row["pxname"], row["svname"]): ServerStatus(
                is_up=row["status"].startswith("UP"),
                check=row["check_status"].removeprefix("* "),
                code=row["check_code"],
                is_gone=row["status"].startswith("DOWN") and row["check_status"].endswith("L4CON"),
            )
            for row in rows
            if row.get("status") and row["status"] != "no check"
        }

    def mark_up(self, backend: str, server: str) -> None:
        """Counts the server as healthy from now on, without waiting for more checks."""
        self.command(f"@1 set server {backend}/{server} health up")

    def streams(self, worker: int) -> list[tuple[str, str, str]]:
        """Returns identifier, backend and server of each stream that an older worker still holds."""
        answer = self.command(f"@!{worker} show sess")
        return re.findall(r"^(0x[0-9a-f]+): .*? be=(\S+) srv=(\S+)", answer, re.MULTILINE)

    def cut(self, worker: int, stream: str) -> None:
        """Ends one stream of an older worker."""
        # "shutdown sessions server" would do for all at once, but a worker that is finishing refuses it.
        self.command(f"@!{worker} shutdown session {stream}")
