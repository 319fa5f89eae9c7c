"""Writing samples into the rings of a server: see ``records.sample``."""

from __future__ import annotations

import os
from pathlib import Path

from records.sample import FULL, REDUCED, SIZE, Ring, Sample, merged, pack
from records.samples import Samples

from watcher.disk import Disk
from watcher.segment_writer import DIRECTORY_MODE, FILE_MODE


class RingWriter:
    """Writes below ``directory``. A server's files are made whole at once: later samples need no more room."""

    def __init__(self, directory: Path, disk: Disk) -> None:
        self._directory = directory
        self._disk = disk
        self._reader = Samples(directory)

    def write(self, server: str, sample: Sample) -> None:
        """Keeps a sample of full resolution."""
        self._put(server, FULL, sample)

    def reduce(self, server: str, time: int) -> None:
        """Keeps the mean of the step of REDUCED that begins at ``time``, if the server has samples in it."""
        samples = self._reader.series(server, FULL, time, time + REDUCED.step)
        if samples:
            self._put(server, REDUCED, merged(samples, time))

    def _put(self, server: str, ring: Ring, sample: Sample) -> None:
        path = self._directory / server / ring.name
        try:
            try:
                descriptor = os.open(path, os.O_WRONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
            except FileNotFoundError:
                if not self._disk.has_room:
                    return
                descriptor = self._made(path, ring)
            try:
                os.pwrite(descriptor, pack(sample), ring.offset(sample.time))
            finally:
                os.close(descriptor)
        except OSError as error:
            self._disk.failed(error)

    @staticmethod
    def _made(path: Path, ring: Ring) -> int:
        """Makes a ring with its whole size, under its name only once it has that."""
        path.parent.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        temporary = path.with_name(f"{path.name}.new")
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
        try:
            os.posix_fallocate(descriptor, 0, ring.places * SIZE)
            temporary.rename(path)
        except OSError:
            os.close(descriptor)
            temporary.unlink(missing_ok=True)
            raise
        return descriptor
