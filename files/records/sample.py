"""One sample of a server, and the rings in which they are kept.

A ring is a file of fixed size with a place for each interval: place ``time // step % places``. A place that holds an
older time is a gap. Each record ends in a checksum, so that one that is being written is passed over.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from operator import attrgetter

_FIELDS = struct.Struct("<IHHIIQQQQHHHHHH")
_CHECK = struct.Struct("<I")
SIZE = _FIELDS.size + _CHECK.size
_MOST = (2**32 - 1, *[2**16 - 1] * 2, *[2**32 - 1] * 2, *[2**64 - 1] * 4, *[2**16 - 1] * 6)
UNLIMITED = 2**16 - 1
"""The share of a limit that there is not."""


@dataclass(frozen=True, slots=True)
class Ring:
    """``step`` in seconds, and how many places."""

    step: int
    places: int

    @property
    def name(self) -> str:
        """The name of its file."""
        return f"{self.step}s.ring"

    @property
    def seconds(self) -> int:
        """How far back it goes."""
        return self.step * self.places

    def offset(self, time: int) -> int:
        """Returns where the record of a time is. ``time``: seconds since 1970."""
        return time // self.step % self.places * SIZE


FULL = Ring(15, 6 * 240)  # 6 hours
REDUCED = Ring(600, 30 * 144)  # 30 days


@dataclass(frozen=True, slots=True)
class Sample:
    """What the containers of a server used from ``time``, in seconds since 1970, for one step of the ring.

    ``count``: how many samples of full resolution are in it. ``cpu`` in thousandths of a core and ``memory`` in bytes
    (the working set: without file pages that the kernel may drop) are means of all containers' sum, with the highest
    beside them. ``received`` and ``sent`` are bytes, ``restarts`` and ``oom_kills`` numbers of the whole step;
    ``processes`` the most at once. The shares are thousandths of the limit of that container which is nearest to it,
    the highest of the step, UNLIMITED without one.
    """

    time: int
    count: int
    containers: int
    cpu: int
    cpu_most: int
    memory: int
    memory_most: int
    received: int
    sent: int
    processes: int
    restarts: int
    oom_kills: int
    cpu_share: int
    memory_share: int
    processes_share: int

    @property
    def is_measured(self) -> bool:
        """Whether processor time and memory were measured: what runs has some, and a cluster need not tell."""
        return self.memory > 0


_values = attrgetter(*(field.name for field in fields(Sample)))


def pack(sample: Sample) -> bytes:
    """Returns the record of a sample. What is out of a field's range becomes the nearest that is in it."""
    values = zip(_values(sample), _MOST, strict=True)
    record = _FIELDS.pack(*[max(0, min(value, most)) for value, most in values])
    return record + _CHECK.pack(zlib.crc32(record))


def unpack(records: bytes) -> Iterator[Sample]:
    """Yields the samples in whole records, without gaps and damaged ones."""
    for start in range(0, len(records) - SIZE + 1, SIZE):
        record = records[start : start + _FIELDS.size]
        if zlib.crc32(record) == _CHECK.unpack_from(records, start + _FIELDS.size)[0]:
            sample = Sample(*_FIELDS.unpack(record))
            if sample.count:
                yield sample


def merged(samples: list[Sample], time: int) -> Sample:
    """Returns one sample of several, of which there is at least one; it begins at ``time``."""
    count = sum(each.count for each in samples)
    measured = [each for each in samples if each.is_measured] or samples
    weight = sum(each.count for each in measured)
    return Sample(
        time=time,
        count=count,
        containers=max(each.containers for each in samples),
        cpu=sum(each.cpu * each.count for each in measured) // weight,
        cpu_most=max(each.cpu_most for each in samples),
        memory=sum(each.memory * each.count for each in measured) // weight,
        memory_most=max(each.memory_most for each in samples),
        received=sum(each.received for each in samples),
        sent=sum(each.sent for each in samples),
        processes=max(each.processes for each in samples),
        restarts=sum(each.restarts for each in samples),
        oom_kills=sum(each.oom_kills for each in samples),
        cpu_share=_highest([each.cpu_share for each in samples]),
        memory_share=_highest([each.memory_share for each in samples]),
        processes_share=_highest([each.processes_share for each in samples]),
    )


def _highest(shares: list[int]) -> int:
    limited = [share for share in shares if share != UNLIMITED]
    return max(limited, default=UNLIMITED)
