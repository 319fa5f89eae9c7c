"""An engine that is on another host than the module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.container.engine import DockerEngine, EngineError

from tests.e2e.support.certificates import make_authority, make_certificate
from tests.e2e.support.container_scene import ContainerScene
from tests.e2e.support.own_engine import OwnEngine

PORT = 2376


def certificates(folder: Path, address: str) -> None:
    """An authority, and what engine and client show each other, under the names that docker gives them."""
    make_authority(folder)
    make_certificate(folder, "server", "/CN=server", f"IP:{address}")
    make_certificate(folder, "client", "/CN=client")
    (folder / "cert.pem").symlink_to("client.pem")
    (folder / "key.pem").symlink_to("client-key.pem")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certificates")


@pytest.fixture(scope="module")
def remote(folder: Path) -> Iterator[OwnEngine]:
    own = OwnEngine()
    try:
        certificates(folder, own.publish)
        own.listen = (
            *("-H", f"tcp://{own.publish}:{PORT}", "--tlsverify", "--tlscacert", str(folder / "ca.pem")),
            *("--tlscert", str(folder / "server.pem"), "--tlskey", str(folder / "server-key.pem")),
        )
        own.start()
        yield own
    finally:
        own.discard()


def assert_it_runs_a_fleet(scene: ContainerScene) -> None:
    specs = [scene.spec("a"), scene.spec("b")]
    try:
        result = scene.run(specs)
        assert result["errors"] == []
        assert [scene.get(each["port"]) for each in result["endpoints"]] == ["tiny"] * 2
        assert scene.run(specs)["actions"] == []
        (error,) = scene.run([*specs, scene.spec("c", network="none")])["errors"]
        assert error["server"] == "c"
        assert "the engine is on another host, where this module cannot write firewall rules" in error["message"]
    finally:
        scene.run([], retire=True)
        scene.clean()


def test_a_fleet_runs_on_an_engine_behind_tls(remote: OwnEngine, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    local = ContainerScene(remote.address, remote.publish)
    # With these set, the requests library looks nowhere else.
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DOCKER_TLS_VERIFY", "1")
    monkeypatch.setenv("DOCKER_CERT_PATH", str(folder))
    local.engine = DockerEngine(f"tcp://{remote.publish}:{PORT}")
    assert_it_runs_a_fleet(local)


def test_an_engine_behind_tls_that_knows_no_certificate_of_ours_is_one_sentence(
    remote: OwnEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DOCKER_TLS_VERIFY", raising=False)
    with pytest.raises(EngineError, match=r"the engine could not connect|no Docker engine answers at tcp://"):
        DockerEngine(f"tcp://{remote.publish}:{PORT}")
