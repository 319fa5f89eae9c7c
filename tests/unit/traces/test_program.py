"""Spans wait in the records, and nobody waits for them."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from records.growth import SECONDS as LOOKED_UP
from records.spans import Progress, read_progress
from traces import backlog
from traces.delivery import Outcome
from traces.program import LOOK_SECONDS, OLDEST_SECONDS, Program

from tests.unit.records.kept import FIRST, keep
from tests.unit.traces.recorded import kept


class Collector:
    """Takes what comes, or does not."""

    def __init__(self) -> None:
        self.outcome = Outcome.TAKEN
        self.batches: list[list[ReadableSpan]] = []

    @property
    def ids(self) -> list[str]:
        return [str(span.attributes["jsonrpc.request.id"]) for batch in self.batches for span in batch]

    def send(self, spans: Sequence[ReadableSpan]) -> tuple[Outcome, str]:
        if self.outcome is Outcome.TAKEN:
            self.batches.append(list(spans))
        return self.outcome, "" if self.outcome is Outcome.TAKEN else "it answers with HTTP status 503"


class Scene:
    """A directory of records with a program that reads it, at a time of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.own = directory / "traces"
        self.own.mkdir()
        (directory / "calls").mkdir()
        self.collector = Collector()
        self.now = float(FIRST)
        self.program = self.again()

    def again(self) -> Program:
        """The program started anew."""
        return Program("mcp", self.directory, self.own, self.collector, clock=lambda: self.now)

    @property
    def noted(self) -> Progress:
        """What the program has noted."""
        found = read_progress(self.own)
        assert found is not None
        return found

    def write(self, server: str, *idents: str, started: float = 0.0) -> None:
        """Adds calls to a server's record."""
        place = self.directory / "calls" / server / "00000001.log"
        former = place.read_bytes() if place.exists() else b""
        keep(self.directory / "calls", server, former + b"".join(kept(started, ident=each) for each in idents))

    def step(self) -> float:
        self.program._backlog._growth._looked = float("-inf")  # as if its answer were old
        return self.program.step()


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_what_comes_is_sent_once_and_what_was_there_before_is_not(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    keep(tmp_path / "a" / "calls", "time", kept(0, ident="before"))
    (tmp_path / "a" / "traces").mkdir()
    scene = Scene.__new__(Scene)
    scene.directory, scene.own, scene.collector, scene.now = tmp_path / "a", tmp_path / "a/traces", Collector(), FIRST
    scene.program = scene.again()
    scene.write("time", "1", "2")
    scene.write("other", "3")
    assert scene.step() == LOOK_SECONDS
    assert scene.step() == LOOK_SECONDS
    assert sorted(scene.collector.ids) == ["1", "2", "3"]
    assert len(scene.collector.batches) == 1
    assert LOOKED_UP < LOOK_SECONDS


def test_a_new_start_goes_on_where_the_last_one_ended(scene: Scene) -> None:
    scene.write("time", "1")
    scene.step()
    scene.write("time", "2")
    scene.program = scene.again()
    scene.step()
    assert scene.collector.ids == ["1", "2"]
    assert scene.noted.sent == 2


def test_spans_wait_for_a_receiver_that_is_away_longer_each_time_and_no_word_is_said_twice(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "traces")
    scene.collector.outcome = Outcome.WAITS
    scene.write("time", "1")
    assert [scene.step() for _ in range(7)] == [2, 4, 8, 16, 32, 60, 60]
    scene.collector.outcome = Outcome.TAKEN
    assert scene.step() == LOOK_SECONDS
    assert scene.collector.ids == ["1"]
    assert [record.getMessage() for record in caplog.records] == [
        "the receiver takes no spans, which wait for it: it answers with HTTP status 503",
        "spans are sent again; 0 were dropped meanwhile",
    ]


def test_what_waits_too_long_is_dropped_and_counted(scene: Scene) -> None:
    scene.collector.outcome = Outcome.WAITS
    scene.write("time", "old", "older")
    scene.step()
    scene.now += OLDEST_SECONDS + 1
    scene.write("time", "new", started=OLDEST_SECONDS)
    scene.step()
    scene.collector.outcome = Outcome.TAKEN
    scene.step()
    assert scene.collector.ids == ["new"]
    assert (scene.noted.sent, scene.noted.dropped) == (1, 2)


def test_a_batch_that_would_be_refused_again_keeps_no_other_waiting(scene: Scene) -> None:
    scene.collector.outcome = Outcome.REFUSED
    scene.write("time", "bad")
    scene.step()
    scene.collector.outcome = Outcome.TAKEN
    scene.write("time", "good")
    scene.step()
    assert scene.collector.ids == ["good"]
    assert scene.noted.dropped == 1


def test_a_flood_of_one_server_goes_in_batches_between_which_the_others_come(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in ("traces.backlog", "traces.program"):
        monkeypatch.setattr(f"{module}.MOST_CALLS", 4)
    assert backlog.MOST_CALLS == 4
    scene.write("a-flood", *(f"f{number}" for number in range(10)))
    scene.write("time", "1")
    assert scene.step() == 0
    assert scene.step() == 0
    assert [len(batch) for batch in scene.collector.batches] == [4, 4]
    assert "1" in scene.collector.ids[4:8]
    scene.step()
    assert len(scene.collector.ids) == 11


def test_calls_that_were_deleted_before_they_were_read_are_counted(scene: Scene) -> None:
    scene.write("time", "1")
    scene.step()
    place = scene.directory / "calls" / "time"
    (place / "00000003.log").write_bytes(kept(1, ident="2"))
    (place / "00000001.log").unlink()
    scene.step()
    assert scene.collector.ids == ["1", "2"]
    assert scene.noted.lost == 1


def test_a_server_that_is_gone_is_forgotten(scene: Scene) -> None:
    scene.write("time", "1")
    scene.write("other", "2")
    scene.step()
    (scene.directory / "calls" / "time" / "00000001.log").unlink()
    (scene.directory / "calls" / "time").rmdir()
    scene.write("other", "3")
    scene.step()
    assert json.loads((scene.own / "progress.json").read_text())["position"].keys() == {"other"}


def test_a_disk_that_is_full_ends_nothing(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    (scene.own / "progress.json.new").mkdir()
    scene.write("time", "1")
    scene.step()
    scene.step()
    assert scene.collector.ids == ["1"]
    assert "cannot be written" in caplog.text


@pytest.mark.parametrize("found", ["", "[]", '{"position": 7}', '{"position": {}, "sent": "many"}'])
def test_a_file_of_progress_that_cannot_be_read_is_a_new_beginning(scene: Scene, found: str) -> None:
    scene.write("time", "1")
    (scene.own / "progress.json").write_text(found)
    scene.program = scene.again()
    scene.write("time", "2")
    scene.step()
    assert scene.collector.ids == ["2"]


def test_a_container_is_told_with_its_fleet_replica_and_generation(scene: Scene) -> None:
    (scene.directory / "samples").mkdir()
    listed = {"id": "0123456789abcdef", "generation": "g1", "replica": "2", "is_running": True}
    (scene.directory / "samples" / "containers.json").write_text(
        json.dumps({"version": 1, "servers": {"time": [listed]}})
    )
    scene.write("time", "1")
    scene.step()
    ((span,),) = scene.collector.batches
    assert {name: value for name, value in span.resource.attributes.items() if name != "host.name"} == {
        "service.name": "time",
        "service.namespace": "mcp",
        "service.instance.id": "0123456789ab",
        "service.version": "g1",
        "mcp.orchestrator.fleet": "mcp",
        "mcp.orchestrator.replica": "2",
    }
