"""What the fleet used in a month, read once."""

from __future__ import annotations

from pathlib import Path

import pytest
from monitor.figures.fleet_month import POINTS, STEP, FleetMonth
from records.sample import REDUCED, SIZE, Ring, Sample, pack
from records.samples import Samples

NOW = 1_790_000_000 // STEP * STEP


def keep(folder: Path, server: str, *times: int, cpu: int = 500, memory: int = 1024) -> None:
    (folder / server).mkdir(exist_ok=True)
    path = folder / server / REDUCED.name
    places = bytearray(path.read_bytes() if path.exists() else REDUCED.places * SIZE)
    for at in times:
        made = Sample(at, 40, 1, cpu, cpu, memory, memory, 0, 0, 1, 0, 0, 0, 0, 0)
        places[REDUCED.offset(at) : REDUCED.offset(at) + SIZE] = pack(made)
    path.write_bytes(bytes(places))


class Counted(Samples):
    """Samples that say what was read of them."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.read: list[int] = []

    def series(self, server: str, ring: Ring, since: int, until: int) -> list[Sample]:
        self.read.append(until - since)
        return super().series(server, ring, since, until)


def test_a_step_is_the_sum_of_the_servers_means_and_a_gap_is_none(tmp_path: Path) -> None:
    keep(tmp_path, "time", NOW - STEP, cpu=100)
    keep(tmp_path, "time", NOW - STEP + 600, cpu=300)
    keep(tmp_path, "github", NOW - STEP, NOW - 3 * STEP, cpu=1000)
    month = FleetMonth(Samples(tmp_path), lambda: NOW + 700.0).month()
    assert len(month.cpu) == POINTS
    assert month.cpu[-3:] == (1.0, None, pytest.approx(1.2))
    assert month.memory[-1] == 2048.0


def test_a_step_that_has_ended_is_read_once(tmp_path: Path) -> None:
    keep(tmp_path, "time", NOW - STEP, NOW)
    now = [NOW + 700.0]
    samples = Counted(tmp_path)
    fleet = FleetMonth(samples, lambda: now[0])
    before = fleet.month()
    assert fleet.month() == before
    now[0] += STEP
    after = fleet.month()
    assert samples.read == [POINTS * STEP, STEP]
    assert after.cpu[-2:] == (0.5, 0.5)


def test_a_clock_that_was_set_back_begins_anew(tmp_path: Path) -> None:
    keep(tmp_path, "time", NOW - STEP)
    now = [NOW + 700.0]
    fleet = FleetMonth(Samples(tmp_path), lambda: now[0])
    fleet.month()
    now[0] -= 10 * STEP
    assert set(fleet.month().cpu) == {None}


def test_without_samples_there_is_nothing(tmp_path: Path) -> None:
    assert set(FleetMonth(Samples(tmp_path / "none")).month().memory) == {None}
