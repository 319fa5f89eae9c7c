"""A fleet moves from a host to a cluster and back, behind one load balancer, with clients at work all the way."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.support.waiting import until
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


def converge_until_served_by(scene: MoveScene, server: str, sides: set[str]) -> None:
    """Runs until a server has healthy targets of these sides and of no other: health checks take their time."""
    until(
        lambda: scene.reconcile().code == 0 and scene.served_by()[server] == sides,
        lambda: f"{server} is served by {sides}: {scene.served_by()}",
        400,
    )


def test_one_server_moves_by_its_placement_and_is_served_from_both_sides_on_the_way(scene: MoveScene) -> None:
    moved, *others = [each.name for each in scene.asked]
    way = (("both", {"host", "pods"}), ("cluster", {"pods"}), ("both", {"host", "pods"}), ("hosts", {"host"}))
    with moving_clients(scene.asked) as clients:
        for placement, sides in way:
            scene.write_fleet(SERVERS, {moved: placement})
            converge_until_served_by(scene, moved, sides)
            assert all(scene.served_by()[name] == {"host"} for name in others)
        tally = clients.take()
    assert tally.lost == {}
    assert tally.visits > len(way)
