"""Server logs to journald: one entry a line, in the native protocol.

https://systemd.io/JOURNAL_NATIVE_PROTOCOL: a datagram of FIELD=value lines; a value with a newline is not needed here.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress

from records.line import level_of, parse

SOCKET = "/run/systemd/journal/socket"
_PRIORITIES = {"error": 3, "warning": 4, "info": 6, "debug": 7, None: 6}
# A journald that hangs must not hold up what heals.
_SEND_SECONDS = 0.05
_PAUSE_SECONDS = 5.0


class Journal:
    """The journal, for the lines of one server: ``journalctl -t mcp-NAME`` shows them."""

    position = ""

    def __init__(self, server: str, fleet: str, address: str = SOCKET) -> None:
        self._server = server
        self._identifier = f"{fleet}-{server}"
        self._address = address
        self._socket: socket.socket | None = None
        self._again = 0.0  # monotonic seconds

    def write(self, lines: bytes) -> bool:
        """Hands lines to journald; returns False where it does not take them."""
        if time.monotonic() < self._again:
            return False
        try:
            if self._socket is None:
                self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
                self._socket.settimeout(_SEND_SECONDS)
                self._socket.connect(self._address)
            for raw in lines.splitlines():
                self._socket.send(self._entry(raw))
        except OSError:
            with suppress(OSError):
                if self._socket is not None:
                    self._socket.close()
            self._socket, self._again = None, time.monotonic() + _PAUSE_SECONDS
            return False
        return True

    def _entry(self, raw: bytes) -> bytes:
        line = parse(self._server, raw, "")
        if line is None:
            return b"MESSAGE=" + raw + b"\n"
        fields = {
            "MESSAGE": line.text,
            "PRIORITY": str(_PRIORITIES[level_of(line.text)]),
            "SYSLOG_IDENTIFIER": self._identifier,
            "MCP_SERVER": self._server,
            "MCP_STREAM": line.stream,
            "MCP_TIME": line.time,
            "CONTAINER_ID": line.container,
        }
        return "".join(f"{name}={value}\n" for name, value in fields.items()).encode("utf-8", "backslashreplace")
