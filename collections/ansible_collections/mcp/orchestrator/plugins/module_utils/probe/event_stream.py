# Copyright: (c) 2026, MCP Orchestrator contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Event streams as a server sends them, read line by line."""

from __future__ import annotations

from collections.abc import Iterable, Iterator


def messages(lines: Iterable[bytes]) -> Iterator[bytes]:
    """Yields the data of each ``message`` event of an event stream; takes what ``events`` takes."""
    return (data for event, data in events(lines) if event == b"message")


def events(lines: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    """Yields name and data of each event of an event stream (WHATWG HTML, section Server-sent events).

    Takes the stream's lines without their ends. Comments and empty data (the priming events of resumable MCP streams)
    are passed over; an event that the stream's end cut off is dropped, as the standard says.
    """
    event = b""
    data: list[bytes] = []
    for line in lines:
        if not line:
            if any(data):
                yield event or b"message", b"\n".join(data)
            event, data = b"", []
            continue
        field, _colon, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if field == b"data":
            data.append(value)
        elif field == b"event":
            event = value
