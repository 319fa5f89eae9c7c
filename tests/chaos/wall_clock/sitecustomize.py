"""Another wall clock for the Python programs that have this directory in their PYTHONPATH.

They are so many seconds ahead as stands in the file that MCP_TEST_CLOCK names. The monotonic clock stays, and so do the
kernel's and the engine's times. (libfaketime, which needs no Python, has a thread that waits with a time limit wait for
ever: version 0.9.10 with Python 3.11, whose locks wait by sem_clockwait.)
"""

from __future__ import annotations

import datetime
import os
import time
from typing import Any

FILE = os.environ.get("MCP_TEST_CLOCK", os.devnull)
REAL, NOW, GMTIME, LOCALTIME = datetime.datetime, time.time, time.gmtime, time.localtime


def _now() -> float:
    with open(FILE, encoding="ascii") as file:
        return NOW() + int(file.read() or 0)


class _Kind(type(REAL)):  # type: ignore[misc]  # a metaclass is found out, not written down
    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, REAL)


class _Datetime(REAL, metaclass=_Kind):
    @classmethod
    def now(cls, tz: Any = None) -> Any:
        return REAL.fromtimestamp(_now(), tz)

    @classmethod
    def utcnow(cls) -> Any:
        return REAL.fromtimestamp(_now(), datetime.UTC).replace(tzinfo=None)

    @classmethod
    def today(cls) -> Any:
        return REAL.fromtimestamp(_now())


time.time = _now
time.time_ns = lambda: int(_now() * 1e9)
time.gmtime = lambda seconds=None: GMTIME(_now() if seconds is None else seconds)
time.localtime = lambda seconds=None: LOCALTIME(_now() if seconds is None else seconds)
datetime.datetime = _Datetime  # type: ignore[misc]
