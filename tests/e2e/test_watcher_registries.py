"""The engine asks a real registry whether there is another image under the tag that a server runs."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from records.images import images
from watcher.disk import Disk
from watcher.engine.client import Engine
from watcher.registries import AGAIN_SECONDS, Registries
from watcher.roster import Roster

from tests.e2e.support.container_scene import tiny_image
from tests.e2e.support.registry import Registry, running_registry

FLEET = f"asked-{os.getpid()}"
FIRST, OTHER = f"mcp-test/{FLEET}:1", f"mcp-test/{FLEET}:2"
NOW = 1_790_000_000


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """A registry in which the first image is, which a container of the fleet runs."""
    api = docker.APIClient(version="auto")
    folder = tmp_path / "registry"
    folder.mkdir()
    with running_registry(folder) as found:
        reference = f"{found.address}/team/time:1"
        tiny_image(api, FIRST)
        made = api.create_container(FIRST)["Id"]
        api.commit(made, *OTHER.split(":"), changes=["LABEL another=image"])
        api.remove_container(made)
        try:
            found.push(FIRST, "team/time:1")
            api.pull(reference)
            api.start(api.create_container(reference, labels={"mcp_fleet": FLEET, "mcp_service": "time"})["Id"])
            yield found
        finally:
            for each in api.containers(all=True, filters={"label": f"mcp_fleet={FLEET}"}):
                api.remove_container(each["Id"], force=True, v=True)
            for image in {tag for each in api.images() for tag in each["RepoTags"] or []} & {reference, FIRST, OTHER}:
                api.remove_image(image, force=True)


def test_a_push_under_the_same_tag_is_found_out(registry: Registry, tmp_path: Path) -> None:
    async def asked(at: int) -> bool:
        engine = Engine("/run/docker.sock")
        roster = Roster(engine, FLEET)
        await roster._list()
        registries = Registries(engine, roster, tmp_path, Disk(tmp_path))
        await registries.look()
        await registries.ask(at)
        return images(tmp_path)["time"].is_outdated

    assert asyncio.run(asked(NOW)) is False
    registry.push(OTHER, "team/time:1")
    assert asyncio.run(asked(NOW + 60)) is False  # nobody has asked
    assert asyncio.run(asked(NOW + AGAIN_SECONDS)) is True
