"""More than it can do, and a disk without room: the monitor says so, and loses and leaves nothing."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from monitor.access.tokens import FILE, Token, digest_of, write_tokens

from benchmarks.monitor_parts.serving import Monitor, monitor
from tests.e2e.support.waiting import until
from tests.monitor_data.site import make_site

AT_ONCE = 1000
TOKENS = 3


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_site(tmp_path_factory.mktemp("site"), servers=10, days=1, lines=20, calls=20)
    for name in ("requests", "results", "monitor"):
        (folder / name).mkdir()
    long_ago = datetime(2026, 1, 1, tzinfo=UTC)
    tokens = {f"t{at}": Token(f"t{at}", "admin", digest_of(f"mcpt_{at}"), long_ago, None) for at in range(TOKENS)}
    write_tokens(folder / FILE, tokens, os.getgid())
    return folder


@pytest.fixture(scope="module")
def served(site: Path) -> Iterator[Monitor]:
    with monitor(site) as running:
        yield running


async def ask(port: int, method: str, path: str, token: int) -> tuple[int, bytes]:
    """The status and body of an answer, over a connection of its own."""
    reader, writer = await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), 60)
    head = f"{method} /monitor/api/v1{path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n"
    writer.write(f"{head}Authorization: Bearer mcpt_{token}\r\n\r\n".encode())
    answer = await asyncio.wait_for(reader.read(), 60)
    writer.close()
    return int(answer.split(b" ", 2)[1]), answer.partition(b"\r\n\r\n")[2]


def test_a_thousand_at_once_are_answered_and_what_was_promised_is_kept(site: Path, served: Monitor) -> None:
    names = [each["name"] for each in json.loads(served.get("/api/v1/servers")[0])["servers"]]

    async def rush() -> list[tuple[int, bytes]]:
        calls = (
            ask(served.port, "POST", f"/servers/{names[at % 10]}/stop", at % TOKENS)
            if at % 2
            else ask(served.port, "GET", "/servers", at % TOKENS)
            for at in range(AT_ONCE)
        )
        return await asyncio.gather(*calls)

    told = asyncio.run(rush())
    statuses = Counter(status for status, _body in told)
    assert set(statuses) <= {200, 202, 429, 503}, statuses
    assert statuses[200] + statuses[202] >= AT_ONCE / 2, statuses
    promised = {json.loads(body)["id"] for status, body in told if status == 202}
    assert len(promised) == statuses[202]
    assert {each.name.removesuffix(".json") for each in (site / "requests").iterdir()} == promised
    until(lambda: served.get("/api/v1/servers")[1] < 5, "it answers as before")


def test_one_token_that_asks_too_often_is_told_when_to_come_again_and_others_are_served(served: Monitor) -> None:
    async def rush() -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(ask(served.port, "GET", "/health", 0) for _ in range(10)))

    assert {status for status, _body in asyncio.run(rush())} == {200}

    async def greedy() -> list[tuple[int, bytes]]:
        return await asyncio.gather(*(ask(served.port, "GET", "/servers/none", 0) for _ in range(900)))

    statuses = Counter(status for status, _body in asyncio.run(greedy()))
    assert set(statuses) == {404, 429}, statuses
    assert asyncio.run(ask(served.port, "GET", "/servers", 1))[0] == 200


@pytest.fixture
def full(site: Path) -> Iterator[Path]:
    """The spool on a disk of its own, which has no room left."""
    spool = site / "requests"
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", spool], check=True)
    try:
        filler = spool / "filler"
        subprocess.run(["dd", "if=/dev/zero", f"of={filler}", "bs=4k"], stderr=subprocess.DEVNULL)
        assert os.statvfs(spool).f_bavail == 0
        yield spool
    finally:
        subprocess.run(["umount", spool], check=True)


def test_on_a_full_disk_nothing_is_done_and_nothing_left(full: Path, served: Monitor) -> None:
    status, body = asyncio.run(ask(served.port, "POST", "/sync", 2))
    told = json.loads(body)
    assert (status, told["type"]) == (503, "urn:mcp-orchestrator:problem:not-available")
    assert "cannot be written to: No space left on device. Nothing was done" in told["detail"]
    assert [each.name for each in full.iterdir()] == ["filler"]
    (full / "filler").unlink()
    assert asyncio.run(ask(served.port, "POST", "/sync", 2))[0] == 202
    [request] = full.iterdir()
    assert json.loads(request.read_text())["action"] == "sync"
