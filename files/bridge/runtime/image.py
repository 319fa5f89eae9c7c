"""Build an image that holds the bridge's runtime and nothing else, for pods that copy it out of there.

Usage, in the folder above the bridge's:
  python -m bridge.runtime.image --tag NAME:TAG             loads it into the engine of this host, and prints its id
  python -m bridge.runtime.image --tag NAME:TAG --to FILE   writes the archive that `docker load` and `podman load` read

The same runtime gives the same image, bit for bit: no time, no owner and no order of this host is in it. The archive is
that of https://github.com/moby/docker-image-spec/blob/v1.3.1/spec.md.
"""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from typing import IO, Any

from bridge.runtime.build import Problem, build, digest

MOUNT = ".mcp"
NOBODY = "65532:65532"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
ENGINES = ("docker", "podman")
_BLOCK = 1 << 20


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the image from which pods get the bridge.")
    parser.add_argument("--tag", required=True)
    parser.add_argument("--to", type=Path, help="the archive to write, instead of loading it into the engine")
    options = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory() as scratch:
            runtime, archive = Path(scratch) / "runtime", Path(scratch) / "image.tar"
            build(runtime)
            identity = write_image(runtime, archive, options.tag)
            if options.to is None:
                load(archive)
            else:
                shutil.copyfile(archive, options.to)
    except Problem as problem:
        print(f"image.py: {problem}", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        print(f"image.py: {' '.join(map(str, error.cmd[:3]))} … failed:\n{error.stderr or ''}", file=sys.stderr)
        return 1
    print(identity)
    return 0


def write_image(runtime: Path, archive: Path, tag: str) -> str:
    """Writes the archive of an image with a runtime at /.mcp; returns the image's id."""
    layer = archive.with_suffix(".layer")
    with layer.open("wb") as file:
        write_layer(runtime, file)
    diff_id = _sha256(layer)
    config = _json(
        {
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
            "os": "linux",
            "created": "1970-01-01T00:00:00Z",
            "config": {"User": NOBODY, "Labels": {"org.opencontainers.image.version": digest()}},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{diff_id}"]},
            "history": [{"created": "1970-01-01T00:00:00Z", "created_by": "the bridge's runtime"}],
        }
    )
    identity = hashlib.sha256(config).hexdigest()
    manifest = [{"Config": f"{identity}.json", "RepoTags": [tag], "Layers": [f"{diff_id}/layer.tar"]}]
    with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
        _add(tar, f"{identity}.json", len(config), io.BytesIO(config))
        with layer.open("rb") as file:
            _add(tar, f"{diff_id}/layer.tar", layer.stat().st_size, file)
        listed = _json(manifest)
        _add(tar, "manifest.json", len(listed), io.BytesIO(listed))
    layer.unlink()
    return f"sha256:{identity}"


def write_layer(runtime: Path, file: IO[bytes]) -> None:
    """Writes the tar of a runtime at /.mcp: root's, of no time, in the order of the names."""
    with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for path in [runtime, *sorted(runtime.rglob("*"))]:
            entry = tar.gettarinfo(path, str(MOUNT / path.relative_to(runtime)))
            entry.uid = entry.gid = entry.mtime = 0
            entry.uname = entry.gname = ""
            if path.is_file():
                with path.open("rb") as content:
                    tar.addfile(entry, content)
            else:
                tar.addfile(entry)


def load(archive: Path) -> None:
    """Loads an archive into the engine of this host. Raises Problem where there is none."""
    engine = next((found for name in ENGINES if (found := shutil.which(name))), None)
    if engine is None:
        raise Problem("there is neither docker nor podman to load the image; write an archive with --to FILE")
    subprocess.run([engine, "load", "-q", "-i", str(archive)], check=True, capture_output=True, text=True)


def _add(tar: tarfile.TarFile, name: str, size: int, content: IO[bytes]) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = size
    tar.addfile(entry, content)


def _sha256(path: Path) -> str:
    state = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            state.update(block)
    return state.hexdigest()


def _json(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


if __name__ == "__main__":
    sys.exit(main())
