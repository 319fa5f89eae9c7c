"""A log as it is written: server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).

``lines`` has lines, those that were there first; ``left`` says that some were left out, since more was written than a
follower is told. A comment every few seconds says that it is still there.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Generator, Sequence
from typing import Any

from records.follow import Follower
from records.line import Line
from records.logs import Page

from monitor.pages.log_stream import HEARTBEAT_SECONDS, LONGEST_SECONDS, STEP_SECONDS
from monitor.server import apart


def followed(
    page: Page,
    follower: Follower,
    tell: Callable[[Line], Any],
    *,
    is_costly: bool,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> Generator[bytes]:
    """Yields the events of what a page has, and then of what comes; ``is_costly``: to look takes the processor long."""
    began = said = clock()
    yield _lines(page.lines, tell) if page.lines else b": nothing yet\n\n"
    while clock() - began < LONGEST_SECONDS:
        step = apart(follower.step) if is_costly else follower.step()
        if step.left_out:
            yield b"event: left\ndata: {}\n\n"
        if step.lines:
            yield _lines(step.lines, tell)
        if step:
            said = clock()
        elif clock() - said >= HEARTBEAT_SECONDS:
            yield b": still here\n\n"
            said = clock()
        sleep(STEP_SECONDS)


def _lines(lines: Sequence[Line], tell: Callable[[Line], Any]) -> bytes:
    data = json.dumps([tell(line) for line in lines], ensure_ascii=False)
    return f"event: lines\ndata: {data}\n\n".encode("utf-8", "backslashreplace")
