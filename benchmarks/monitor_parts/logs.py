"""What logs cost: how soon a line is there, how long a search takes, what followers and a flood take."""

from __future__ import annotations

import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from records.moment import text_of
from records.segments import name_of

from benchmarks.monitor_parts.serving import PROJECT, Follower, Monitor, monitor

FOLLOWERS = 50
LINES = 200
SERVERS = 100
GIGABYTE = 10**9
SEGMENTS = 8
SEARCHES = 5
FLOOD_SECONDS = 15.0
CONTAINER = "0123456789ab"
TARGETS = {
    "line_shown_p99_s": ["<=", 1.0],
    "search_first_hit_s": ["<=", 0.3],
    "search_all_s": ["<=", 3.0],
    "search_expression_first_hit_s": ["<=", 0.3],
    "search_expression_all_s": ["<=", 3.0],
    "followers_50_memory_mib": ["<=", 60.0],
}


def figures(folder: Path) -> dict[str, float]:
    """Returns every figure. ``folder`` is empty, and has room for a gigabyte and a half."""
    return {**_following(folder / "following"), **_searching(folder / "searching")}


def _following(folder: Path) -> dict[str, float]:
    """A fleet that writes a little, 50 who look at one log or at all, and then one server that floods."""
    for number in range(20):
        _segment(folder, f"s{number:02}", 1).write_bytes(_line(f"first of {number}"))
    with monitor(folder) as served:
        alone = served.mebibytes()
        followers = [
            Follower(served, "/logs/follow" + ("?server=s00" if each % 2 else "")) for each in range(FOLLOWERS)
        ]
        for each in followers:
            each.start()
        time.sleep(2.0)
        written: dict[str, float] = {}
        used = served.cpu_seconds()
        began = time.monotonic()
        with _segment(folder, "s00", 1).open("ab", buffering=0) as log:
            for number in range(LINES):
                text = f"line {number}"
                written[text] = time.monotonic()
                log.write(_line(text))
                time.sleep(0.05)
        time.sleep(1.5)
        share = 100 * (served.cpu_seconds() - used) / (time.monotonic() - began)
        late = [
            each.came[text] - at if text in each.came else 60.0 for each in followers for text, at in written.items()
        ]
        memory = served.mebibytes()
        quiet = _pages(served)
        with _flood(folder):
            time.sleep(1.0)
            flooded = _pages(served)
        return {
            "line_shown_p50_s": round(statistics.median(late), 3),
            "line_shown_p99_s": round(sorted(late)[len(late) * 99 // 100], 3),
            "followers_50_memory_mib": round(memory, 1),
            "no_follower_memory_mib": round(alone, 1),
            "followers_50_cpu_percent": round(share, 1),
            "followers_50_after_flood_memory_mib": round(served.mebibytes(), 1),
            "page_p99_ms": round(quiet * 1000, 1),
            "page_in_flood_p99_ms": round(flooded * 1000, 1),
        }


def _pages(served: Monitor) -> float:
    """Returns the seconds within which 99 of 100 pages are there, for somebody who asks over some seconds."""
    command = [sys.executable, "-m", "benchmarks.monitor_parts.reader", str(served.port), "/logs?server=s01"]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, check=True)
    return float(done.stdout)


@contextmanager
def _flood(folder: Path) -> Iterator[None]:
    """One server that writes as fast as the disk takes it, as no watcher would let it."""
    ended = threading.Event()
    block = b"".join(_line(f"flood {number} " + "x" * 80) for number in range(2000))

    def write() -> None:
        number = 2
        until = time.monotonic() + FLOOD_SECONDS
        while not ended.is_set() and time.monotonic() < until:
            with _segment(folder, "s00", number).open("wb", buffering=0) as log:
                for _ in range(5):
                    log.write(block)
                    time.sleep(0.02)
            if number > SEGMENTS:
                _segment(folder, "s00", number - SEGMENTS).unlink(missing_ok=True)
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        yield
    finally:
        ended.set()
        writer.join()


def _searching(folder: Path) -> dict[str, float]:
    """A gigabyte of a hundred servers; what is looked for is in each of them, once."""
    _fill(folder)
    with monitor(folder) as served:
        plain = [_search(served, "/logs/follow?past=1&q=needle-in-it") for _ in range(SEARCHES)]
        by_expression = [_search(served, "/logs/follow?past=1&q=needle-[a-z]%2B-it&regex=1") for _ in range(SEARCHES)]
        pages = [served.get("/logs?q=needle-in-it")[1] for _ in range(3)]
        other: list[float] = []
        busy = threading.Thread(target=lambda: _search(served, "/logs/follow?past=1&q=not-there-at-all"))
        busy.start()
        while busy.is_alive():
            other.append(served.get("/logs?server=s001")[1])
    size = sum(each.stat().st_size for each in (folder / "logs").rglob("*.log"))
    return {
        "searched_gb": round(size / GIGABYTE, 2),
        "search_first_hit_s": _median(plain, 0),
        "search_all_s": _median(plain, 1),
        "search_expression_first_hit_s": _median(by_expression, 0),
        "search_expression_all_s": _median(by_expression, 1),
        "search_page_s": round(statistics.median(pages), 3),
        "page_beside_search_worst_ms": round(1000 * max(other, default=0.0), 1),
    }


def _median(found: list[tuple[float, float]], which: int) -> float:
    return round(statistics.median(each[which] for each in found), 3)


def _search(served: Monitor, path: str) -> tuple[float, float]:
    """The seconds until the first hit, and until the search has ended."""
    began = time.monotonic()
    first = 0.0
    for at, name, data in served.events(path):
        if name == "found" and not first:
            first = at - began
        if name == "searched":
            if not data["whole"]:
                return first, 60.0
            return first, at - began
    raise RuntimeError(f"{path} has no end")


def _fill(folder: Path) -> None:
    each = GIGABYTE // SERVERS // SEGMENTS
    block = b"".join(_line(f"INFO request {number} done in {number % 900} ms, for customer/{number * 7919 % 100003}")
                     for number in range(5000))  # fmt: skip
    needle = _line("WARNING the needle-in-it is here")
    for server in range(SERVERS):
        for number in range(1, SEGMENTS + 1):
            content = block * (each // len(block) + 1)
            hidden = needle if number == 1 + server % SEGMENTS else b""
            _segment(folder, f"s{server:03}", number).write_bytes(content[: content.rfind(b"\n", 0, each) + 1] + hidden)


def _segment(folder: Path, server: str, number: int) -> Path:
    place = folder / "logs" / server
    place.mkdir(parents=True, exist_ok=True)
    return place / name_of(number)


def _line(text: str) -> bytes:
    return f"{text_of(time.time_ns())} out {CONTAINER} {text}\n".encode()
