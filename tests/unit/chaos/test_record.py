"""Tries that are kept in a file, so that a table may be measured in pieces."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import __main__ as chaos
from tests.chaos import record, table
from tests.chaos.faults import FAULTS
from tests.chaos.load import Tally
from tests.chaos.trial import Outcome

FIRST, SECOND = FAULTS[:2]


def outcome(fault, seconds: float, *broken: str) -> Outcome:
    return Outcome(fault, [seconds], [seconds], [Tally(3, 0, 1, {"502": 1})], [], [0.5], [""], list(broken))


def test_tries_of_several_pieces_are_read_as_they_were_written(tmp_path: Path) -> None:
    tries = [record.Done(outcome(FIRST, 1.0), 60), record.Done(outcome(SECOND, 2.0, "a rule is left"), 15, 7, 3)]
    for each in tries:
        record.append(tmp_path / "tries", each)
    assert list(record.read(tmp_path / "tries")) == tries


def test_tries_of_a_fault_are_one_row_and_those_in_random_order_another_once_more() -> None:
    done = [
        record.Done(outcome(FIRST, 1.0), 60),
        record.Done(outcome(FIRST, 3.0), 60),
        record.Done(outcome(SECOND, 2.0, "a rule is left"), 15, 7, 3),
    ]
    first, second, at_random = chaos.rows_of(done)
    assert (first["fault"], first["tries"], first["whole_worst"], first["hit"]["lost"]) == (FIRST.name, 2, 3.0, 2)
    assert (second["fault"], second["broken"]) == (SECOND.name, ["a rule is left"])
    assert (at_random["fault"], at_random["tries"]) == ("of these, in random order with the seeds 7", 1)
    assert at_random["broken"] == [f"{SECOND.name}: a rule is left"]
    assert "1 finding" in table.table([at_random])


def test_a_fault_in_random_order_is_the_same_whatever_came_before_it() -> None:
    whole = chaos.in_random_order(list(FAULTS), 5, 50)
    again = chaos.in_random_order(list(FAULTS), 5, 50)
    assert [(number, fault.name, luck.random()) for number, fault, luck in whole[20:]] == [
        (number, fault.name, luck.random()) for number, fault, luck in again[20:]
    ]


def test_a_try_of_an_unknown_fault_is_refused(tmp_path: Path) -> None:
    record.append(tmp_path / "tries", record.Done(outcome(FIRST, 1.0), 60))
    with pytest.raises(ValueError, match="is no fault of"):
        list(record.read(tmp_path / "tries", [SECOND]))
