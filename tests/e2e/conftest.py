from __future__ import annotations

import pwd
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import docker
import pytest
from docker.models.networks import Network

from tests.e2e.support.site import FLEET, PROJECT, USERS, Site, processes_naming


def left_behind(site: Site) -> list[str]:
    """What a teardown should have taken with it: objects of the engine that bear the fleet's mark, users, processes."""
    ours = {"label": f"mcp_fleet={FLEET}"}
    api = site.docker.api
    return [
        *(container["Names"][0] for container in api.containers(all=True, filters=ours)),
        *(volume["Name"] for volume in api.volumes(filters=ours)["Volumes"] or ()),
        *(network["Name"] for network in api.networks(filters=ours)),
        *(each.pw_name for each in pwd.getpwall() if each.pw_name in USERS.values()),
        *processes_naming(site.root),
    ]


@contextmanager
def stranger_in_a_network(site: Site) -> Iterator[str]:
    """A container that is not of the fleet in one of its networks, whose name this is; empty where there is none."""
    networks = site.docker.networks.list(filters={"label": f"mcp_fleet={FLEET}"})
    if not networks:
        yield ""
        return
    image = site.docker.containers.list(filters={"label": f"mcp_fleet={FLEET}"}, all=True)[0].image
    stranger = site.docker.containers.create(
        image, ["86400"], name=f"{FLEET}-stranger", entrypoint="sleep", network=networks[0].name
    )
    try:
        stranger.start()
        yield str(networks[0].name)
    finally:
        stranger.remove(force=True)
        for network in networks:
            _remove(network)


def _remove(network: Network) -> None:
    """Docker 20.10 now and then keeps the endpoint of a container that is gone, and the network with it, until it is
    started anew. Nobody may be in it."""
    with suppress(docker.errors.NotFound):
        try:
            network.remove()
        except docker.errors.APIError as error:
            network.reload()
            if network.containers or "has active endpoints" not in str(error):
                raise


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests that give the site a watcher, which starts runs, come after all others: an installation without it again
    takes a minute or more."""
    items.sort(key=lambda item: item.get_closest_marker("keeps_its_watcher") is not None)


@pytest.fixture(scope="session")
def site() -> Iterator[Site]:
    """The product, installed once for the session with the sample config, and torn down after it."""
    # Not one of pytest's folders: those are root's alone, and the services run as users of their own.
    root = Path(tempfile.mkdtemp(prefix="mcp-e2e-", dir="/var/tmp"))
    site = Site(root)
    (site.etc / "mcp.config.json").write_bytes((PROJECT / "files" / "mcp.config.json").read_bytes())
    run = site.install()
    try:
        assert run.code == 0, run.output
        yield site
    finally:
        with stranger_in_a_network(site) as network:
            gone = site.play("teardown")
            shutil.rmtree(root, ignore_errors=True)
            assert gone.code == (2 if network else 0), gone.output
            assert left_behind(site) == ([network] if network else []), gone.output
        assert network in gone.output
