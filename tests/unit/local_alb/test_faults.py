"""Faults on purpose: exactly the calls that were named, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from local_alb.api.faults import Dropped, Faults
from local_alb.errors import ApiError

from tests.unit.local_alb.inprocess import Alb, code_of


def test_the_named_calls_of_an_operation_fail_with_the_given_error(alb: Alb) -> None:
    error = {"code": "ExpiredToken", "message": "The security token is expired", "status": 403}
    alb.faults.set({"faults": [{"operation": "DescribeTargetGroups", "calls": [2], "error": error}]})
    alb.client.describe_target_groups()
    assert code_of(alb.client.describe_target_groups) == "ExpiredToken"
    alb.client.describe_target_groups()
    assert alb.faults.calls == ["DescribeTargetGroups"] * 3


def test_a_call_that_fails_before_it_takes_effect_changes_nothing(alb: Alb) -> None:
    alb.faults.set({"faults": [{"operation": "CreateTargetGroup", "error": {"code": "ServiceUnavailable"}}]})
    with pytest.raises(alb.client.exceptions.ClientError):
        alb.group()
    assert alb.store.world.target_groups == {}


def test_a_call_that_fails_afterwards_has_taken_effect(alb: Alb) -> None:
    fault = {"operation": "CreateTargetGroup", "error": {"code": "InternalFailure", "status": 500}, "after": True}
    alb.faults.set({"faults": [fault]})
    with pytest.raises(alb.client.exceptions.ClientError):
        alb.group()
    assert len(alb.store.world.target_groups) == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_dropped_call_gets_no_answer(after: bool) -> None:
    faults, done = Faults(), []
    faults.set({"faults": [{"drop": True, "after": after}]})
    with pytest.raises(Dropped):
        faults.around("CreateRule", lambda: done.append(1))
    assert bool(done) == after


def test_buckets_throttle_as_aws_does() -> None:
    now = [0.0]
    faults = Faults(clock=lambda: now[0])
    faults.set({"throttle": {"describe": [3, 2]}})

    def describe() -> bool:
        refusals: list[str] = []
        try:
            faults.around("DescribeRules", lambda: None)
        except ApiError as error:
            refusals.append(error.code)
        return refusals != ["ThrottlingException"]

    assert [describe() for _ in range(4)] == [True, True, True, False]
    now[0] = 1.0
    assert [describe() for _ in range(3)] == [True, True, False]
    now[0] = 100.0
    assert [describe() for _ in range(4)] == [True, True, True, False]
    faults.around("CreateRule", lambda: None)


def test_a_delayed_call_waits_before_it_takes_effect(monkeypatch: pytest.MonkeyPatch) -> None:
    faults, order = Faults(), list[object]()
    monkeypatch.setattr("local_alb.api.faults.time.sleep", order.append)
    faults.set({"faults": [{"operation": "CreateRule", "calls": [2], "delay": 1.5}]})
    for _ in range(3):
        faults.around("CreateRule", lambda: order.append("done"))
    assert order == ["done", 1.5, "done", "done"]


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"fault": []},
        {"faults": [{"colour": "red"}]},
        {"faults": ["x"]},
        {"faults": [{"operation": "CreateRules"}]},
        {"faults": [{"error": "Throttling"}]},
        {"faults": [{"error": {"message": "without a code"}}]},
        {"throttle": {"mutating": [20, 3]}},
    ],
)
def test_a_fault_that_makes_no_sense_is_refused(document: Any) -> None:
    with pytest.raises(ValueError, match=r"fault|throttle"):
        Faults().set(document)
