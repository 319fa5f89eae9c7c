"""What containers have written, as a kubelet has it: of the one that runs, and of the one before it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import datetime

WAIT_SECONDS = 1.0


class _Container:
    def __init__(self) -> None:
        self.lines: list[tuple[int, str]] = []
        self.has_ended = False


class ContainerLogs:
    """The logs by the uid of a pod. Times are nanoseconds since 1970, each line's its own."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: dict[str, _Container] = {}
        self._former: dict[str, _Container] = {}

    def say(self, uid: str, *texts: str) -> None:
        """Has the container of a pod write lines."""
        with self._changed:
            container = self._running.setdefault(uid, _Container())
            for text in texts:
                last = container.lines[-1][0] if container.lines else 0
                container.lines.append((max(time.time_ns(), last + 1), text))
            self._changed.notify_all()

    def has(self, uid: str) -> bool:
        """Returns whether the container of a pod has begun."""
        return uid in self._running

    def restart(self, uid: str) -> None:
        """Ends the container of a pod, and begins the next."""
        with self._changed:
            container = self._running.pop(uid, None)
            if container is not None:
                container.has_ended = True
                self._former[uid] = container
            self._running[uid] = _Container()
            self._changed.notify_all()

    def forget(self, uid: str) -> None:
        """The pod is gone."""
        with self._changed:
            for place in (self._running, self._former):
                if (container := place.pop(uid, None)) is not None:
                    container.has_ended = True
            self._changed.notify_all()

    def read(self, uid: str, *, previous: bool, follow: bool) -> Iterator[tuple[int, str] | None]:
        """Yields the lines of a container, with ``follow`` those to come too, until it ends; None where none comes.

        Raises KeyError where there is none.
        """
        container = (self._former if previous else self._running)[uid]
        place = 0
        while True:
            with self._changed:
                if place == len(container.lines):
                    if container.has_ended or not follow:
                        return
                    self._changed.wait(WAIT_SECONDS)
                new = container.lines[place:]
                place += len(new)
            yield from new or [None]


def written(at: int, text: str) -> str:
    """Returns a line with its time, as a kubelet writes it."""
    seconds, rest = divmod(at, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z {text}"


def since_of(asked: str) -> int:
    """Returns a time that a client asks for, which comes in whole seconds, in nanoseconds; 0 without one."""
    return int(datetime.fromisoformat(asked).timestamp()) * 1_000_000_000 if asked else 0
