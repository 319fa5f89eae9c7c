"""A fleet moves from a host to a cluster and back, behind one load balancer, with clients at work all the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.kubernetes.marks import takes_long
from tests.kubernetes.move_scene import KINDS, MoveScene, move_scene, walk
from tests.kubernetes.moving_clients import moving_clients
from tests.kubernetes.programs import are_built

pytestmark = takes_long
SERVERS = len(KINDS)


@pytest.fixture(scope="module")
def scene() -> Iterator[MoveScene]:
    if not are_built():
        pytest.skip("the API server is not built on this machine; make kubernetes builds it, once, in about 10 minutes")
    with move_scene() as made:
        made.write_fleet(SERVERS)
        run = made.install()
        assert run.code == 0, run.output
        made.bootstrap()
        yield made


def test_no_request_is_lost_on_the_way_to_the_cluster_and_back(scene: MoveScene) -> None:
    with moving_clients(scene.asked) as clients:
        stages = list(walk(scene, clients))
    assert {stage.name: stage.tally.lost for stage in stages if stage.tally.lost} == {}
    assert sum(stage.tally.requests for stage in stages) > 50 * SERVERS
