"""What servers used in the last day, read as little as can be."""

from __future__ import annotations

from pathlib import Path

from monitor.figures.usage import POINTS, Usages
from records.sample import FULL, REDUCED, Ring
from records.samples import Samples
from watcher.disk import Disk
from watcher.samples.collect import Reading, sample_of
from watcher.samples.ring_writer import RingWriter

NOW = 1_790_000_400 // REDUCED.step * REDUCED.step


class Site:
    """Samples as the watcher writes them, and a clock."""

    def __init__(self, folder: Path) -> None:
        self.now = float(NOW)
        self.writer = RingWriter(folder, Disk(folder))
        self.samples = Samples(folder)
        self.usages = Usages(self.samples, lambda: self.now)

    def step(self, begun: int, restarts: int = 0, cpu: int = 500) -> None:
        """Ten minutes that begin at ``begun``."""
        for at in range(begun, begun + REDUCED.step, FULL.step):
            shares = {"cpu": None, "memory": None, "processes": None}
            reading = Reading(cpu, 1024**2, 3, 0, 0, restarts if at == begun else 0, 0, shares)
            self.writer.write("time", sample_of(at, [reading]))
        self.writer.reduce("time", begun)


def test_a_half_hour_is_the_mean_of_its_steps_and_a_gap_is_none(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.step(NOW - 1800, cpu=100)
    site.step(NOW - 1200, cpu=300)
    usage = site.usages.of("time")
    assert len(usage.cpu) == POINTS
    assert [each for each in usage.cpu if each is not None]
    assert min(each for each in usage.cpu if each is not None) >= 0.1
    assert usage.cpu[0] is None
    assert usage.memory[-1] in (None, 1024.0**2)


def test_restarts_of_a_day_are_counted_and_those_before_are_not(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.step(NOW - 2 * 86400, restarts=7)
    site.step(NOW - 7200, restarts=2)
    assert site.usages.of("time").restarts == 2


def test_what_is_there_is_read_once(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.step(NOW - 7200)
    read: list[int] = []
    of_all = site.samples.of_all

    def counted(ring: Ring, since: int, until: int) -> dict[str, list]:  # type: ignore[type-arg]
        read.append(until - since)
        return of_all(ring, since, until)

    site.samples.of_all = counted  # type: ignore[method-assign]
    site.usages.all()
    site.usages.all()
    site.now += 20
    site.usages.all()
    assert read[0] == 86400
    assert read[1:] == [2 * REDUCED.step + 20]


def test_a_figure_that_changes_changes_the_identity(tmp_path: Path) -> None:
    site = Site(tmp_path)
    site.step(NOW - 7200)
    site.usages.all()
    before = site.usages.identity
    site.now += 20
    site.usages.all()
    assert site.usages.identity == before
    site.step(NOW)
    site.now += 620
    site.usages.all()
    assert site.usages.identity != before


def test_a_server_without_samples_used_nothing_that_is_known(tmp_path: Path) -> None:
    usage = Site(tmp_path).usages.of("other")
    assert usage.latest is None
    assert set(usage.cpu) == {None}
