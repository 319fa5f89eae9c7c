"""What the watcher records of real containers on a real engine."""

from __future__ import annotations

import asyncio
import io
import subprocess
import tarfile
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import docker
import pytest
from records.calls import Calls
from records.logs import Logs
from records.query import Query
from records.sample import FULL
from records.samples import Samples
from watcher.disk import Disk
from watcher.engine.client import Engine
from watcher.recording import Recording, recording_of_fleet
from watcher.roster import Roster
from watcher.samples.collect import Collector
from watcher.tasks import run_tasks

from tests.e2e.support.waiting import until

FLEET = "e2e-records"
IMAGE = "mcp-test/writer:1"
ALL = Query()
SOURCE = r"""
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
/* writer words: one of each kind, then a number ten times a second. writer flood N: N lines at once, then the end. */
int main(int count, char **words) {
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count > 2) {
        int most = atoi(words[2]);
        for (int i = 0; i < most; i++) printf("flood line number %d of a server that has gone mad\n", i);
        printf("the end of the flood\n");
        fflush(stdout);
        for (;;) pause();
    }
    puts("begin \x1b[31mred\x1b[0m \x1b]0;title\x07 \xff");
    for (int i = 0; i < 40000; i++) putchar('x');
    putchar('\n');
    fputs("bridge: call: 2026-11-29T01:19:13.123Z 0011223344556677 tools/call get_time ok 1.5\n", stderr);
    fputs("half a line", stderr);
    for (int i = 0;; i++) {
        printf("tick %d\n", i);
        usleep(100000);
        if (i == 20 && count > 1 && !strcmp(words[1], "die")) return 1;
    }
}
"""


class Recorder:
    """The watcher's recording tasks, in a thread of their own."""

    def __init__(self, directory: Path) -> None:
        self._ready = threading.Event()
        self._directory = directory
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()
        assert self._ready.wait(60)

    async def _run(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        recorded = Recording(10 * 1024 * 1024, 16 * 1024, to_journal=False)
        found = recording_of_fleet(Engine("/run/docker.sock"), FLEET, self._directory, recorded)
        self._ready.set()
        await run_tasks(found.tasks, self._stop)

    def stop(self) -> None:
        """Ends it as SIGTERM does."""
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(60)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[docker.APIClient]:
    client = docker.APIClient()
    archive, place = io.BytesIO(), tmp_path_factory.mktemp("writer") / "writer"
    subprocess.run(["gcc", "-static", "-Os", "-x", "c", "-", "-o", place], input=SOURCE.encode(), check=True)
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(place, "writer")
    client.import_image_from_data(
        archive.getvalue(), repository=IMAGE[:-2], tag="1", changes=['ENTRYPOINT ["/writer"]']
    )
    yield client
    _remove(client)
    client.remove_image(IMAGE, force=True)
    client.close()


def _remove(api: docker.APIClient) -> None:
    for each in api.containers(all=True, filters={"label": f"mcp_fleet={FLEET}"}):
        api.remove_container(each["Id"], force=True)


@pytest.fixture
def directory(api: docker.APIClient, tmp_path: Path) -> Iterator[Path]:
    _remove(api)
    yield tmp_path
    _remove(api)


def start(api: docker.APIClient, server: str, *words: str, labels: dict[str, str] | None = None, **host: object) -> str:
    made = api.create_container(
        IMAGE,
        list(words),
        labels={"mcp_fleet": FLEET, "mcp_service": server, **(labels or {})},
        host_config=api.create_host_config(**host),
    )
    api.start(made["Id"])
    return str(made["Id"])


def lines_of(api: docker.APIClient, identity: str) -> int:
    """How many lines the engine has of a container."""
    return int(api.logs(identity).count(b"\n"))


def texts(directory: Path, server: str, query: Query = ALL) -> list[str]:
    return [line.text for line in Logs(directory / "logs").oldest_first(server, query)]


def test_what_a_container_writes_is_kept_once_across_restarts_of_it_and_of_the_watcher(
    api: docker.APIClient, directory: Path
) -> None:
    recorder = Recorder(directory)
    identity = start(api, "time", "words", labels={"mcp_bridge": "x"}, mem_limit="32m")
    until(lambda: "tick 5" in texts(directory, "time"), "the first lines are kept")
    api.restart(identity, timeout=0)
    until(lambda: texts(directory, "time").count("tick 3") == 2, "those after a restart are")
    recorder.stop()
    missed, unwatched = texts(directory, "time").count("tick 12"), lines_of(api, identity)
    until(lambda: lines_of(api, identity) > unwatched + 10, "something is written while nobody watches")
    recorder = Recorder(directory)
    until(lambda: texts(directory, "time").count("tick 25") > missed, "those from in between are")
    api.kill(identity)
    api.wait(identity)
    written = api.logs(identity, stdout=True, stderr=False).decode("utf-8", "backslashreplace").splitlines()
    until(lambda: texts(directory, "time", Query(stream="out"))[-1] == written[-1], "the last line is kept")
    # The engine writes half a line once the process has ended.
    until(lambda: texts(directory, "time", Query(stream="err")).count("half a line") == 2, "half lines are kept")
    recorder.stop()
    kept = texts(directory, "time", Query(stream="out"))
    assert kept[0] == "begin red \\x1b]0;title\\x07 \ufffd"  # the engine itself keeps what is no UTF-8 so
    assert kept[1] == "x" * 32768 + "… (40000 bytes in all)"
    assert (
        kept[2:]
        == [kept[0] if line.startswith("begin") else kept[1] if line[0] == "x" else line for line in written][2:]
    )
    assert texts(directory, "time", Query(stream="err")) == ["half a line"] * 2
    assert "the log of" in texts(directory, "time", Query(stream="rec"))[0]
    calls = Calls(directory / "calls").tail(["time"], ALL, 10).calls
    assert [(call.tool, call.milliseconds) for call in calls] == [("get_time", 1.5)] * 2


def test_a_flood_is_counted_and_its_end_is_kept(api: docker.APIClient, directory: Path) -> None:
    recorder = Recorder(directory)
    identity = start(api, "mad", "flood", "12000")
    until(lambda: "the end of the flood" in texts(directory, "mad"), "the end is kept")
    recorder.stop()
    kept = texts(directory, "mad", Query(stream="out"))
    said = [int(text.split()[0]) for text in texts(directory, "mad", Query(text="left out"))]
    assert len(kept) + sum(said) == 12001
    assert 1_000 < len(kept) < 10_000
    api.remove_container(identity, force=True)


def _is_still(api: docker.APIClient, identity: str, directory: Path) -> bool:
    """Whether nothing is kept while the engine gets further lines."""
    kept, before = len(texts(directory, "time")), lines_of(api, identity)
    until(lambda: lines_of(api, identity) > before + 20, "more is written")
    return len(texts(directory, "time")) == kept


def test_a_full_disk_stops_recording_until_there_is_room_and_the_log_says_what_is_missing(
    api: docker.APIClient, directory: Path
) -> None:
    small = directory / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
    try:
        identity = start(api, "time", "words")
        recorder = Recorder(small)
        until(lambda: "tick 3" in texts(small, "time"), "lines are kept")
        with suppress(OSError), (small / "filler").open("wb", buffering=0) as filler:
            while filler.write(b"x" * 4096):
                pass
        until(lambda: _is_still(api, identity, small), "nothing is recorded any more")
        (small / "filler").unlink()
        until(lambda: texts(small, "time", Query(text="were lost: the disk was full")), "it says what is missing")
        recorder.stop()
    finally:
        subprocess.run(["umount", "-l", small], check=True)


def test_a_log_driver_that_keeps_nothing_is_said(api: docker.APIClient, directory: Path) -> None:
    start(api, "silent", "words", log_config=docker.types.LogConfig(type="none"))
    recorder = Recorder(directory)
    until(lambda: any("log driver none" in text for text in texts(directory, "silent")), "it says so")
    recorder.stop()


def test_samples_of_a_real_container_are_within_its_limits(api: docker.APIClient, directory: Path) -> None:
    identity = start(api, "time", "words", mem_limit="32m", pids_limit=20, cpu_quota=50_000)
    (directory / "samples").mkdir()

    async def two_rounds() -> None:
        roster = Roster(Engine("/run/docker.sock"), FLEET)
        collector = Collector(roster, directory, Disk(directory))
        keeping = asyncio.create_task(roster.keep())
        async with asyncio.timeout(90):
            while identity not in roster.members or not roster.members[identity].is_running:
                await asyncio.sleep(0.05)
        for _ in range(2):
            await collector.round(int(time.time()))
        keeping.cancel()

    asyncio.run(two_rounds())
    samples = Samples(directory / "samples")
    latest = samples.now().servers["time"]
    assert (latest.cpu_limit, latest.memory_limit, latest.processes_limit) == (0.5, 32 * 1024**2, 20)
    assert 0 < latest.memory < 32 * 1024**2
    assert 1 <= latest.processes <= 20
    (sample,) = samples.series("time", FULL, 0, int(time.time()))
    assert (sample.containers, sample.memory) == (1, latest.memory)
