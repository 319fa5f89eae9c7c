"""The image from which pods get the bridge: the same bytes for the same runtime, and an engine's form."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from pathlib import Path

import pytest
from bridge.runtime.image import NOBODY, write_image


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    root = tmp_path / "runtime"
    (root / "lib").mkdir(parents=True)
    for name in ("python", "ld.so", "lib/libc.so.6"):
        (root / name).write_bytes(name.encode())
        (root / name).chmod(0o755)
    return root


def test_the_same_runtime_gives_the_same_image_whenever_it_was_made(runtime: Path, tmp_path: Path) -> None:
    first = write_image(runtime, tmp_path / "first.tar", "a:1")
    for path in runtime.rglob("*"):
        os.utime(path, (1, 1))
    assert write_image(runtime, tmp_path / "second.tar", "a:1") == first
    assert (tmp_path / "first.tar").read_bytes() == (tmp_path / "second.tar").read_bytes()
    (runtime / "python").write_bytes(b"another")
    assert write_image(runtime, tmp_path / "third.tar", "a:1") != first


def test_an_engine_finds_the_runtime_where_containers_have_it_and_root_s(runtime: Path, tmp_path: Path) -> None:
    identity = write_image(runtime, tmp_path / "image.tar", "registry.example.com/bridge:1")
    with tarfile.open(tmp_path / "image.tar") as archive:

        def content(name: str) -> bytes:
            file = archive.extractfile(name)
            assert file is not None
            return file.read()

        (manifest,) = json.loads(content("manifest.json"))
        config, layer = content(manifest["Config"]), content(manifest["Layers"][0])
    assert manifest["RepoTags"] == ["registry.example.com/bridge:1"]
    assert identity == f"sha256:{hashlib.sha256(config).hexdigest()}"
    described = json.loads(config)
    assert described["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(layer).hexdigest()}"]
    assert described["config"]["User"] == NOBODY
    with tarfile.open(fileobj=io.BytesIO(layer)) as files:
        members = files.getmembers()
    assert [each.name for each in members] == [".mcp", ".mcp/ld.so", ".mcp/lib", ".mcp/lib/libc.so.6", ".mcp/python"]
    assert {(each.uid, each.gid, each.mtime, each.uname) for each in members} == {(0, 0, 0, "")}
    assert members[-1].mode == 0o755
