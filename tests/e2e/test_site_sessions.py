"""A server whose clients hold sessions while its entry changes: they finish in the old container, which then goes."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.support.sample import SAMPLE
from tests.e2e.support.sessions import clients
from tests.e2e.support.site import FLEET, Site

NOW = ("get_current_time", {"timezone": "Europe/Berlin"})
HELD = 3


@pytest.fixture
def site_with_sample(site: Site) -> Iterator[Site]:
    yield site
    site.write_config(SAMPLE)
    run = site.reconcile()
    assert run.code == 0, run.output


def containers_of(site: Site, server: str) -> list[str]:
    """The ids of the server's containers."""
    ours = {"label": [f"mcp_fleet={FLEET}", f"mcp_service={server}"]}
    return sorted(found["Id"] for found in site.docker.api.containers(filters=ours))


def test_sessions_finish_in_the_container_that_is_replaced_and_a_later_run_takes_it_away(
    site_with_sample: Site,
) -> None:
    site = site_with_sample
    with clients(f"{site.url}/mcp/time/mcp", NOW, HELD) as asking:
        (old,) = containers_of(site, "time")
        site.write_config({**SAMPLE, "time": {**SAMPLE["time"], "env": {"TZ": "Asia/Tokyo"}}})

        run = site.reconcile()

        assert run.code == 0, run.output
        asking.go_on()
        assert asking.faults == {}
        assert old in containers_of(site, "time")
        assert len(containers_of(site, "time")) == 2
        server = site.servers()["time"]
        assert server["draining"] == {"containers": 1, "sessions": HELD}
        assert server["text"]["condition"] == f"answers, draining: {HELD} sessions"
        again = site.reconcile()
        assert (again.code, again.changed) == (0, 0), again.output
        asking.go_on()
        assert asking.faults == {}
        assert old in containers_of(site, "time")

    last = site.reconcile()
    assert last.code == 0, last.output
    assert asking.faults == {}
    assert len(containers_of(site, "time")) == 1
    assert old not in containers_of(site, "time")
    assert f"{FLEET}-time" in site.containers()
    assert site.servers()["time"]["draining"] is None
