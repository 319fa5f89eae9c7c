"""Images that are built here and pushed for a cluster: a real engine and a real registry."""

from __future__ import annotations

import io
import tarfile
import urllib.request
from collections.abc import Iterator

import docker
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.errors import ImageError
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.push import push, pushed_as, repository_in

from tests.e2e.support.ports import free_port
from tests.e2e.support.registry import Registry, running_registry
from tests.e2e.support.site import FLEET

IMAGE = f"mcp-built/pushed-{FLEET}:1"


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture
def engine() -> Iterator[docker.APIClient]:
    client = docker.from_env().api
    empty = io.BytesIO()
    tarfile.open(fileobj=empty, mode="w").close()
    repository, tag = IMAGE.split(":")
    client.import_image_from_data(empty.getvalue(), repository=repository, tag=tag)
    yield client
    for each in client.inspect_image(IMAGE)["RepoTags"]:
        client.remove_image(each)
    client.close()


def test_a_pushed_image_is_in_the_registry_under_the_digest_that_is_told_and_remembered(
    engine: docker.APIClient, registry: Registry
) -> None:
    place = f"{registry.address}/mcp"
    assert pushed_as(engine.inspect_image(IMAGE), repository_in(place, IMAGE)[0]) is None
    name = push(engine, IMAGE, place)
    repository, _at, digest = name.partition("@")
    assert repository == f"{place}/pushed-{FLEET}"
    assert pushed_as(engine.inspect_image(IMAGE), repository) == name
    manifest = "application/vnd.docker.distribution.manifest.v2+json"
    asked = urllib.request.Request(
        f"http://{registry.address}/v2/mcp/pushed-{FLEET}/manifests/{digest}", headers={"Accept": manifest}
    )
    with urllib.request.urlopen(asked, timeout=30) as answer:
        assert answer.status == 200
    assert push(engine, IMAGE, place) == name


def test_a_registry_that_nobody_runs_is_told_with_the_way_out(engine: docker.APIClient) -> None:
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(ImageError, match=f"docker login {address}"):
        push(engine, IMAGE, f"{address}/mcp")


def test_a_name_that_no_registry_takes_is_told_as_well(engine: docker.APIClient) -> None:
    with pytest.raises(ImageError, match="could not be pushed to UPPER/mcp"):
        push(engine, IMAGE, "UPPER/mcp")
