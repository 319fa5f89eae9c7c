"""A site whose server has to be signed: it runs by digest, and an unsigned image does not take its place."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from mcp import Client

from tests.e2e.support.registry import Registry, running_registry
from tests.e2e.support.site import FLEET, Site


class Signed:
    """A site with one server whose image has to be signed, beside one of the sample."""

    def __init__(self, site: Site, registry: Registry, sample: dict[str, Any]) -> None:
        self.site, self.registry = site, registry
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.key_file = site.etc / "release.pub"
        public = self.key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        self.key_file.write_bytes(public)
        self._sample = sample

    def write(self, tag: str) -> None:
        entry = {
            "command": "docker",
            "args": ["run", "-i", "--rm", f"{self.registry.address}/team/time:{tag}"],
            "orchestrator": {"signature_key": str(self.key_file)},
        }
        self.site.write_config({"time": self._sample["time"], "signed": entry})

    def image(self) -> str:
        return str(self.site.docker.containers.get(f"{FLEET}-signed").attrs["Config"]["Image"])


@pytest.fixture(scope="module")
def signed(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Signed]:
    sample = site.config()
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        try:
            yield Signed(site, registry, sample)
        finally:
            site.write_config(sample)
            site.reconcile()
            for image in site.docker.images.list():
                for name in image.attrs["RepoDigests"] or ():
                    if name.startswith(registry.address):
                        site.docker.images.remove(name)


def tools(url: str) -> list[str]:
    async def session() -> list[str]:
        async with Client(url) as client:
            return [tool.name for tool in (await client.list_tools()).tools]

    return asyncio.run(asyncio.wait_for(session(), 120))


def test_only_what_the_key_has_signed_takes_over(signed: Signed) -> None:
    site, registry = signed.site, signed.registry
    digest = registry.push("mcp-sample/time:1", "team/time:1")
    registry.sign("team/time", digest, signed.key)
    signed.write("1")
    run = site.reconcile("--diff")
    assert run.code == 0, run.output
    assert signed.image() == f"{registry.address}/team/time@{digest}"
    assert "convert_time" in tools(f"{site.url}/mcp/signed/mcp")
    again = site.reconcile()
    assert (again.code, again.changed) == (0, 0), again.output

    before = site.containers()
    registry.push("mcp-sample/orders:1", "team/time:2")
    signed.write("2")
    unsigned = site.reconcile()
    assert unsigned.code != 0
    assert f"has no signature by {signed.key_file}" in unsigned.output
    assert site.containers() == before
    assert "convert_time" in tools(f"{site.url}/mcp/signed/mcp")
    assert "has no signature by" in json.dumps(site.servers()["signed"])
    site.wait_well("time")
    assert list(Path(site.var, "signatures").iterdir()) == []
