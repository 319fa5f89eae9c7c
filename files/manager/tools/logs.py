"""The last lines of a server, and those that come."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any

from monitor.api.shape import ref

from manager.tool import Call, Tool
from manager.tools.parameters import SERVER_NAME, SINCE

MOST_LINES = 1000
MOST_CHARACTERS = 200_000
"""Some clients refuse a result of a megabyte, and no model reads one."""
FOLLOW_SECONDS = 30.0
_LONGEST_NOTE = 4000
"""Characters of one notification."""

_Line = dict[str, Any]


async def _logs(call: Call) -> dict[str, Any]:
    given = call.arguments
    server, most, since = given["server_name"], given.get("lines", 100), given.get("since")
    if given.get("follow", False):
        return await _followed(call, server, most, since)
    found = await call.api.get(f"/servers/{server}/logs", lines=most, since=since)
    return _told(server, found["lines"], found["whole"])


async def _followed(call: Call, server: str, most: int, since: str | None) -> dict[str, Any]:
    """What there is and what comes, told as it comes, until time or room is up."""
    kept: deque[_Line] = deque(maxlen=most)
    end, count, is_whole = time.monotonic() + FOLLOW_SECONDS, 0, True
    async with call.api.events(f"/servers/{server}/logs", lines=most, since=since, follow="true") as events:
        async for name, data in events:  # one comes every few seconds at least
            if name == "left":
                is_whole = False
            elif name == "lines":
                count += len(data)
                kept.extend(data)
                for note in _notes(data):
                    await call.tell(count, note)
            if count >= MOST_LINES or time.monotonic() >= end:
                break
    return _told(server, kept, is_whole and count <= most)


def _told(server: str, lines: Iterable[_Line], is_whole: bool) -> dict[str, Any]:
    """The newest lines, as many as there is room for."""
    kept: list[_Line] = []
    room = MOST_CHARACTERS
    for line in reversed(list(lines)):
        room -= len(line["text"])
        if room < 0:
            is_whole = False
            break
        kept.append(line)
    return {"server": server, "lines": kept[::-1], "whole": is_whole}


def _notes(lines: Iterable[_Line]) -> Iterator[str]:
    """The lines as people read them, in pieces that a notification can hold."""
    note = ""
    for line in lines:
        text = f"{line['time']} {line['text']}"[:_LONGEST_NOTE]
        if note and len(note) + len(text) > _LONGEST_NOTE:
            yield note
            note = ""
        note = f"{note}\n{text}" if note else text
    if note:
        yield note


LOGS = (
    Tool(
        "docker_get_logs",
        "Logs of a server",
        "The last lines that a server wrote, the oldest first, across restarts and new versions.",
        ref("log_lines"),
        _logs,
        {
            "server_name": SERVER_NAME,
            "lines": {
                "type": "integer",
                "minimum": 1,
                "maximum": MOST_LINES,
                "description": "How many lines at most; 100 without it.",
            },
            "since": SINCE,
            "follow": {
                "type": "boolean",
                "description": f"Whether to go on for {FOLLOW_SECONDS:.0f} seconds, or up to {MOST_LINES} lines, and to"
                " tell what comes in notifications of progress; the result then has the last lines again.",
            },
        },
        ("server_name",),
    ),
)
