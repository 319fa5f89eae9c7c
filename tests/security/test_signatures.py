"""What a key has to have signed runs by its digest; what it has not signed never takes its place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import docker
import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.spec import Spec
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import DockerEngine
from ansible_collections.mcp.orchestrator.plugins.module_utils.image.base import obtain
from ansible_collections.mcp.orchestrator.plugins.module_utils.signature.verify import Verified, verify_images
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.e2e.support.registry import Registry, running_registry

IMAGES = ("mcp-base/debian:12", "mcp-base/python:3.11")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Registry]:
    with running_registry(tmp_path_factory.mktemp("registry")) as found:
        yield found


@pytest.fixture(scope="module")
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def spec(registry: Registry, name: str, key: ec.EllipticCurvePrivateKey, folder: Path, **options: str) -> Spec:
    public = folder / "release.pub"
    public.write_bytes(key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    image = f"{registry.address}/{name}"
    return Spec(**{"name": "a", "image": image, "signature_key": str(public), **options}).with_generation()


def verify(wanted: Spec, folder: Path) -> Verified:
    return verify_images([wanted], str(folder / "signatures"), dry_run=False)


def test_a_signed_image_is_verified_in_a_real_registry_and_can_be_pulled_by_its_digest(
    registry: Registry, key: ec.EllipticCurvePrivateKey, tmp_path: Path
) -> None:
    digest = registry.push(IMAGES[0], "team/signed:1")
    registry.sign("team/signed", digest, key)
    result = verify(spec(registry, "team/signed:1", key, tmp_path), tmp_path)
    assert not result.errors
    (verified,) = result.servers
    assert verified.image == f"{registry.address}/team/signed@{digest}"
    client = docker.from_env()
    client.api.pull(verified.image)
    try:
        assert client.images.get(verified.image).id == client.images.get(IMAGES[0]).id
    finally:
        client.images.remove(verified.image)


def test_a_tag_that_is_moved_to_an_unsigned_image_changes_nothing_until_that_is_signed(
    registry: Registry, key: ec.EllipticCurvePrivateKey, tmp_path: Path
) -> None:
    first = registry.push(IMAGES[0], "team/moved:1")
    registry.sign("team/moved", first, key)
    wanted = spec(registry, "team/moved:1", key, tmp_path, pull="always")
    serving = verify(wanted, tmp_path).servers
    second = registry.push(IMAGES[1], "team/moved:1")
    assert second != first
    registry.sign("team/moved", second, ec.generate_private_key(ec.SECP256R1()))
    moved = verify(wanted, tmp_path)
    assert moved.servers == serving
    assert "has no signature by" in moved.errors[0]["message"]
    registry.sign("team/moved", second, key)
    taken = verify(wanted, tmp_path)
    assert not taken.errors
    assert [each.image for each in taken.servers] == [f"{registry.address}/team/moved@{second}"]
    assert taken.servers[0].generation != serving[0].generation


def test_an_unsigned_image_does_not_run(registry: Registry, key: ec.EllipticCurvePrivateKey, tmp_path: Path) -> None:
    digest = registry.push(IMAGES[0], "team/unsigned:1")
    wanted = spec(registry, "team/unsigned:1", key, tmp_path)
    assert not verify(wanted, tmp_path).servers
    # A signature of another image does not help, wherever it is put.
    registry.sign("team/unsigned", registry.push(IMAGES[1], "team/unsigned:2"), key)
    assert not verify(wanted, tmp_path).servers
    assert not verify(replace(wanted, image=f"{wanted.image}@{digest}"), tmp_path).servers


def test_a_base_is_pulled_by_its_digest_and_recorded_with_it(registry: Registry) -> None:
    digest = registry.push(IMAGES[0], "team/base:1")
    pinned = f"{registry.address}/team/base:1@{digest}"
    with closing(DockerEngine(timeout=1800)) as engine, engine.client("build images") as client:
        try:
            base = obtain(client, pinned, renew=False)
            assert (base.digest, base.id) == (digest, docker.from_env().images.get(IMAGES[0]).id)
            by_tag = obtain(client, f"{registry.address}/team/base:1", renew=True)
            assert by_tag.digest == digest
        finally:
            for name in (f"{registry.address}/team/base@{digest}", f"{registry.address}/team/base:1"):
                client.remove_image(name, noprune=True)
