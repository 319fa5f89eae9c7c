"""Which differences between two listings call for a run."""

from __future__ import annotations

from dataclasses import replace

import pytest
from watcher.engine.model import Container
from watcher.trouble import changes, standing

from tests.unit.watcher.fleets import container, fleet


@pytest.mark.parametrize(
    ("state", "health", "what"),
    [
        ("running", "healthy", None),
        ("running", "starting", None),
        ("running", "", None),
        ("running", "unhealthy", "time is unhealthy"),
        ("restarting", "", None),
        ("removing", "", None),
        ("exited", "", "time has ended"),
        ("dead", "", "time has ended"),
        ("paused", "", "time is paused"),
        ("created", "", "time is half made"),
    ],
)
def test_a_state_calls_for_a_run_where_the_engine_does_not_mend_it(state: str, health: str, what: str | None) -> None:
    found = standing(fleet(container("a", state=state, health=health)))
    assert [str(trouble) for _, trouble in found] == ([what] if what else [])


@pytest.mark.parametrize(
    ("after", "what"),
    [
        (container("a"), set()),
        (None, {"time was removed"}),
        (replace(container("a"), name="mine"), {"time was renamed"}),
        (replace(container("a"), networks=frozenset()), {"time was cut off from its network"}),
        (replace(container("a"), networks=frozenset({"mcp", "more"})), set()),
        (replace(container("a", state="removing"), networks=frozenset()), set()),
    ],
)
def test_what_was_done_to_a_container_shows_beside_an_earlier_listing(after: Container | None, what: set[str]) -> None:
    now = fleet(after) if after else {}
    assert {str(each) for each in changes(fleet(container("a")), now)} == what


@pytest.mark.parametrize("state", ["created", "dead"])
def test_a_container_that_served_nobody_may_go(state: str) -> None:
    assert changes(fleet(container("a", state=state)), {}) == set()


def test_a_container_without_any_network_is_cut_off_from_its_own() -> None:
    found = standing(fleet(replace(container("a"), networks=frozenset())))
    assert [str(trouble) for _, trouble in found] == ["time was cut off from its network"]


def test_a_new_container_is_no_trouble() -> None:
    assert changes({}, fleet(container("a"))) == set()
