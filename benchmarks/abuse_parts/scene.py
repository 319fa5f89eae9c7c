"""One client that calls a server, and another that abuses it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.request import urlopen

from benchmarks.bridge_parts.mixed import Client

ROOT = Path(__file__).resolve().parents[2]
ATTACKER = "127.0.0.2"
"""Another address than the honest client's, to the bridge and to a balancer in front of it."""
PAUSE_SECONDS = 0.005
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "honest", "version": "1"}}


@dataclass
class Seen:
    """What the honest client saw. Times in ms."""

    times: list[float] = field(default_factory=list)
    calls: int = 0
    lost: int = 0
    sick: int = 0
    """How often health did not say 200."""

    @property
    def p99(self) -> float:
        return sorted(self.times)[int(len(self.times) * 0.99)]

    @property
    def p50(self) -> float:
        return sorted(self.times)[len(self.times) // 2]


class Honest:
    """Calls one after the other on a connection that it keeps, and asks for health now and then."""

    def __init__(self, port: int, path: str, health: str) -> None:
        self._client = Client(port, path, 0, Counter())
        self._health = health

    async def open(self) -> None:
        await self._client.ask("initialize", HELLO)
        await self._call()

    async def work(self, seen: Seen, until: asyncio.Event) -> None:
        while not until.is_set():
            began = time.perf_counter()
            seen.calls += 1
            try:
                right = await self._call()
            except (OSError, ValueError, TimeoutError, asyncio.IncompleteReadError):
                right = False
                self._client.close()
            seen.lost += not right
            seen.times.append((time.perf_counter() - began) * 1000)
            if seen.calls % 100 == 0:
                seen.sick += not await asyncio.to_thread(self._is_well)
            await asyncio.sleep(PAUSE_SECONDS)

    async def _call(self) -> bool:
        found = await self._client.ask("tools/call", {"name": "echo", "arguments": {"text": "x"}})
        return found[-1].get("result", {}).get("content", [{}])[0].get("text") == "x"

    def _is_well(self) -> bool:
        with contextlib.suppress(OSError), urlopen(self._health, timeout=5) as answer:
            return bool(answer.status == 200)
        return False


async def quiet(honest: Honest, seconds: float) -> Seen:
    """What it sees when nobody else is there."""
    seen, over = Seen(), asyncio.Event()
    asyncio.get_running_loop().call_later(seconds, over.set)
    await honest.work(seen, over)
    return seen


async def attacked(
    honest: Honest, port: int, path: str, count: int, rate: float, hold: float = 12.0
) -> tuple[Seen, dict[str, int]]:
    """What it sees while another client sends `count` malformed and slow requests, and the answers to those. `hold`:
    seconds that a slow one is kept, if nobody ends it."""
    seen, over = Seen(), asyncio.Event()
    command = [sys.executable, "-m", "benchmarks.abuse_parts.attack"]
    attack = await asyncio.create_subprocess_exec(
        *command, str(port), path, ATTACKER, str(count), str(rate), str(hold), stdout=subprocess.PIPE, cwd=ROOT
    )
    working = asyncio.create_task(honest.work(seen, over))
    said, _ = await attack.communicate()
    over.set()
    await working
    if attack.returncode:
        raise RuntimeError("the attack has failed")
    answers: dict[str, int] = json.loads(said.splitlines()[-1])
    return seen, answers


def resident(pid: int) -> float:
    """MB."""
    return int(Path(f"/proc/{pid}/status").read_text().split("VmRSS:")[1].split()[0]) / 1024


def run(port: int, path: str, pid: int, *, count: int, rate: float, seconds: float, health: str) -> dict[str, Any]:
    """The figures of one bridge, `pid`, that is reached at `port` and `path`. `seconds`: of each quiet time."""

    async def all_of_it() -> dict[str, Any]:
        honest = Honest(port, path, health)
        await honest.open()
        # Buffers of the largest size there will be, so that what grows afterwards is not given back.
        await attacked(honest, port, path, max(200, count // 10), rate, 2.0)
        before, memory = await quiet(honest, seconds), resident(pid)
        seen, answers = await attacked(honest, port, path, count, rate)
        after = await quiet(honest, seconds)
        calm = sorted([*before.times, *after.times])
        return {
            "requests": count,
            "answers": answers,
            "quiet_p50_ms": calm[len(calm) // 2],
            "quiet_p99_ms": calm[int(len(calm) * 0.99)],
            "attacked_p50_ms": seen.p50,
            "attacked_p99_ms": seen.p99,
            "calls": seen.calls + before.calls + after.calls,
            "calls_lost": seen.lost + before.lost + after.lost,
            "health_not_200": seen.sick + before.sick + after.sick,
            "memory_before_mb": memory,
            "memory_growth_mb": resident(pid) - memory,
        }

    return asyncio.run(all_of_it())
