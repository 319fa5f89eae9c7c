"""The same calls to this load balancer and to moto, an independent implementation.

Where the two agree, neither invented it. Where they do not, the tables name the documentation that settles it: each
such case holds the answer that is documented, and it is noticed when moto comes to agree.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from botocore import xform_name
from local_alb.api.service_model import service_model
from local_alb.operations.table import READS, WRITES
from moto.elbv2.responses import ELBV2Response

from tests.unit.local_alb import (
    compared_balancers,
    compared_groups,
    compared_listeners,
    compared_rules,
    compared_tags,
    compared_targets,
)
from tests.unit.local_alb.compared import Case, World, our_world, outcome, their_worlds

CASES: list[Case] = [
    *compared_balancers.CASES,
    *compared_groups.CASES,
    *compared_listeners.CASES,
    *compared_rules.CASES,
    *compared_tags.CASES,
    *compared_targets.CASES,
]
# What moto knows and this load balancer answers with InvalidAction, since it has nothing here to act upon: one
# certificate a listener, no choice of networks, no capacity to reserve, and its policies stand in the documentation.
NOT_HERE = {
    "AddListenerCertificates",
    "DescribeCapacityReservation",
    "DescribeSSLPolicies",
    "RemoveListenerCertificates",
    "SetIpAddressType",
    "SetSecurityGroups",
    "SetSubnets",
}


@pytest.fixture(scope="module")
def new_world() -> Iterator[Callable[[], World]]:
    with their_worlds() as make:
        yield make


@pytest.fixture
def theirs(new_world: Callable[[], World]) -> World:
    return new_world()


@pytest.fixture
def ours(tmp_path: Path) -> World:
    return our_world(tmp_path)


def named(*cases: Case) -> list[object]:
    return [pytest.param(case, id=f"{case.operation}: {case.what}") for case in cases]


@pytest.mark.parametrize("case", named(*(case for case in CASES if not case.differs)))
def test_both_say_the_same(case: Case, ours: World, theirs: World) -> None:
    found = outcome(case.run, ours)
    assert found == outcome(case.run, theirs)
    if case.code:
        assert found == f"refused: {case.code}"
    else:
        assert not str(found).startswith("refused: ")


@pytest.mark.filterwarnings("ignore:.*does not match an error shape:UserWarning")  # moto's own errors of other services
@pytest.mark.parametrize("case", named(*(case for case in CASES if case.differs)))
def test_where_they_differ_ours_does_what_is_documented(case: Case, ours: World, theirs: World) -> None:
    assert outcome(case.run, ours) == case.documented, case.source
    assert outcome(case.run, theirs) != case.documented, f"moto now agrees: {case.source}"


@pytest.mark.parametrize("operation", sorted(NOT_HERE))
def test_what_moto_alone_knows_is_no_action_here(operation: str, ours: World) -> None:
    assert outcome(lambda world: getattr(world.client, xform_name(operation))(), ours) == "refused: InvalidAction"


def test_every_operation_that_both_know_is_compared_where_it_succeeds_and_where_it_is_refused() -> None:
    known_to_moto = {name for name, _ in inspect.getmembers(ELBV2Response, inspect.isfunction)}
    theirs = {name for name in service_model().operation_names if xform_name(name) in known_to_moto}
    ours = {*READS, *WRITES}
    assert theirs - ours == NOT_HERE
    assert {case.operation for case in CASES if not case.refused} == ours & theirs
    assert {case.operation for case in CASES if case.refused} == ours & theirs
