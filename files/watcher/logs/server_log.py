"""What is kept of one server: its log, its calls, and how far each of its containers is kept."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Protocol

from records.line import CALL, REMARK, SHORT_ID, head, parse, text_start
from records.moment import WIDTH
from records.segments import Segments, position_of

from watcher.segment_writer import DIRECTORY_MODE, FILE_MODE

from .seen import Progress

POSITION = "position.json"
_LARGEST = 4 * 1024 * 1024


class Sink(Protocol):
    """Where lines go."""

    @property
    def position(self) -> str:
        """Where the next line will begin, as ``records.segments`` has it; empty where nothing can be read again."""

    def write(self, lines: bytes) -> bool:
        """Writes whole lines; returns False where they are lost."""


class ServerLog:
    """Collects lines until ``flush``, and remembers how far each container is kept.

    What is kept tells that by itself: after a crash, what was written behind the saved position is read again. So no
    line comes twice, and none is missing.
    """

    def __init__(self, directory: Path, calls: Path, sinks: tuple[Sink, Sink], wake: Callable[[], None]) -> None:
        """``sinks``: for lines and for calls; ``directory`` and ``calls`` are where they are read again. ``wake`` is
        called when there is something to flush."""
        self._directory = directory
        self._lines, self._calls = sinks
        self._wake = wake
        self._waiting: tuple[list[bytes], list[bytes]] = ([], [])
        self._size = 0
        self._lost = 0
        self._containers: dict[str, Progress] = {}
        self._unsaved = False
        self._load(calls)

    def progress(self, container: str) -> Progress:
        """Returns how far a container is kept."""
        return self._containers.setdefault(container[:SHORT_ID], Progress())

    def forget_others(self, containers: Iterable[str]) -> None:
        """Forgets how far containers are kept that are not among these: they are gone."""
        there = {container[:SHORT_ID] for container in containers}
        for container in self._containers.keys() - there:
            del self._containers[container]
            self._unsaved = True

    @property
    def waiting(self) -> int:
        """Bytes that wait for ``flush``."""
        return self._size

    def keep(self, time: str, stream: str, container: str, text: bytes) -> None:
        """Keeps a line. ``text`` is harmless already."""
        line = b"%b%b\n" % (head(time, stream, container), text)
        if not self._size:
            self._wake()
        self._waiting[stream == CALL].append(line)
        self._size += len(line)

    def remark(self, time: str, container: str, text: bytes) -> None:
        """Keeps a remark of the recorder's own."""
        self.keep(time, REMARK, container, text)

    def flush(self) -> None:
        """Writes what waits. What the disk does not take is lost; the first line after that says how much was."""
        lines, calls = self._waiting
        self._waiting, self._size = ([], []), 0
        kept = True
        for sink, these in ((self._lines, lines), (self._calls, calls)):
            said = [self._loss(these[0])] if these is lines and these and self._lost else []
            if these and not sink.write(b"".join([*said, *these])):
                self._lost, kept = self._lost + len(these), False
        if lines and kept:
            self._lost = 0
        self._unsaved = True

    def save(self) -> None:
        """Writes down how far each container is kept, where that has changed. Nothing waits for ``flush`` then."""
        if not self._unsaved or not (self._containers or self._directory.exists()):
            return
        content = {
            "lines": self._lines.position,
            "calls": self._calls.position,
            "containers": {name: progress.to_dict() for name, progress in self._containers.items()},
        }
        temporary = self._directory / f"{POSITION}.new"
        with suppress(OSError):
            self._directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            with open(descriptor, "w", encoding="ascii") as file:
                file.write(json.dumps(content))
            temporary.replace(self._directory / POSITION)
            self._unsaved = False

    def _loss(self, line: bytes) -> bytes:
        """The remark before a line that says how many are missing there."""
        lost = "1 line was lost" if self._lost == 1 else f"{self._lost} lines were lost"
        return head(line[:WIDTH].decode("ascii"), REMARK, "") + f"{lost}: the disk was full\n".encode()

    def _load(self, calls: Path) -> None:
        saved: dict[str, Progress] = {}
        places = {"lines": "", "calls": ""}
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError):
            with (self._directory / POSITION).open("rb") as file:
                found = json.loads(file.read(_LARGEST))
            places = {name: str(found[name]) for name in places}
            saved = {str(name): Progress(each) for name, each in found["containers"].items()}
        logs = ((Segments(self._directory), places["lines"]), (Segments(calls), places["calls"]))
        if all(_is_there(segments, position) for segments, position in logs):
            self._containers = saved
            for segments, position in logs:
                self._read_again(segments, position)
            return
        # The host lost power: what was written last is gone. Only what is there says how far that goes.
        for segments, _ in logs:
            self._read_again(segments, "")

    def _read_again(self, segments: Segments, saved: str) -> None:
        """Notes what was written behind the saved position; without one, everything."""
        number, offset = position_of(saved) or (0, 0)
        for each in segments.numbers():
            if each < number:
                continue
            start = offset if each == number else 0
            for raw in segments.read(each, start).splitlines():
                line = parse("", raw, "")
                if line is not None and line.stream != REMARK:
                    self.progress(line.container).stream(line.stream).note(line.time, raw[text_start(raw) :])
                    self._unsaved = True


def _is_there(segments: Segments, position: str) -> bool:
    """Whether the segment goes as far as the position, or is gone with all that was in it."""
    number, offset = position_of(position) or (0, 0)
    return number not in segments.numbers() or len(segments.read(number)) >= offset
