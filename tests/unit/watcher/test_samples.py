"""What is read from cgroups, and what is made of it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from records.sample import FULL, REDUCED, UNLIMITED, merged
from records.samples import NearLimit, Samples
from watcher.cluster.pod import Pod
from watcher.disk import Disk
from watcher.engine.model import Container
from watcher.roster import Measured, Member, Roster
from watcher.samples.cgroup import Cgroups, Usage, mounts_of, network_of
from watcher.samples.collect import Collector
from watcher.samples.near_limit import Nearness
from watcher.segment_writer import SegmentWriter

ID = "c" * 64
V1 = """\
30 24 0:26 / {root}/memory rw - cgroup cgroup rw,memory
31 24 0:27 / {root}/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
32 24 0:28 / {root}/pids rw - cgroup cgroup rw,pids
33 24 0:29 / {root}/unified rw - cgroup2 cgroup2 rw
"""
V2 = "30 24 0:26 / {root} rw,nosuid - cgroup2 cgroup2 rw\n"


class Kernel:
    """A kernel's files for one container."""

    def __init__(self, root: Path, version: int, base: str = "") -> None:
        self.root, self.version = root, version
        self.proc = root / "proc"
        (self.proc / "self").mkdir(parents=True)
        mounts = (V1 if version == 1 else V2).format(root=root / "cg")
        (self.proc / "self" / "mountinfo").write_text(mounts.replace(" / ", f" {base or '/'} "))
        self.path = f"{base}/docker/{ID}"
        self.inner = f"docker/{ID}"

    def process(self, pid: int, path: str = "") -> None:
        place = self.proc / str(pid)
        (place / "net").mkdir(parents=True, exist_ok=True)
        path = path or self.path
        lines = (
            f"0::{path}\n"
            if self.version == 2
            else f"4:memory:{path}\n2:cpu,cpuacct:{path}\n8:pids:{path}\n0::{path}\n"
        )
        (place / "cgroup").write_text(lines)
        self.traffic(pid, 0, 0)

    def traffic(self, pid: int, received: int, sent: int) -> None:
        head = "Inter-|\n face |\n"
        rows = f"    lo: 99 1 0 0 0 0 0 0 99 1 0 0 0 0 0 0\n  eth0: {received} 1 0 0 0 0 0 0 {sent} 1 0 0 0 0 0 0\n"
        (self.proc / str(pid) / "net" / "dev").write_text(head + rows)

    def use(self, cpu: int, memory: int, inactive: int, pids: int, oom: int = 0) -> None:
        if self.version == 2:
            files = {
                "cpu.stat": f"usage_usec {cpu // 1000}\nuser_usec 1\n",
                "memory.current": f"{memory}\n",
                "memory.stat": f"anon 5\ninactive_file {inactive}\n",
                "memory.events": f"low 0\noom 9\noom_kill {oom}\n",
                "pids.current": f"{pids}\n",
            }
            places = {name: self.root / "cg" / self.inner / name for name in files}
        else:
            files = {
                "cpu,cpuacct/cpuacct.usage": f"{cpu}\n",
                "memory/memory.usage_in_bytes": f"{memory}\n",
                "memory/memory.stat": f"cache 1\ninactive_file 1\ntotal_inactive_file {inactive}\n",
                "memory/memory.oom_control": f"oom_kill_disable 0\nunder_oom 0\noom_kill {oom}\n",
                "pids/pids.current": f"{pids}\n",
            }
            places = {name: self.root / "cg" / Path(name).parent / self.inner / Path(name).name for name in files}
        for name, content in files.items():
            places[name].parent.mkdir(parents=True, exist_ok=True)
            places[name].write_text(content)


@pytest.mark.parametrize("base", ["", "/docker/outer"])
@pytest.mark.parametrize("version", [1, 2])
def test_the_working_set_and_counters_are_read_in_both_versions(tmp_path: Path, version: int, base: str) -> None:
    kernel = Kernel(tmp_path, version, base)
    kernel.process(7)
    kernel.use(5_000_000, 1000, 300, 4, 2)
    cgroup = Cgroups(str(kernel.proc)).find(7, ID)
    assert cgroup is not None
    assert cgroup.usage() == Usage(5_000_000, 700, 4, 2)


def test_a_number_that_another_process_has_by_now_is_nobody(tmp_path: Path) -> None:
    kernel = Kernel(tmp_path, 2)
    kernel.process(7, "/system.slice/ssh.service")
    cgroups = Cgroups(str(kernel.proc))
    assert cgroups.find(7, ID) is None
    assert cgroups.find(8, ID) is None


def test_the_hybrid_layout_counts_as_the_first_version() -> None:
    assert mounts_of(V1.format(root="/sys/fs/cgroup"))["cpuacct"] == ("/", "/sys/fs/cgroup/cpu,cpuacct")


def test_loopback_is_no_traffic() -> None:
    content = (
        b"Inter-|\n face |\n    lo: 5 1 0 0 0 0 0 0 5 1 0\n  eth0: 10 1 0 0 0 0 0 0 20 1 0\n eth1:1 1 0 0 0 0 0 0 2 1\n"
    )
    assert network_of(content) == (11, 22)


@pytest.fixture
def kernel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kernel:
    found = Kernel(tmp_path / "kernel", 2)
    monkeypatch.setattr("watcher.samples.collect.Cgroups", lambda: Cgroups(str(found.proc)))
    monkeypatch.setattr(
        "watcher.samples.collect.network", lambda pid: network_of((found.proc / str(pid) / "net" / "dev").read_bytes())
    )
    return found


def member_of(**fields: object) -> Member:
    container = Container(ID, "mcp-time", "running", "", {"mcp_service": "time"}, frozenset())
    return Member(container, pid=7, is_running=True, **fields)  # type: ignore[arg-type]


class Rounds:
    """A collector with a clock of its own."""

    def __init__(self, directory: Path, member: Member, monkeypatch: pytest.MonkeyPatch) -> None:
        self.roster = Roster(None, "mcp")  # type: ignore[arg-type]
        self.roster.members[ID] = member
        (directory / "samples").mkdir()
        self.collector = Collector(self.roster, directory, Disk(directory))
        self.samples = Samples(directory / "samples")
        self.now = 1_700_000_000 // REDUCED.step * REDUCED.step
        monkeypatch.setattr("time.monotonic_ns", lambda: self.now * 1_000_000_000)

    def round(self) -> None:
        self.now += FULL.step
        asyncio.run(self.collector.round(self.now))


def test_a_round_tells_what_was_used_since_the_last(
    tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.process(7)
    member = member_of(cpu_limit=0.5, memory_limit=1000, processes_limit=8)
    rounds = Rounds(tmp_path, member, monkeypatch)
    kernel.use(10**9, 1000, 300, 4)
    rounds.round()
    assert rounds.samples.servers() == []  # one look at counters tells nothing
    kernel.use(10**9 + 3 * 10**9, 900, 100, 6, oom=1)
    kernel.traffic(7, 1500, 3000)
    rounds.round()
    (sample,) = rounds.samples.series("time", FULL, 0, rounds.now)
    assert (sample.cpu, sample.memory, sample.processes, sample.oom_kills) == (200, 800, 6, 1)
    assert (sample.received, sample.sent) == (1500, 3000)
    assert (sample.cpu_share, sample.memory_share, sample.processes_share) == (400, 800, 750)
    latest = rounds.samples.now().servers["time"]
    assert (latest.cpu, latest.memory, latest.received, latest.cpu_limit, latest.near_limit) == (0.2, 800, 100, 0.5, ())


def test_requests_that_no_run_has_taken_are_counted(
    tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = Rounds(tmp_path, member_of(), monkeypatch)
    rounds.round()
    assert rounds.samples.now().requests_waiting is None
    (tmp_path / "requests").mkdir()
    for name in ("a.json", "b.json", ".c", ".d.json"):
        (tmp_path / "requests" / name).write_text("{}")
    rounds.round()
    assert rounds.samples.now().requests_waiting == 2


def test_a_restart_begins_new_counters_and_is_counted(
    tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel.process(7)
    kernel.process(9)
    member = member_of()
    rounds = Rounds(tmp_path, member, monkeypatch)
    kernel.use(10**12, 1000, 0, 4)
    rounds.round()
    kernel.use(10**9 * 15, 1000, 0, 4)
    member.pid, member.starts, member.oom_kills = 9, 1, 1
    rounds.round()
    (sample,) = rounds.samples.series("time", FULL, 0, rounds.now)
    assert (sample.cpu, sample.restarts, sample.oom_kills) == (1000, 1, 1)
    assert sample.memory_share == UNLIMITED


def test_a_container_that_has_ended_is_a_gap(tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel.process(7)
    kernel.use(1, 1, 0, 1)
    member = member_of()
    rounds = Rounds(tmp_path, member, monkeypatch)
    for running in (True, True, False, False, True):
        member.is_running = running
        rounds.round()
    times = [sample.time for sample in rounds.samples.series("time", FULL, 0, rounds.now)]
    assert [(rounds.now - time) // FULL.step for time in times] == [4, 1]


def test_ten_minutes_become_one_reduced_sample(tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel.process(7)
    rounds = Rounds(tmp_path, member_of(), monkeypatch)
    for number in range(82):
        kernel.use(number, 1000 + number, 0, 1)
        rounds.round()
    found = rounds.samples.series("time", REDUCED, 0, rounds.now)
    assert [(each.time % REDUCED.step, each.count) for each in found] == [(0, 39), (0, 40)]
    assert (found[1].memory, found[1].memory_most) == (1059, 1079)


def test_a_server_that_stays_near_its_limit_is_said_once(
    tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    kernel.process(7)
    rounds = Rounds(tmp_path, member_of(memory_limit=1000), monkeypatch)
    kernel.use(1, 950, 0, 1)
    for _ in range(60):
        rounds.round()
    latest = rounds.samples.now().servers["time"]
    assert [(each.limit, each.share) for each in latest.near_limit] == [("memory", 0.95)]
    assert isinstance(latest.near_limit[0], NearLimit)
    assert caplog.text.count("server=time near_limit=memory: it uses 95 % of its memory") == 1
    json.loads((tmp_path / "samples" / "latest.json").read_text())


def test_nearness_wants_minutes_of_it_and_minutes_without() -> None:
    near = Nearness()
    shares = [950] * 10 + [100] + [950] * 30 + [870] * 100 + [100] * 10 + [950] + [100] * 30
    turns = [number for number, share in enumerate(shares) if near.feed(1000 + number * 15, share)]
    assert turns == [11 + 20, 11 + 30 + 100 + 11 + 20]
    assert near.since == 0


def test_a_full_disk_stops_recording_and_nothing_else(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_text("")
    disk = Disk(tmp_path)
    writer = SegmentWriter(tmp_path / "file" / "time", 1000, disk)
    assert not writer.write(b"x\n")
    assert not disk.has_room
    assert caplog.text.count("nothing is recorded until there is room") == 1


def test_of_a_pod_is_kept_what_the_cluster_tells_and_that_it_tells_nothing(
    tmp_path: Path, kernel: Kernel, monkeypatch: pytest.MonkeyPatch
) -> None:
    pod = Pod(ID, "mcp-time-1", "time", "g", "node-a", True, True, False, 0, "", "", None, "", False, 0.5, 1000)
    member = Member(pod.container, pod=pod, is_running=True, cpu_limit=0.5, memory_limit=1000)
    rounds = Rounds(tmp_path, member, monkeypatch)
    rounds.round()
    latest = rounds.samples.now().servers["time"]
    assert (latest.containers, latest.cpu, latest.memory, latest.processes) == (1, None, None, None)
    member.measured = Measured(250, 900)
    member.starts, member.oom_kills = 2, 1
    rounds.round()
    unmeasured, measured = rounds.samples.series("time", FULL, 0, rounds.now)
    assert (unmeasured.is_measured, measured.is_measured) == (False, True)
    assert (measured.cpu, measured.memory, measured.restarts, measured.oom_kills) == (250, 900, 2, 1)
    assert (measured.cpu_share, measured.memory_share) == (500, 900)
    member.is_running, member.starts = False, 3  # one that crashes is never seen running
    rounds.round()
    last = rounds.samples.series("time", FULL, 0, rounds.now)[-1]
    assert (last.containers, last.restarts) == (0, 1)
    assert merged([unmeasured, measured, last], 0).memory == 900
