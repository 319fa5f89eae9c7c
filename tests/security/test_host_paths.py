"""Paths of the host and volumes on a real engine: what leads out of the roots is no mount, whoever laid the link."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.mcp.orchestrator.plugins.module_utils.config.settings.permissions import Permissions

from tests.e2e.support.container_scene import ContainerScene


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("of the host")
    root = tmp_path / "root"
    (root / "given").mkdir(parents=True)
    return root.resolve()


@pytest.fixture
def scene(root: Path) -> Iterator[ContainerScene]:
    scene = ContainerScene(permissions=Permissions(host_path_roots=(str(root),)))
    try:
        yield scene
    finally:
        for each in scene.api.volumes(filters={"name": scene.fleet})["Volumes"] or ():
            for container in scene.containers().values():
                scene.api.remove_container(container["Id"], force=True)
            scene.api.remove_volume(each["Name"])
        scene.clean()


def error_of(scene: ContainerScene, source: str) -> str:
    """What a run says of a server that mounts ``source``; no container is left of it."""
    result = scene.run([scene.spec("a", volumes=(f"{source}:/x",))])
    (error,) = result["errors"]
    assert not scene.containers()
    return str(error["message"])


def test_a_link_out_of_the_roots_is_refused(scene: ContainerScene, root: Path) -> None:
    (root / "link").symlink_to(root.parent / "outside")
    assert f"it leads to {root.parent}/outside, which is not in {root}" in error_of(scene, f"{root}/link")
    assert "which is not in" in error_of(scene, f"{root}/link/secret")


def test_what_is_not_there_is_not_made(scene: ContainerScene, root: Path) -> None:
    assert "there is nothing on this host" in error_of(scene, f"{root}/gone")
    assert not (root / "gone").exists()


def test_a_volume_that_somebody_made_from_the_host_is_refused(scene: ContainerScene, root: Path) -> None:
    name = f"{scene.fleet}.bound"
    device = str(root.parent / "outside")
    scene.api.create_volume(name, driver_opts={"type": "none", "o": "bind", "device": device})
    assert f"it was made from {device}, and it is not in" in error_of(scene, name)


def test_a_mount_is_of_the_place_itself_so_that_a_link_laid_later_leads_nowhere(
    scene: ContainerScene, root: Path
) -> None:
    (root / "link").symlink_to("given")
    wanted = scene.spec("a", volumes=(f"{root}/link:/x:ro",))
    assert scene.run([wanted])["errors"] == []
    (container,) = scene.containers().values()
    assert f"{root}/given:/x:ro" in container["HostConfig"]["Binds"]
    (root / "link").unlink()
    (root / "link").symlink_to(root.parent / "outside")
    scene.api.restart(container["Id"], timeout=1)
    process = scene.api.inspect_container(container["Id"])["State"]["Pid"]
    mounted = Path(f"/proc/{process}/mountinfo").read_text()
    assert f"{root.name}/given /x " in mounted
    assert "outside" not in mounted
    assert "which is not in" in scene.run([wanted])["errors"][0]["message"]


def test_a_folder_that_another_server_could_replace_is_refused(scene: ContainerScene, root: Path) -> None:
    (root / "given" / "below").mkdir()
    writer = scene.spec("b", volumes=(f"{root}/given:/y",))
    result = scene.run([scene.spec("a", volumes=(f"{root}/given/below:/x:ro",)), writer])
    assert [each["server"] for each in result["errors"]] == ["a"]
    assert f"it lies in {root}/given, where server b may write" in result["errors"][0]["message"]
