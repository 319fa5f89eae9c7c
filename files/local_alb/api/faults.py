"""Faults on purpose, for tests of programs that drive the load balancer. Off unless the program is told so.

A fault is a JSON object:

``operation``  the name of an operation, or ``*`` for all (default)
``calls``      which calls of that operation it hits, counted from 1 since the fault was set; none means all
``delay``      seconds to wait first
``error``      ``{"code", "message", "status"}`` to answer with
``drop``       true: the connection is closed without an answer
``after``      true: the operation takes effect before the error or the drop

``{"throttle": {"describe": [40, 10], "other": [20, 3]}}`` gives each kind of operation a token bucket: its size and
its refill per second, as AWS describes in "Throttling for the Elastic Load Balancing API".
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local_alb.errors import ApiError

from .service_model import service_model

_MEMBERS = {"operation", "calls", "delay", "error", "drop", "after"}
_ERROR_MEMBERS = {"code", "message", "status"}
_KINDS = ("describe", "other")


class Dropped(Exception):
    """The connection is to be closed without an answer."""


@dataclass
class _Bucket:
    size: float
    refill: float
    tokens: float
    updated: float

    def take(self, now: float) -> bool:
        """Takes one token at that time in seconds. Returns whether there was one."""
        self.tokens = min(self.size, self.tokens + (now - self.updated) * self.refill)
        self.updated = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


@dataclass
class _Fault:
    operation: str
    calls: frozenset[int]
    delay: float
    error: dict[str, Any] | None
    drop: bool
    after: bool
    seen: int = 0

    def hits(self, operation: str) -> bool:
        """Returns whether this call of an operation is one that fails; counts the calls."""
        if self.operation not in ("*", operation):
            return False
        self.seen += 1
        return not self.calls or self.seen in self.calls


class Faults:
    """The faults that are set now, and the calls that came by."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._faults: list[_Fault] = []
        self._buckets: dict[str, _Bucket] = {}
        self._calls: list[str] = []

    def set(self, document: Any) -> None:
        """Replaces all faults by ``{"faults": […], "throttle": {…}}``; raises ValueError where that makes no sense."""
        if not isinstance(document, dict) or set(document) - {"faults", "throttle"}:
            raise ValueError("an object with 'faults' and 'throttle' is expected")
        faults = []
        for item in document.get("faults", []):
            if not isinstance(item, dict) or set(item) - _MEMBERS:
                raise ValueError(f"a fault has {', '.join(sorted(_MEMBERS))} and nothing else")
            faults.append(_fault(item))
        unknown = set(document.get("throttle", {})) - set(_KINDS)
        if unknown:
            raise ValueError(f"operations are throttled as {' and '.join(_KINDS)}, not as {sorted(unknown)[0]!r}")
        now = self._clock()
        buckets = {
            kind: _Bucket(float(size), float(refill), float(size), now)
            for kind, (size, refill) in document.get("throttle", {}).items()
        }
        with self._lock:
            self._faults, self._buckets, self._calls = faults, buckets, []

    @property
    def calls(self) -> list[str]:
        """The operations that were called since the faults were set, in order."""
        with self._lock:
            return list(self._calls)

    def around(self, operation: str, perform: Callable[[], Any]) -> Any:
        """Performs the operation, or fails as it was told to. Raises ApiError or Dropped."""
        with self._lock:
            self._calls.append(operation)
            bucket = self._buckets.get("describe" if operation.startswith("Describe") else "other")
            throttled = bucket is not None and not bucket.take(self._clock())
            hitting = [fault for fault in self._faults if fault.hits(operation)]
        for fault in hitting:
            time.sleep(fault.delay)
        if throttled:
            raise ApiError("ThrottlingException", "Rate exceeded")
        for fault in hitting:
            if not fault.after:
                _fail(fault)
        result = perform()
        for fault in hitting:
            _fail(fault)
        return result


def _fault(item: dict[str, Any]) -> _Fault:
    operation, error = item.get("operation", "*"), item.get("error")
    if operation != "*" and operation not in service_model().operation_names:
        raise ValueError(f"a fault's operation is one of Elastic Load Balancing's or *, not {operation!r}")
    if error is not None and (not isinstance(error, dict) or set(error) - _ERROR_MEMBERS or "code" not in error):
        raise ValueError("a fault's error has a code, and may have a message and a status")
    return _Fault(
        operation=operation,
        calls=frozenset(int(call) for call in item.get("calls", [])),
        delay=float(item.get("delay", 0)),
        error=error,
        drop=bool(item.get("drop", False)),
        after=bool(item.get("after", False)),
    )


def _fail(fault: _Fault) -> None:
    if fault.drop:
        raise Dropped
    if fault.error:
        code = str(fault.error["code"])
        raise ApiError(code, str(fault.error.get("message", code)), int(fault.error.get("status", 400)))
