"""The rings of samples, and the last round, which the watcher's collector writes."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping
from pathlib import Path

from records.sample import FULL, REDUCED, SIZE, UNLIMITED, Ring, Sample, pack
from watcher.disk import Disk
from watcher.engine.client import Engine
from watcher.engine.model import SERVER_LABEL, Container
from watcher.roster import Member, Roster
from watcher.samples.collect import Collector, Reading, _share, sample_of
from watcher.samples.ring_writer import RingWriter

from tests.monitor_data.fleet import Fleet
from tests.monitor_data.past import Past

DOWN = ("failing", "quarantined", "stopped")


def write_samples(directory: Path, fleet: Fleet, past: Past, generations: Mapping[str, str], seed: int) -> None:
    """Writes ``samples`` below ``directory``: a month in steps of ten minutes, and the last six hours."""
    collector = Collector(Roster(Engine(str(directory / "none.sock")), "mcp"), directory, Disk(directory))
    (directory / "samples").mkdir(exist_ok=True)
    writer = RingWriter(directory / "samples", Disk(directory))
    now = past.ended // FULL.step * FULL.step
    limits = {spec["name"]: spec for spec in fleet.config["servers"]}
    last: dict[str, list[tuple[Member, Reading]]] = {}
    usages: list[_Usage] = []
    for name in fleet.names:
        usage = _Usage(fleet, name, {**limits[name], "generation": generations[name]}, past, seed)
        usages.append(usage)
        (directory / "samples" / name).mkdir(exist_ok=True)
        for ring in (REDUCED, FULL):
            begun = max(past.begun, now - ring.seconds + ring.step)
            _write_ring(directory / "samples" / name, ring, [usage.sample(at, ring) for at in _times(begun, now, ring)])
        reading = usage.reading(now - FULL.step)
        if reading is not None:
            last[name] = [(usage.member, reading)]
            writer.write(name, sample_of(now - FULL.step, [reading]))
    collector._tell(now, last)
    collector._list.tell(each.member for each in usages)


def _times(begun: int, ended: int, ring: Ring) -> range:
    return range(-(-begun // ring.step) * ring.step, ended // ring.step * ring.step, ring.step)


def _write_ring(directory: Path, ring: Ring, samples: list[Sample | None]) -> None:
    places = bytearray(ring.places * SIZE)
    for sample in samples:
        if sample is not None:
            offset = ring.offset(sample.time)
            places[offset : offset + SIZE] = pack(sample)
    (directory / ring.name).write_bytes(bytes(places))


class _Usage:
    """What one server uses: more by day than by night, nothing while it is down, and more memory from day to day."""

    def __init__(self, fleet: Fleet, name: str, spec: dict[str, float], past: Past, seed: int) -> None:
        chance = random.Random(f"{seed} {name}")
        self._past = past
        self._down = [
            # It runs again a minute before it answers; what lasts until the end has not come back.
            (each.begun, each.ended - 60 if each.ended <= past.ended else each.ended)
            for each in past.spells
            if each.server == name and each.condition in DOWN
        ]
        self._chance = chance
        self._load = chance.uniform(0.01, 0.5)
        self._base = chance.uniform(0.05, 0.5)
        self._memory, self._cores = int(spec.get("memory", 512 * 1024**2)), float(spec.get("cpus", 1.0))
        labels = {SERVER_LABEL: name, "mcp_generation": str(spec.get("generation", ""))}
        labels["mcp_port"] = str(20000 + sorted(fleet.names).index(name))
        labels |= {"mcp_bridge": "5d0c"} if name in fleet.bridged else {}
        container = Container(fleet.container(name), f"mcp-{name}", "running", "healthy", labels, frozenset())
        self.member = Member(container, 1, self._cores, self._memory, 256, is_running=True)

    def reading(self, at: int) -> Reading | None:
        """Returns what was used in one step of full resolution; None where nothing ran or nobody looked."""
        if self._past.is_dark(at) or any(begun <= at < back for begun, back in self._down):
            return None
        day = 0.5 - 0.5 * math.cos(at % 86400 / 86400 * 2 * math.pi)
        cpu = int(1000 * self._cores * self._load * (0.05 + day) * self._chance.uniform(0.4, 1.6))
        grown = (at - self._past.begun) % (5 * 86400) / (5 * 86400)
        memory = int(self._memory * min(self._base + 0.5 * self._base * grown + 0.05 * day, 0.97))
        restarted = any(back <= at < back + 15 for _, back in self._down)
        traffic = int(2000 * day * self._chance.uniform(0, 2))
        shares = {
            "cpu": _share(cpu / 1000, self._cores),
            "memory": _share(memory, self._memory),
            "processes": _share(9, 256),
        }
        return Reading(cpu, memory, 9, 2 * traffic, 7 * traffic, int(restarted), int(restarted and grown > 0.8), shares)

    def sample(self, at: int, ring: Ring) -> Sample | None:
        """Returns the sample of one step of a ring."""
        reading = self.reading(at)
        if reading is None:
            return None
        made = sample_of(at, [reading])
        if ring is FULL:
            return made
        steps = ring.step // FULL.step
        failed = [back for _, back in self._down if at <= back < at + ring.step]
        highest = min(int(made.cpu * 1.7), int(1000 * self._cores))
        most = min(made.cpu_share * 17 // 10, UNLIMITED - 1)
        return Sample(
            at, steps, 1, made.cpu, highest, made.memory, made.memory, made.received * steps,
            made.sent * steps, made.processes, len(failed), made.oom_kills, most,
            made.memory_share, made.processes_share,
        )  # fmt: skip
