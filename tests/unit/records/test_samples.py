"""Rings of samples, and what is read from them."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st
from records.sample import FULL, REDUCED, SIZE, UNLIMITED, Ring, Sample, merged, pack, unpack
from records.samples import Now, Samples

ONE = Sample(0, 1, 1, 100, 100, 5_000, 5_000, 10, 20, 3, 0, 0, 200, 500, UNLIMITED)


def written(path: Path, ring: Ring, samples: list[Sample]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    content = bytearray(path.read_bytes() if path.exists() else bytes(ring.places * SIZE))
    for sample in samples:
        content[ring.offset(sample.time) :][:SIZE] = b""
        at = ring.offset(sample.time)
        content[at : at + SIZE] = pack(sample)
    path.write_bytes(content)


@given(st.lists(st.integers(-5, 2**70), min_size=15, max_size=15))
def test_any_numbers_become_a_record_that_is_read_back_within_its_bounds(numbers: list[int]) -> None:
    sample = Sample(*numbers)
    read = list(unpack(pack(replace(sample, count=1))))
    assert len(read) == 1
    for field in fields(Sample):
        given_value, found = getattr(replace(sample, count=1), field.name), getattr(read[0], field.name)
        assert found == given_value or given_value < 0 or found < given_value


def test_a_damaged_record_is_a_gap() -> None:
    record = bytearray(pack(ONE) + pack(replace(ONE, time=15)) + bytes(SIZE))
    record[20] ^= 1
    assert [sample.time for sample in unpack(bytes(record))] == [15]


def test_series_are_in_order_with_gaps_and_without_what_the_ring_has_overwritten(tmp_path: Path) -> None:
    ring = Ring(15, 8)
    times = [15 * n for n in range(100, 112) if n != 106]
    path = tmp_path / "time" / ring.name
    for time in times:
        written(path, ring, [replace(ONE, time=time)])
    samples = Samples(tmp_path)
    last = 15 * 112
    for since in range(0, last, 7):
        for until in (last, last - 15, since + 40):
            found = [sample.time for sample in samples.series("time", ring, since, until)]
            begun = max(since // 15 * 15, until - ring.seconds)
            expected = [time for time in times if max(begun, last - ring.seconds) <= time < until]
            assert found == expected, (since, until)


def test_a_reduced_sample_has_means_the_highest_and_sums() -> None:
    found = merged([ONE, replace(ONE, time=15, cpu=300, cpu_most=300, memory_share=900, restarts=2)], 0)
    assert (found.count, found.cpu, found.cpu_most, found.memory_share, found.restarts, found.received) == (
        *(2, 200, 300, 900),
        *(2, 20),
    )
    assert found.processes_share == UNLIMITED


def test_names_that_are_not_there_open_nothing(tmp_path: Path) -> None:
    written(tmp_path / "outside" / FULL.name, FULL, [replace(ONE, time=150)])
    (tmp_path / "samples").mkdir()
    assert Samples(tmp_path / "samples").series("../outside", FULL, 0, 300) == []


def test_what_is_kept_of_a_server_is_small() -> None:
    assert (FULL.seconds, REDUCED.seconds) == (6 * 3600, 30 * 86400)
    assert (FULL.places + REDUCED.places) * SIZE < 400 * 1024


def test_a_latest_file_that_is_missing_or_is_none_is_an_empty_round(tmp_path: Path) -> None:
    assert Samples(tmp_path).now() == Now()
    for content in ('{"time": 1}', "[]", "", '{"time": 1, "servers": {"a": {"cpu": 1}}}', '{"time": 1, "servers": 5}'):
        (tmp_path / "latest.json").write_text(content)
        assert Samples(tmp_path).now() == Now()
